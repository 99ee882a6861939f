//! What is not accepted and not shown, and what its refusal says.

use comity::v1::{self, CaseState};

use super::*;
use crate::world::{self, violations};

/// What is expected of an upload that is not as it should be: its code, its reason,
/// and what its metadata says under a name.
type Expected<'a> = (Code, &'a str, Option<(&'a str, &'a str)>);

async fn check(party: &mut Party, parts: Vec<UploadRequest>, expected: Expected<'_>) -> Status {
    let status = party.send(parts).await.unwrap_err();
    let (code, why, told) = expected;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (code, why),
        "{status:?}"
    );
    if let Some((name, value)) = told {
        assert_eq!(
            metadata(&status, name).as_deref(),
            Some(value),
            "{status:?}"
        );
    }
    status
}

fn header(header: EvidenceHeader) -> UploadRequest {
    UploadRequest {
        part: Some(Part::Header(header)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_what_was_stated_are_refused_where_they_begin() {
    let on = Delivered::start("flipped").await;
    let mut executing = on.executing().await;
    let content = content(2 * SEGMENT_BYTES + 10);
    let lost = |offset| (Code::DataLoss, "WRONG_DIGEST", Some(("offset", offset)));

    // One bit of the sixth chunk, on its way.
    let mut parts = on.upload(&content, 0);
    let Some(Part::Chunk(chunk)) = &mut parts[6].part else {
        panic!("a chunk")
    };
    let mut flipped = chunk.data.to_vec();
    flipped[1000] ^= 1;
    chunk.data = flipped.into();
    let status = check(&mut executing, parts, lost("5242880")).await;
    let details = status.get_error_details();
    let metadata = &details.error_info().unwrap().metadata;
    assert_eq!(metadata["stored"], "4194304");
    assert!(
        status
            .message()
            .ends_with("send it again, from offset 4194304"),
        "{status:?}"
    );

    // What came before is stored; chunks from elsewhere are told where to go on.
    let elsewhere = (
        Code::OutOfRange,
        "WRONG_OFFSET",
        Some(("stored", "4194304")),
    );
    for offset in [0, MIB, 2 * SEGMENT_BYTES] {
        check(&mut executing, on.upload(&content, offset), elsewhere).await;
    }
    let done = executing.send(on.upload(&content, SEGMENT_BYTES)).await;
    assert!(done.unwrap().complete);

    // The item as a whole: nothing of it stays.
    let other = super::content(SEGMENT_BYTES);
    let mut parts = on.upload(&other, 0);
    let mut wrong = on.header(&other, 0);
    wrong.sha256 = Bytes::from_static(&[7; 32]);
    parts[0] = header(wrong.clone());
    let status = check(&mut executing, parts, lost("0")).await;
    assert!(
        status.message().starts_with("the item at offset 0"),
        "{status:?}"
    );
    assert_eq!(executing.stored(wrong).await, 0);
    assert_eq!(executing.items(&on.case).await.len(), 1);
    let filter = "kind=malformed AND actor=spiffe://comity.example/FR/parquet-paris/executing";
    let notes: Vec<_> = on.scene.entries(filter).await;
    let notes: Vec<_> = notes.iter().map(|leaf| leaf.note.as_deref()).collect();
    assert_eq!(notes, [Some("WRONG_DIGEST"); 2]);
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_forms_are_kept_and_say_what_to_mend() {
    let on = Delivered::start_with("limits", |config| {
        config.evidence.max_item_bytes = 1_000_000;
    })
    .await;
    let mut executing = on.executing().await;
    let small = content(1000);

    let large = content(1_000_001);
    let too_large = (
        Code::ResourceExhausted,
        "ITEM_TOO_LARGE",
        Some(("limit", "1000000 bytes")),
    );
    check(&mut executing, on.upload(&large, 0), too_large).await;

    let wrong = |change: fn(&mut EvidenceHeader)| {
        let mut message = on.header(&small, 0);
        change(&mut message);
        vec![header(message), chunk(&small, 0..1000)]
    };
    let no_chunk = chunk(&small, 0..0);
    let long = content(MIB + 1);
    let cases: [(Vec<UploadRequest>, &str); 9] = [
        (vec![], "header"),
        (vec![chunk(&small, 0..1000)], "header"),
        (vec![UploadRequest::default()], "part"),
        (
            wrong(|h| h.media_type = "model/stl".to_owned()),
            "header.media_type",
        ),
        (wrong(|h| h.size = 999), "header.size"),
        (wrong(|h| h.sha256 = Bytes::new()), "header.sha256"),
        (
            wrong(|h| h.recipient = format!("comity-recipient-1+{}", "09".repeat(32))),
            "chunk.data",
        ),
        (vec![header(on.header(&small, 0)), no_chunk], "chunk.data"),
        (
            vec![header(on.header(&small, 0)), chunk(&long, 0..MIB + 1)],
            "chunk.data",
        ),
    ];
    for (parts, field) in cases {
        let malformed = (Code::InvalidArgument, "MALFORMED", None);
        let status = check(&mut executing, parts, malformed).await;
        let fields: Vec<_> = violations(&status).into_keys().collect();
        assert_eq!(fields, [field], "{status:?}");
    }
    // Nothing that was begun in another way is in the way.
    assert!(executing.send(on.upload(&small, 0)).await.unwrap().complete);
    let name = on.name(&small);
    let status = on.issuing().await.read(&name, 1001, 1).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::OutOfRange, "WRONG_OFFSET")
    );
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_learns_that_an_item_exists() {
    let on = Delivered::start("strangers").await;
    let content = content(500);
    let mut executing = on.executing().await;
    executing.send(on.upload(&content, 0)).await.unwrap();
    let (name, absent) = (
        on.name(&content),
        format!("{}/evidence/{}", on.case, "0".repeat(64)),
    );
    for (state, authority, role) in [
        ("DE", "sta-hamburg", "issuing"),
        ("IT", "procura-roma", "executing"),
        ("FR", "parquet-paris", "issuing"),
    ] {
        let mut stranger = on.party(state, authority, role).await;
        let no_case = "no case `cases/";
        for name in [&name, &absent] {
            for status in [
                stranger.read(name, 0, 1).await.unwrap_err(),
                stranger.delete(name).await.unwrap_err(),
                stranger.send(on.upload(&content, 0)).await.unwrap_err(),
            ] {
                assert_eq!(status.code(), Code::NotFound, "{role}");
                assert!(status.message().starts_with(no_case), "{status:?}");
            }
        }
        let message = v1::ListItemsRequest {
            case: on.case.clone(),
            ..Default::default()
        };
        let status = stranger.0.list_items(message).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
    for role in ["auditor", "reviewer", "legal", "gateway"] {
        let mut stranger = on.party("FR", "parquet-paris", role).await;
        let status = stranger.read(&name, 0, 1).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{role}");
    }
    let status = executing.read(&absent, 0, 1).await.unwrap_err();
    assert!(
        status.message().starts_with("no item of evidence"),
        "{status:?}"
    );
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_side_stored_is_not_called_stored_for_the_other() {
    let on = Delivered::start("both").await;
    let content = content(500);
    let mut issuing = on.issuing().await;
    let mut executing = on.executing().await;
    issuing.send(on.upload(&content, 0)).await.unwrap();
    let not_now = (Code::FailedPrecondition, "NOT_ALLOWED_NOW", None);
    let status = check(&mut executing, on.upload(&content, 0), not_now).await;
    assert!(
        status.message().contains("it alone can delete it"),
        "{status:?}"
    );
    // One's own again is no mistake, unless it is called something else.
    assert!(issuing.send(on.upload(&content, 0)).await.unwrap().complete);
    let changes: [fn(&mut EvidenceHeader); 2] = [
        |header| header.size += 1,
        |header| header.media_type = "video/webm".to_owned(),
    ];
    for (change, field) in changes
        .into_iter()
        .zip(["header.size", "header.media_type"])
    {
        let mut other = on.header(&content, 0);
        change(&mut other);
        let malformed = (Code::InvalidArgument, "MALFORMED", None);
        let status = check(&mut issuing, vec![header(other)], malformed).await;
        assert_eq!(violations(&status).into_keys().collect::<Vec<_>>(), [field]);
    }
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_delivery_only_the_issuing_side_stores_and_after_the_end_nobody() {
    let on = Delivered::start("ends").await;
    let (papers, film) = (content(700), content(800));
    let (mut issuing, mut executing) = (on.issuing().await, on.executing().await);
    // Papers that support the request go to the executing side.
    issuing.send(on.upload(&papers, 0)).await.unwrap();
    let (_, read) = executing.read(&on.name(&papers), 0, 9).await.unwrap();
    assert!(read == papers);
    executing.send(on.upload(&film, 0)).await.unwrap();
    // What a side stored itself it may have back.
    assert!(executing.read(&on.name(&film), 0, 9).await.unwrap().1 == film);

    // A request that waits for a human: France has not seen it.
    let story = world::story("ends-early", "House search, form in English only");
    let case = on.scene.tell(&story).await;
    assert_eq!(case.state(), CaseState::Incomplete);
    let mut early = on.header(&papers, 0);
    early.case.clone_from(&case.name);
    let parts = vec![header(early), chunk(&papers, 0..700)];
    assert!(issuing.send(parts.clone()).await.unwrap().complete);
    let status = executing.send(parts).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);

    // Not executed: nothing is handed over, and nothing more is taken.
    assert_eq!(not_executed(&on).await, CaseState::NotExecuted);
    let not_now = (
        Code::FailedPrecondition,
        "NOT_ALLOWED_NOW",
        Some(("state", "NOT_EXECUTED")),
    );
    check(&mut executing, on.upload(&content(9), 0), not_now).await;
    // What is stored is said to be, to who never heard the answer.
    assert!(executing.send(on.upload(&film, 0)).await.unwrap().complete);
    let status = issuing.read(&on.name(&film), 0, 9).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(
        status.message(),
        "download is not possible while the case is NOT_EXECUTED; it is possible while the case is \
         APPROVED or DELIVERING or ACKNOWLEDGED or EXECUTING or POSTPONED or CONCLUDED"
    );
    assert!(executing.read(&on.name(&film), 0, 9).await.is_ok());
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_are_bounded_and_the_newest_upload_of_an_item_takes_over() {
    let on = Delivered::start_with("bounded", |config| config.evidence.per_caller = 2).await;
    let content = content(SEGMENT_BYTES);
    let begin = async |party: &Party| {
        let (parts, stream) = mpsc::channel(1);
        let mut party = party.clone();
        let upload = tokio::spawn(async move { party.stream(ReceiverStream::new(stream)).await });
        for part in on.upload(&content, 0).into_iter().take(3) {
            parts.send(part).await.unwrap();
        }
        // Whoever holds the sender keeps the upload open.
        (parts, upload)
    };
    let executing = on.executing().await;
    let (_open, first) = begin(&executing).await;
    // The first one has its place by now, or else the second would be the first.
    let (_open, second) = begin(&executing).await;
    let taken_over = first.await.unwrap().unwrap_err();
    assert_eq!(
        (taken_over.code(), reason(&taken_over).as_str()),
        (Code::Aborted, "CONFLICT")
    );

    let other = super::content(10);
    let mut third = executing.clone();
    let begun = async || {
        let (parts, open) = mpsc::channel(1);
        parts.send(on.upload(&other, 0).remove(0)).await.unwrap();
        let mut party = executing.clone();
        let upload = tokio::spawn(async move { party.stream(ReceiverStream::new(open)).await });
        (parts, upload)
    };
    let (mut parts, mut waiting) = begun().await;
    world::eventually("both places are taken", async || {
        // Who was taken over is told so before the place is free, perhaps too late for it.
        if waiting.is_finished() {
            (parts, waiting) = begun().await;
        }
        let asked = third
            .send(vec![on.upload(&super::content(11), 0).remove(0)])
            .await;
        match asked {
            Err(status) => {
                let expected = (Code::ResourceExhausted, "OVERLOADED");
                assert_eq!((status.code(), reason(&status).as_str()), expected);
                assert!(status.get_details_retry_info().is_some());
                Some(())
            }
            Ok(_) => None,
        }
    })
    .await;
    // Another caller has places of its own.
    assert!(on.issuing().await.items(&on.case).await.is_empty());
    drop(parts);
    waiting.await.unwrap().unwrap();
    // Stopping does not wait for those who stand still.
    on.scene.stop().await;
    let stopped = second.await.unwrap().unwrap_err();
    assert_eq!(stopped.code(), Code::Unavailable, "{stopped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_says_so_and_the_upload_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let items = folder.path().join("items");
    // Only an administrator may mount.
    let Some(disk) = crate::crash::disk::Disk::mount(&items) else {
        return;
    };
    let on = Delivered::start_with("full", |config| {
        config.evidence.place = comity_evidence::Place::Folder(items.clone());
        // The disk is smaller than what is usually left of one.
        config.evidence.keep_free_bytes = 1;
    })
    .await;
    let content = content(3 * SEGMENT_BYTES);
    let mut executing = on.executing().await;
    let mut parts = on.upload(&content, 0);
    parts.truncate(1 + SEGMENT_BYTES / MIB);
    executing.send(parts).await.unwrap();
    disk.fill();
    let full = (Code::Unavailable, "UNAVAILABLE", None);
    let status = check(&mut executing, on.upload(&content, SEGMENT_BYTES), full).await;
    assert!(status.message().contains("no room left"), "{status:?}");
    assert!(status.get_details_retry_info().is_some());
    disk.free();
    let stored = executing.stored(on.header(&content, 0)).await;
    assert_eq!(stored, SEGMENT_BYTES);
    assert!(
        executing
            .send(on.upload(&content, stored))
            .await
            .unwrap()
            .complete
    );
    let read = on
        .issuing()
        .await
        .read(&on.name(&content), 0, usize::MAX)
        .await;
    assert!(read.unwrap().1 == content);
    on.scene.stop().await;
}
