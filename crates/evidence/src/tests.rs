//! What holds of the room and of sealing, whatever comes and whenever it stops.

use std::{fs, path::Path};

use bytes::Bytes;
use comity_domain::CaseId;

use crate::{
    About, Announced, EvidenceError, Hasher, ItemId, OpenError, Place, Room, SEGMENT_BYTES, Stock,
    Unsound, Upload, digest,
    sealed::{self, Identity, SealedError},
};

/// Stands in what is stored, so that it can be searched for.
const MARKER: &[u8] = b"the witness lives at the mill";

/// Bytes that differ from place to place, with the marker in each segment.
fn content(length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
    for segment in bytes.chunks_mut(SEGMENT_BYTES) {
        if let Some(place) = segment.get_mut(7..7 + MARKER.len()) {
            place.copy_from_slice(MARKER);
        }
    }
    bytes
}

fn id(content: &[u8]) -> ItemId {
    ItemId {
        case: CaseId::from_uuid([7; 16]),
        sha256: digest(content),
    }
}

fn about(content: &[u8]) -> About {
    About {
        size: content.len() as u64,
        media_type: "video/mp4".to_owned(),
        recipient: None,
        sender: "spiffe://comity.example/FR/tj-paris/executing".to_owned(),
    }
}

fn room_keeping(data: &Path, keep_free: u64) -> Result<Room, OpenError> {
    Room::open(data, &Place::Folder(data.join("items")), keep_free)
}

fn room(data: &Path) -> Room {
    room_keeping(data, 0).unwrap()
}

async fn begin(room: &Room, content: &[u8]) -> Upload {
    let turn = room.turn(&id(content)).await;
    room.begin(turn, about(content)).await.unwrap()
}

async fn push(upload: &mut Upload, content: &[u8], until: usize) {
    let from = upload.received() as usize;
    for piece in content[from..until].chunks(700_001) {
        upload.push(Bytes::copy_from_slice(piece)).await.unwrap();
    }
}

async fn store(room: &Room, content: &[u8]) {
    let mut upload = begin(room, content).await;
    push(&mut upload, content, content.len()).await;
    let turn = upload.finish().await.unwrap();
    room.keep(&turn).await.unwrap();
}

async fn read(room: &Room, content: &[u8], offset: u64) -> Result<Vec<u8>, EvidenceError> {
    let mut reader = room.read(&id(content), offset).await?;
    let mut read = Vec::new();
    while let Some(bytes) = reader.next().await? {
        read.extend_from_slice(&bytes);
    }
    Ok(read)
}

/// Every file under a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn on_disk(folder: &Path, what: &[u8]) -> bool {
    files(folder)
        .iter()
        .map(|path| fs::read(path).unwrap())
        .any(|bytes| bytes.windows(what.len()).any(|window| window == what))
}

#[tokio::test]
async fn what_is_stored_is_read_again_from_any_offset_and_lies_sealed() {
    let data = tempfile::tempdir().unwrap();
    for length in [
        1,
        28,
        SEGMENT_BYTES - 1,
        SEGMENT_BYTES,
        2 * SEGMENT_BYTES + 77,
    ] {
        let room = room(data.path());
        let content = content(length);
        store(&room, &content).await;
        for offset in [0, 1, length / 2, length - 1, length] {
            let read = read(&room, &content, offset as u64).await.unwrap();
            assert!(read == content[offset..], "{length} from {offset}");
        }
        assert!(read(&room, &content, u64::MAX).await.unwrap().is_empty());
    }
    assert!(!on_disk(data.path(), MARKER));
}

/// What verification without a gateway finds of an item.
fn found(data: &Path, content: &[u8]) -> Option<String> {
    let stock = Stock::at(data, &data.join("items")).unwrap();
    let announced = Announced {
        size: content.len() as u64,
        media_type: "video/mp4",
        sealed: false,
    };
    let mut read = 0;
    match stock.check(&id(content), announced, &mut |bytes| read += bytes) {
        Ok(()) => {
            assert_eq!(read, content.len() as u64);
            None
        }
        Err(Unsound { path, what, .. }) => {
            let path = path.strip_prefix(data).unwrap();
            let path = path.file_name().unwrap().to_str().unwrap();
            Some(format!("{path}: {what}"))
        }
    }
}

#[tokio::test]
async fn a_stored_item_is_verified_as_it_lies() {
    let data = tempfile::tempdir().unwrap();
    let content = content(SEGMENT_BYTES + 77);
    let room = room(data.path());
    store(&room, &content).await;
    assert_eq!(found(data.path(), &content), None);
    let segment = |number: &str| {
        let all = files(&data.path().join("items"));
        all.into_iter().find(|path| path.ends_with(number)).unwrap()
    };
    let last = segment("00000001");
    let whole = fs::read(&last).unwrap();
    let mut changed = whole.clone();
    changed[40] ^= 1;
    for (bytes, wrong) in [
        (changed, "00000001: is not what was stored"),
        (
            whole[1..].to_vec(),
            "00000001: is not as long as it was stored",
        ),
    ] {
        fs::write(&last, bytes).unwrap();
        assert_eq!(found(data.path(), &content).unwrap(), wrong);
    }
    fs::remove_file(&last).unwrap();
    let missing = found(data.path(), &content).unwrap();
    assert_eq!(missing, "00000001: is missing");
    fs::write(&last, &whole).unwrap();

    // Also where it is to be destroyed, until that is on record.
    let turn = room.turn(&id(&content)).await;
    room.condemn(&turn).await.unwrap();
    assert_eq!(found(data.path(), &content), None);
    // Without the key lengths are all that shows.
    let key = data.path().join("evidence.key");
    let text = fs::read_to_string(&key).unwrap();
    fs::remove_file(&key).unwrap();
    assert_eq!(found(data.path(), &content), None);
    fs::write(&key, text).unwrap();
    room.erase(&turn).await.unwrap();
    assert!(
        found(data.path(), &content)
            .unwrap()
            .ends_with(": is missing")
    );
}

/// Whoever has all keys can seal other bytes as an item, and is found by its digest.
#[tokio::test]
async fn other_bytes_under_the_right_key_are_found() {
    let data = tempfile::tempdir().unwrap();
    let (content, mut other) = (content(99), content(99));
    other[50] ^= 1;
    let mut upload = begin(&room(data.path()), &content).await;
    // Never finished: what is kept is not what was announced.
    push(&mut upload, &other, other.len()).await;
    assert!(
        found(data.path(), &content)
            .unwrap()
            .ends_with(": its bytes are not those whose SHA-256 the entry names")
    );
}

#[tokio::test]
async fn an_upload_goes_on_after_a_cut_and_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let content = content(3 * SEGMENT_BYTES + 5);
    let mut room = room(data.path());
    let mut cuts = vec![
        1,
        SEGMENT_BYTES + 9,
        2 * SEGMENT_BYTES,
        3 * SEGMENT_BYTES + 1,
    ];
    for (number, cut) in cuts.drain(..).enumerate() {
        let mut upload = begin(&room, &content).await;
        assert_eq!(upload.stored() as usize % SEGMENT_BYTES, 0);
        push(&mut upload, &content, cut).await;
        assert_eq!(
            upload.stored() as usize,
            cut / SEGMENT_BYTES * SEGMENT_BYTES
        );
        drop(upload);
        if number % 2 == 1 {
            room = self::room(data.path());
        }
    }
    store(&room, &content).await;
    assert!(read(&room, &content, 0).await.unwrap() == content);
    assert!(room.begun().await.unwrap().is_empty());
}

#[tokio::test]
async fn bytes_that_are_not_the_items_are_discarded() {
    let data = tempfile::tempdir().unwrap();
    let room = room(data.path());
    let content = content(SEGMENT_BYTES + 10);
    let mut upload = begin(&room, &content).await;
    let mut wrong = content.clone();
    wrong[9] ^= 1;
    push(&mut upload, &wrong, wrong.len()).await;
    assert!(matches!(
        upload.finish().await,
        Err(EvidenceError::WrongDigest)
    ));
    assert!(files(&data.path().join("items")).is_empty());
    let upload = begin(&room, &content).await;
    assert_eq!(upload.stored(), 0);
    assert!(matches!(
        upload.finish().await,
        Err(EvidenceError::Unfinished)
    ));
    let mut upload = begin(&room, &content).await;
    let long = Bytes::from([content, vec![0]].concat());
    assert!(matches!(
        upload.push(long).await,
        Err(EvidenceError::Overrun)
    ));
}

#[tokio::test]
async fn who_only_asks_leaves_no_trace() {
    let data = tempfile::tempdir().unwrap();
    let room = room(data.path());
    for _ in 0..2 {
        assert_eq!(begin(&room, &content(10)).await.stored(), 0);
    }
    assert!(files(&data.path().join("evidence")).is_empty());
}

#[tokio::test]
async fn who_began_an_item_may_announce_it_otherwise_and_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let room = room(data.path());
    let content = content(SEGMENT_BYTES + 10);
    let mut upload = begin(&room, &content).await;
    push(&mut upload, &content, SEGMENT_BYTES).await;
    drop(upload);
    let other = About {
        sender: "spiffe://comity.example/DE/sta-berlin/issuing".to_owned(),
        ..about(&content)
    };
    let turn = room.turn(&id(&content)).await;
    assert!(matches!(
        room.begin(turn, other).await,
        Err(EvidenceError::Taken)
    ));
    assert_eq!(begin(&room, &content).await.stored(), SEGMENT_BYTES as u64);
    let otherwise = About {
        media_type: "text/plain".to_owned(),
        ..about(&content)
    };
    let turn = room.turn(&id(&content)).await;
    let upload = room.begin(turn, otherwise.clone()).await.unwrap();
    assert_eq!((upload.stored(), upload.about()), (0, &otherwise));
}

#[tokio::test]
async fn the_newest_upload_takes_over() {
    let data = tempfile::tempdir().unwrap();
    let room = room(data.path());
    let content = content(2 * SEGMENT_BYTES);
    let mut old = begin(&room, &content).await;
    push(&mut old, &content, SEGMENT_BYTES + 3).await;
    let (asking, all) = (room.clone(), content.clone());
    let new = tokio::spawn(async move { begin(&asking, &all).await.stored() });
    old.taken_over().await;
    assert!(!new.is_finished());
    // Nobody discards under the hands of a writer.
    assert!(room.try_turn(&id(&content)).is_none());
    drop(old);
    assert_eq!(new.await.unwrap(), SEGMENT_BYTES as u64);
}

#[tokio::test]
async fn whatever_is_changed_on_disk_is_noticed() {
    let data = tempfile::tempdir().unwrap();
    let content = content(SEGMENT_BYTES + 100);
    store(&room(data.path()), &content).await;
    let mut segments = files(&data.path().join("items"));
    segments.sort();
    let [first, second] = segments.as_slice() else {
        panic!("two segments");
    };
    let card = data
        .path()
        .join("evidence/kept")
        .join(id(&content).to_string());
    for path in [first, second, &card] {
        let whole = fs::read(path).unwrap();
        for place in [0, 12, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            fs::write(path, changed).unwrap();
            let read = read(&room(data.path()), &content, 0).await;
            assert!(matches!(read, Err(EvidenceError::Damaged(_))), "{place}");
        }
        fs::write(path, &whole[..whole.len() - 1]).unwrap();
        assert!(read(&room(data.path()), &content, 0).await.is_err());
        fs::write(path, whole).unwrap();
    }
    // Neither place nor item can be exchanged.
    let (one, other) = (fs::read(first).unwrap(), fs::read(second).unwrap());
    fs::write(first, other).unwrap();
    fs::write(second, &one).unwrap();
    assert!(read(&room(data.path()), &content, 0).await.is_err());
    fs::remove_file(first).unwrap();
    assert!(read(&room(data.path()), &content, 0).await.is_err());
}

#[tokio::test]
async fn a_stored_segment_that_is_damaged_has_the_upload_begin_anew() {
    let data = tempfile::tempdir().unwrap();
    let content = content(2 * SEGMENT_BYTES);
    let mut upload = begin(&room(data.path()), &content).await;
    push(&mut upload, &content, SEGMENT_BYTES).await;
    drop(upload);
    let path = files(&data.path().join("items")).remove(0);
    let mut changed = fs::read(&path).unwrap();
    changed[99] ^= 1;
    fs::write(path, changed).unwrap();
    let room = room(data.path());
    let mut upload = begin(&room, &content).await;
    let rest = Bytes::copy_from_slice(&content[SEGMENT_BYTES..]);
    assert!(matches!(
        upload.push(rest).await,
        Err(EvidenceError::Damaged("segment"))
    ));
    drop(upload);
    assert_eq!(begin(&room, &content).await.stored(), 0);
}

#[tokio::test]
async fn erasure_leaves_nothing_and_is_ended_after_an_interruption() {
    let data = tempfile::tempdir().unwrap();
    let content = content(SEGMENT_BYTES + 1);
    let item = id(&content);
    let room = room(data.path());
    store(&room, &content).await;
    let card = fs::read(data.path().join("evidence/kept").join(item.to_string())).unwrap();
    let card: serde_json::Value = serde_json::from_slice(&card).unwrap();
    let key = card["key"].as_str().unwrap().to_owned();
    assert!(on_disk(data.path(), key.as_bytes()));

    room.condemn(&room.turn(&item).await).await.unwrap();
    assert!(matches!(
        read(&room, &content, 0).await,
        Err(EvidenceError::Missing)
    ));
    assert_eq!(room.condemned().await.unwrap(), std::slice::from_ref(&item));
    room.spare(&room.turn(&item).await).await.unwrap();
    assert!(read(&room, &content, 0).await.unwrap() == content);

    room.condemn(&room.turn(&item).await).await.unwrap();
    let room = self::room(data.path());
    for _ in 0..2 {
        room.erase(&room.turn(&item).await).await.unwrap();
    }
    assert!(room.condemned().await.unwrap().is_empty());
    assert!(!on_disk(data.path(), key.as_bytes()));
    assert!(files(&data.path().join("items")).is_empty());
    // The same may come again, under another key, also where an erasure on record
    // was not ended.
    store(&room, &content).await;
    room.condemn(&room.turn(&item).await).await.unwrap();
    store(&room, &content).await;
    room.spare(&room.turn(&item).await).await.unwrap();
    assert!(room.condemned().await.unwrap().is_empty());
    assert_eq!(files(&data.path().join("items")).len(), 2);
    assert!(!on_disk(data.path(), key.as_bytes()));
    assert!(read(&room, &content, 0).await.unwrap() == content);
}

#[tokio::test]
async fn what_is_condemned_twice_can_be_spared() {
    let data = tempfile::tempdir().unwrap();
    let content = content(SEGMENT_BYTES + 1);
    let room = room(data.path());
    store(&room, &content).await;
    let turn = room.turn(&id(&content)).await;
    for _ in 0..2 {
        room.condemn(&turn).await.unwrap();
    }
    room.spare(&turn).await.unwrap();
    assert!(read(&room, &content, 0).await.unwrap() == content);
    // What is kept and not on record goes whole too.
    room.erase(&turn).await.unwrap();
    assert!(
        files(data.path())
            .iter()
            .all(|path| path.ends_with("evidence.key"))
    );
}

#[tokio::test]
async fn a_card_that_cannot_be_read_is_written_over_all_the_same() {
    let harm: [fn(Vec<u8>) -> Vec<u8>; 3] = [
        // Of another version, with more on it.
        |card| replaced(&card, "\"version\":1", "\"version\":2,\"seal\":[]"),
        |card| replaced(&card, "\"about\"", "\"ab"),
        |card| [b"{", card.as_slice()].concat(),
    ];
    for harm in harm {
        let data = tempfile::tempdir().unwrap();
        let content = content(99);
        let room = room(data.path());
        store(&room, &content).await;
        let turn = room.turn(&id(&content)).await;
        room.condemn(&turn).await.unwrap();
        let path = data
            .path()
            .join("evidence/going")
            .join(turn.id().to_string());
        let card = harm(fs::read(&path).unwrap());
        fs::write(&path, &card).unwrap();
        // Another name of the same blocks.
        let blocks = data.path().join("blocks");
        fs::hard_link(&path, &blocks).unwrap();
        room.erase(&turn).await.unwrap();
        assert!(!path.exists());
        assert!(files(&data.path().join("items")).is_empty());
        let blocks = String::from_utf8(fs::read(&blocks).unwrap()).unwrap();
        assert_eq!(blocks.len(), card.len());
        assert!(!blocks.contains("key"), "{blocks}");
    }
}

fn replaced(card: &[u8], from: &str, to: &str) -> Vec<u8> {
    let card = String::from_utf8(card.to_vec()).unwrap();
    assert!(card.contains(from), "{card}");
    card.replace(from, to).into_bytes()
}

#[tokio::test]
async fn what_is_kept_free_of_the_disk_is_not_taken() {
    let data = tempfile::tempdir().unwrap();
    let content = content(100);
    let full = room_keeping(data.path(), u64::MAX).unwrap();
    let mut refused = begin(&full, &content).await;
    let pushed = refused.push(content.clone().into()).await;
    assert!(matches!(pushed, Err(EvidenceError::Full(_))), "{pushed:?}");
    drop(refused);
    assert!(full.begun().await.unwrap().is_empty(), "nothing is laid");
    let mut upload = begin(&room(data.path()), &content).await;
    push(&mut upload, &content, 100).await;
    drop(upload);
    // All of it is there: to end takes no room.
    begin(&full, &content).await.finish().await.unwrap();
    let begun = full.begun_in(&id(&content).case).await.unwrap();
    assert_eq!(begun, [(id(&content), about(&content))]);
    let other = CaseId::from_uuid([8; 16]);
    assert!(full.begun_in(&other).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_key_of_the_gateway_opens_nothing() {
    let data = tempfile::tempdir().unwrap();
    let content = content(100);
    store(&room(data.path()), &content).await;
    let path = data.path().join("evidence.key");
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let error = room_keeping(data.path(), 0).unwrap_err();
    assert!(error.to_string().ends_with("restore it"), "{error}");
    let (begins, _) = text.split_once('+').unwrap();
    fs::write(&path, format!("{begins}+{}", "7a".repeat(32))).unwrap();
    assert!(matches!(
        read(&room(data.path()), &content, 0).await,
        Err(EvidenceError::Damaged("key of the item"))
    ));
    fs::write(&path, text.replace("KEY-1", "KEY-2")).unwrap();
    let error = room_keeping(data.path(), 0);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("holds no evidence key")
    );
}

#[test]
fn a_digest_goes_on_from_where_it_was_left() {
    let mut first = Hasher::new();
    first.update(b"one ");
    let mut second = first.clone();
    second.update(b"two");
    assert_eq!(second.finish(), digest(b"one two"));
    assert_eq!(first.finish(), digest(b"one "));
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Hasher::new().finish().to_string(), empty);
}

fn seal(identity: &Identity, content: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::new();
    sealed::seal(&identity.recipient(), content, &mut sealed).unwrap();
    sealed
}

fn open(identity: &Identity, sealed: &[u8]) -> Result<Vec<u8>, SealedError> {
    let mut opened = Vec::new();
    sealed::open(identity, sealed, &mut opened).map(|()| opened)
}

#[test]
fn only_the_recipient_opens_what_is_sealed_and_only_whole() {
    const MIB: usize = 1 << 20;
    let identity: Identity = Identity::generate().to_secret_text().parse().unwrap();
    let text = identity.recipient().to_string();
    assert!(text.parse::<sealed::Recipient>().unwrap() == identity.recipient());
    for length in [0, 1, MIB, MIB + 1] {
        let content = content(length);
        let sealed = seal(&identity, &content);
        assert!(sealed.starts_with(&sealed::MARK));
        assert!(open(&identity, &sealed).unwrap() == content, "{length}");
        let other = Identity::generate();
        assert!(matches!(open(&other, &sealed), Err(SealedError::Closed)));
        // Cut off where one segment ends and another begins, and elsewhere.
        for end in [sealed.len() - 1, 48, 40, 16 + 32 + MIB + 16] {
            if let Some(cut) = sealed.get(..end).filter(|cut| cut.len() < sealed.len()) {
                assert!(open(&identity, cut).is_err(), "{length} to {end}");
            }
        }
    }
    assert!(matches!(
        open(&identity, b"a plain file that is long enough"),
        Err(SealedError::NotSealed)
    ));
    assert!(
        "comity-recipient-1+00"
            .parse::<sealed::Recipient>()
            .is_err()
    );
}
