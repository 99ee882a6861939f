//! How much a side may store for a case, and how that is listed.

use super::*;

/// Stores so many items.
async fn store(on: &Delivered, party: &mut Party, lengths: &[usize]) -> Vec<Bytes> {
    let mut stored = Vec::new();
    for length in lengths {
        let content = content(*length);
        let answer = party.send(on.upload(&content, 0)).await.unwrap();
        assert!(answer.complete);
        stored.push(content);
    }
    stored
}

async fn refused(on: &Delivered, party: &mut Party, length: usize) -> String {
    let status = party.send(on.upload(&content(length), 0)).await;
    let status = status.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    assert_eq!(reason(&status), "NOT_ALLOWED_NOW");
    status.message().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_side_stores_so_many_items_and_bytes_for_a_case() {
    let on = Delivered::start_with("shares", |config| {
        config.evidence.items_per_side = 3;
        config.evidence.bytes_per_side = 1000;
    })
    .await;
    let (mut issuing, mut executing) = (on.issuing().await, on.executing().await);
    let stored = store(&on, &mut executing, &[400, 500]).await;
    let said = refused(&on, &mut executing, 101).await;
    assert!(said.contains("has 900 bytes stored"), "{said}");
    executing.delete(&on.name(&stored[0])).await.unwrap();
    store(&on, &mut executing, &[101]).await;
    let said = refused(&on, &mut executing, 1).await;
    assert!(
        said.contains("3 items for the case, deleted ones"),
        "{said}"
    );
    // What is there is answered as before, and can be deleted.
    let again = executing.send(on.upload(&stored[1], 0)).await.unwrap();
    assert!(again.complete);
    executing.delete(&on.name(&stored[1])).await.unwrap();
    // The other side has its own, of which what was begun takes its part.
    store(&on, &mut issuing, &[1, 1]).await;
    let begun = content(500);
    let mut parts = on.upload(&begun, 0);
    parts[1] = chunk(&begun, 0..100);
    assert!(!issuing.send(parts).await.unwrap().complete);
    let said = refused(&on, &mut issuing, 1).await;
    assert!(said.contains("3 items"), "{said}");
    assert!(issuing.send(on.upload(&begun, 0)).await.unwrap().complete);
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_come_page_by_page_each_with_who_had_it() {
    let on = Delivered::start("pages").await;
    let (mut issuing, mut executing) = (on.issuing().await, on.executing().await);
    let stored = store(&on, &mut executing, &[1, 2, 3, 4, 5]).await;
    executing.delete(&on.name(&stored[1])).await.unwrap();
    issuing.read(&on.name(&stored[4]), 0, 1).await.unwrap();
    let (mut sizes, mut token, mut last) = (Vec::new(), String::new(), None);
    loop {
        let (items, next) = issuing.page(&on.case, 2, &token).await;
        sizes.push(items.iter().map(|item| item.size).collect::<Vec<_>>());
        last = items.last().cloned().or(last);
        token = next;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(sizes, [[1, 3], [4, 5]]);
    let custody = last.unwrap().custody;
    let kinds: Vec<_> = custody.iter().map(|step| step.kind.as_str()).collect();
    assert_eq!(kinds, ["evidence-stored", "evidence-read"]);
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_long_custody_the_first_and_the_latest_are_listed() {
    let on = Delivered::start("long").await;
    let (mut issuing, mut executing) = (on.issuing().await, on.executing().await);
    let stored = store(&on, &mut executing, &[1]).await;
    let name = on.name(&stored[0]);
    for _ in 0..202 {
        issuing.read(&name, 0, 1).await.unwrap();
    }
    let [item] = &issuing.items(&on.case).await[..] else {
        panic!("one item");
    };
    let steps = &item.custody;
    assert_eq!((steps.len(), item.custody_left_out), (200, 3));
    assert_eq!(steps[0].kind, "evidence-stored");
    assert!(steps[1..].iter().all(|step| step.kind == "evidence-read"));
    assert!(steps.is_sorted_by_key(|step| step.ledger_index));
    let newest = on.scene.entries("kind=evidence-read").await.len();
    assert_eq!(newest, 202);
    on.scene.stop().await;
}

/// While its last bytes are on their way the case ends.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_for_a_case_that_ended_meanwhile() {
    let on = Delivered::start("meanwhile").await;
    let content = content(2 * MIB);
    let (parts, stream) = mpsc::channel(1);
    let mut executing = on.executing().await;
    let upload = tokio::spawn(async move { executing.stream(ReceiverStream::new(stream)).await });
    let mut rest = on.upload(&content, 0).into_iter();
    for part in rest.by_ref().take(2) {
        parts.send(part).await.unwrap();
    }
    assert_eq!(not_executed(&on).await, CaseState::NotExecuted);
    for part in rest {
        parts.send(part).await.unwrap();
    }
    drop(parts);
    let status = upload.await.unwrap().unwrap_err();
    assert_eq!(reason(&status), "NOT_ALLOWED_NOW", "{status:?}");
    assert!(on.kinds().await.is_empty());
    on.scene.stop().await;
}

/// Who stored it deletes it, also where the case went back to those who decide.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_is_deleted_wherever_the_case_is() {
    let on = Delivered::start("back").await;
    let (mut issuing, mut executing) = (on.issuing().await, on.executing().await);
    let found = store(&on, &mut executing, &[10]).await;
    let papers = store(&on, &mut issuing, &[20]).await;
    let mut client = on
        .scene
        .issuing(on.story.jurisdiction, on.story.authority)
        .await;
    let raised = v1::FactValue {
        value: Some(v1::fact_value::Value::Truth(true)),
    };
    let rebutted = v1::SupplementRequest {
        name: on.case.clone(),
        request_id: "back/1".to_owned(),
        facts: [("ground.disproportionate".to_owned(), raised)].into(),
        ..v1::SupplementRequest::default()
    };
    let answer = client.supplement(rebutted).await.unwrap().into_inner();
    assert_eq!(answer.case.unwrap().state(), CaseState::UnderReview);
    let (found, papers) = (on.name(&found[0]), on.name(&papers[0]));
    for status in [
        executing.read(&found, 0, 1).await.unwrap_err(),
        // Of what others stored it learns nothing.
        executing.delete(&papers).await.unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::NotFound);
        assert!(
            status.message().starts_with("no case `cases/"),
            "{status:?}"
        );
    }
    let first = executing.delete(&found).await.unwrap().receipt.unwrap();
    let again = executing.delete(&found).await.unwrap().receipt.unwrap();
    assert_eq!(again.index, first.index);
    // What was answered outside the system is said however the case stands.
    let mut client = on.scene.executing("FR", "parquet-paris").await;
    let mut report = v1::ReportProgressRequest {
        name: on.case.clone(),
        event: "answered-otherwise".to_owned(),
        note: "by courier".to_owned(),
        ..Default::default()
    };
    client.report_progress(report.clone()).await.unwrap();
    report.event.clear();
    let status = client.report_progress(report).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    on.scene.stop().await;
}

/// Who reads slowly hears that the gateway stops, behind what was sent before.
#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_broken_off_does_not_end_well() {
    let on = Delivered::start("slow").await;
    let (mut issuing, mut executing) = (on.issuing().await, on.executing().await);
    let stored = store(&on, &mut executing, &[64 * MIB]).await;
    let message = v1::DownloadRequest {
        name: on.name(&stored[0]),
        offset: 0,
    };
    let mut stream = issuing.0.download(message).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    let stop = tokio::spawn(on.scene.stop());
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let ended = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };
    assert!(ended.is_err(), "it seems to be whole");
    stop.await.unwrap();
}
