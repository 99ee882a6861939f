//! Evidence in bulk over mutual TLS: through cuts, restarts and full disks.

mod backup;
mod command;
mod held;
mod intact;
mod refused;
mod settled;
mod shares;

use std::{
    collections::hash_map::RandomState,
    fs,
    hash::{BuildHasher as _, Hasher as _},
    net::SocketAddr,
    ops::Range,
    path::Path,
    process::Command,
};

use comity::v1::{
    self, CaseState, EvidenceChunk, EvidenceHeader, EvidenceItem, UploadRequest, UploadResponse,
    conclude_request::Conclusion, evidence_service_client::EvidenceServiceClient,
    upload_request::Part,
};
use comity_evidence::{SEGMENT_BYTES, digest};
use comity_gateway::gateway::Clock;
use comity_ledger::Leaf;
use comity_sandbox::stories::Story;
use comity_store::{ERASURE, Entry, Options, Store};
use jiff::{SignedDuration, Timestamp};
use prost::bytes::Bytes;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_stream::{Stream, StreamExt as _, wrappers::ReceiverStream};
use tonic::{Code, Status, transport::Channel};
use tonic_types::StatusExt as _;

use crate::{
    cli::{comity, shown},
    world::{Scene, reason, search},
};

const MIB: usize = 1 << 20;

/// Stands in every mebibyte of what is sent.
const MARKER: &str = "the witness lives at the mill";

/// A house search that France has, asked for by Germany.
pub(crate) struct Delivered {
    pub(crate) scene: Scene,
    story: Story,
    case: String,
}

impl Delivered {
    async fn start(run: &str) -> Self {
        Self::start_with(run, |_| ()).await
    }

    async fn start_with(
        run: &str,
        change: impl FnOnce(&mut comity_gateway::config::Config),
    ) -> Self {
        let scene = Scene::start_with(&["DE", "FR"], change).await;
        let story = search(run);
        let case = scene.tell(&story).await;
        assert_eq!(case.state(), CaseState::Acknowledged);
        let case = case.name;
        Self { scene, story, case }
    }

    async fn restart_by(self, clock: Clock) -> Self {
        let Self { scene, story, case } = self;
        let scene = scene.restart_by(clock).await;
        Self { scene, story, case }
    }

    async fn restart_after(self, meanwhile: impl AsyncFnOnce()) -> Self {
        let Self { scene, story, case } = self;
        let scene = scene.restart_after(Timestamp::now, meanwhile).await;
        Self { scene, story, case }
    }

    async fn executing(&self) -> Party {
        self.party("FR", "parquet-paris", "executing").await
    }

    async fn issuing(&self) -> Party {
        let Story {
            jurisdiction,
            authority,
            ..
        } = self.story;
        self.party(jurisdiction, authority, "issuing").await
    }

    async fn party(&self, state: &str, authority: &str, role: &str) -> Party {
        Party(EvidenceServiceClient::new(
            self.scene.connect(state, authority, role).await,
        ))
    }

    fn header(&self, content: &Bytes, offset: usize) -> EvidenceHeader {
        EvidenceHeader {
            case: self.case.clone(),
            media_type: "video/mp4".to_owned(),
            size: content.len() as u64,
            sha256: sha256(content),
            offset: offset as u64,
            recipient: String::new(),
        }
    }

    /// Everything of an upload from an offset on.
    fn upload(&self, content: &Bytes, offset: usize) -> Vec<UploadRequest> {
        let header = UploadRequest {
            part: Some(Part::Header(self.header(content, offset))),
        };
        let chunks = (offset..content.len()).step_by(MIB);
        let chunks = chunks.map(|from| chunk(content, from..content.len().min(from + MIB)));
        [header].into_iter().chain(chunks).collect()
    }

    fn name(&self, content: &Bytes) -> String {
        format!("{}/evidence/{}", self.case, digest(content))
    }

    /// Whether anything in the gateway's data folder holds a text.
    fn on_disk(&self, text: &str) -> bool {
        on_disk(&self.scene.world.data(), text)
    }

    /// Kinds of the entries on evidence.
    async fn kinds(&self) -> Vec<String> {
        let entries = self.entries().await.into_iter();
        entries.map(|(kind, ..)| kind).collect()
    }

    /// Kind, actor's role and remark of every entry on evidence.
    async fn entries(&self) -> Vec<(String, String, Option<String>)> {
        let case = self.case.trim_start_matches("cases/");
        let entries = self.scene.entries(&format!("case={case}")).await;
        let entries = entries.into_iter().filter(|leaf| leaf.evidence.is_some());
        entries
            .map(|leaf| {
                let role = leaf.actor.rsplit('/').next().unwrap().to_owned();
                (leaf.kind, role, leaf.note)
            })
            .collect()
    }
}

/// Has France say that the search came to nothing.
async fn not_executed(on: &Delivered) -> CaseState {
    let mut client = on.scene.executing("FR", "parquet-paris").await;
    let result = v1::Result {
        kind: v1::ResultKind::NotExecuted.into(),
        reason: "the flat is empty".to_owned(),
        ground: "eio-11-1-f".to_owned(),
        ..v1::Result::default()
    };
    let conclude = v1::ConcludeRequest {
        name: on.case.clone(),
        conclusion: Some(Conclusion::Result(result)),
        form: None,
        request_id: String::new(),
    };
    client
        .conclude(conclude)
        .await
        .unwrap()
        .into_inner()
        .state()
}

/// One side's connection.
#[derive(Clone)]
struct Party(EvidenceServiceClient<Channel>);

impl Party {
    async fn send(&mut self, parts: Vec<UploadRequest>) -> Result<UploadResponse, Status> {
        self.stream(tokio_stream::iter(parts)).await
    }

    async fn stream(
        &mut self,
        parts: impl Stream<Item = UploadRequest> + Send + 'static,
    ) -> Result<UploadResponse, Status> {
        self.0.upload(parts).await.map(tonic::Response::into_inner)
    }

    /// Where an upload is to go on.
    async fn stored(&mut self, header: EvidenceHeader) -> usize {
        let ask = UploadRequest {
            part: Some(Part::Header(header)),
        };
        let answer = self.send(vec![ask]).await.unwrap();
        usize::try_from(answer.stored).unwrap()
    }

    /// Reads from an offset on, at most so many chunks.
    async fn read(
        &mut self,
        name: &str,
        offset: usize,
        chunks: usize,
    ) -> Result<(EvidenceItem, Vec<u8>), Status> {
        let message = v1::DownloadRequest {
            name: name.to_owned(),
            offset: offset as u64,
        };
        let mut stream = self.0.download(message).await?.into_inner();
        let item = stream.message().await?.unwrap().item.unwrap();
        let mut bytes = Vec::new();
        let mut chunks = stream.take(chunks);
        while let Some(message) = chunks.next().await {
            let EvidenceChunk { data, sha256 } = message?.chunk.unwrap();
            assert!(data.len() <= MIB && digest(&data).0 == sha256.as_ref());
            bytes.extend_from_slice(&data);
        }
        Ok((item, bytes))
    }

    async fn items(&mut self, case: &str) -> Vec<EvidenceItem> {
        self.page(case, 0, "").await.0
    }

    /// The items of a page, and the token of the next.
    async fn page(&mut self, case: &str, size: i32, token: &str) -> (Vec<EvidenceItem>, String) {
        let message = v1::ListItemsRequest {
            case: case.to_owned(),
            page_size: size,
            page_token: token.to_owned(),
        };
        let page = self.0.list_items(message).await.unwrap().into_inner();
        (page.items, page.next_page_token)
    }

    async fn delete(&mut self, name: &str) -> Result<v1::DeleteItemResponse, Status> {
        let message = v1::DeleteItemRequest {
            name: name.to_owned(),
            reason: "sent by mistake".to_owned(),
        };
        let answer = self.0.delete_item(message).await?;
        Ok(answer.into_inner())
    }
}

/// Bytes of which no two mebibytes are alike, nor two contents.
fn content(length: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(length + MIB);
    let mut block: Vec<u8> = (0..MIB).map(|n| (n % 251) as u8).collect();
    block[100..100 + MARKER.len()].copy_from_slice(MARKER.as_bytes());
    let salt = RandomState::new().build_hasher().finish();
    while bytes.len() < length {
        block[..8].copy_from_slice(&(bytes.len() as u64 ^ salt).to_be_bytes());
        bytes.extend_from_slice(&block);
    }
    bytes.truncate(length);
    Bytes::from(bytes)
}

fn chunk(content: &Bytes, range: Range<usize>) -> UploadRequest {
    let data = content.slice(range);
    UploadRequest {
        part: Some(Part::Chunk(EvidenceChunk {
            sha256: sha256(&data),
            data,
        })),
    }
}

fn sha256(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(&digest(bytes).0)
}

fn on_disk(folder: &Path, text: &str) -> bool {
    let mut grep = Command::new("grep");
    grep.args(["--recursive", "--text", "--fixed-strings", "--quiet", text]);
    let status = grep.arg(folder).status().unwrap();
    assert!(matches!(status.code(), Some(0 | 1)), "{status}");
    status.success()
}

/// What the metadata of a status says under a name.
fn metadata(status: &Status, name: &str) -> Option<String> {
    let details = status.get_error_details();
    details.error_info()?.metadata.get(name).cloned()
}

/// A way to a gateway that can be cut.
struct Line {
    address: SocketAddr,
    carrying: JoinHandle<()>,
}

impl Line {
    async fn to(gateway: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let carrying = tokio::spawn(async move {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(gateway).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        });
        Self { address, carrying }
    }

    /// Cuts it, whatever is under way.
    async fn cut(self) {
        self.carrying.abort();
        let _ = self.carrying.await;
    }
}

/// Uploads over a line of its own and cuts it after so many chunks.
async fn cut_after(on: &Delivered, content: &Bytes, offset: usize, chunks: usize) {
    let line = Line::to(on.scene.address()).await;
    let channel = on
        .scene
        .world
        .connect(line.address, "FR", "parquet-paris", "executing")
        .await
        .unwrap();
    let (parts, stream) = mpsc::channel(1);
    let upload = tokio::spawn(async move {
        Party(EvidenceServiceClient::new(channel))
            .stream(ReceiverStream::new(stream))
            .await
    });
    for part in on.upload(content, offset).into_iter().take(1 + chunks) {
        parts.send(part).await.unwrap();
    }
    line.cut().await;
    let status = upload.await.unwrap().unwrap_err();
    assert!(
        !matches!(status.code(), Code::Ok | Code::OutOfRange),
        "{status:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_item_that_is_cut_three_times_arrives_whole() {
    const SIZE: usize = 64 * MIB + 12_345;
    let on = Delivered::start("cut").await;
    let content = content(SIZE);
    let mut executing = on.executing().await;
    let mut offset = 0;
    for _ in 0..3 {
        // Far enough that something is stored, and never to the end.
        let chunks = 10 + (RandomState::new().build_hasher().finish() % 7) as usize;
        cut_after(&on, &content, offset, chunks).await;
        let stored = executing.stored(on.header(&content, 0)).await;
        assert!(
            stored > offset && stored % SEGMENT_BYTES == 0,
            "{stored} after {offset}"
        );
        offset = stored;
    }
    let name = on.name(&content);
    let mut issuing = on.issuing().await;
    assert!(
        issuing.items(&on.case).await.is_empty(),
        "it is not whole yet"
    );
    let status = issuing.read(&name, 0, 1).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);

    let done = executing.send(on.upload(&content, offset)).await.unwrap();
    assert_eq!(
        (done.name.as_str(), done.stored, done.complete),
        (name.as_str(), SIZE as u64, true)
    );
    let receipt = done.receipt.unwrap();
    let again = executing.send(on.upload(&content, 0)).await.unwrap();
    assert!(again.complete && again.receipt.is_none());

    let (item, mut read) = issuing.read(&name, 0, 20).await.unwrap();
    assert_eq!(
        (item.size, item.media_type.as_str()),
        (SIZE as u64, "video/mp4")
    );
    assert_eq!(read.len(), 20 * MIB);
    let offset = read.len() - 77;
    read.truncate(offset);
    let (_, rest) = issuing.read(&name, offset, usize::MAX).await.unwrap();
    read.extend_from_slice(&rest);
    assert!(read == content, "the bytes differ");
    assert!(!on.on_disk(MARKER), "plain text on disk");

    let steps = [
        ("evidence-stored", "executing", None),
        ("evidence-read", "issuing", None),
        (
            "evidence-read",
            "issuing",
            Some(format!("from byte {offset}")),
        ),
    ]
    .map(|(kind, role, note)| (kind.to_owned(), role.to_owned(), note));
    assert_eq!(on.entries().await, steps);
    let [item] = issuing.items(&on.case).await.try_into().unwrap();
    let custody: Vec<_> = item.custody.iter().map(|step| step.kind.as_str()).collect();
    assert_eq!(
        custody,
        ["evidence-stored", "evidence-read", "evidence-read"]
    );
    assert_eq!(item.custody[0].ledger_index, receipt.index);
    // The case went nowhere for it.
    let mut requester = on
        .scene
        .issuing(on.story.jurisdiction, on.story.authority)
        .await;
    let case = crate::world::get(&mut requester, &on.case).await.unwrap();
    assert_eq!(case.state(), CaseState::Acknowledged);
    assert_eq!(case.events.len(), 2, "{:?}", case.events);
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_between_loses_no_stored_byte() {
    let on = Delivered::start("restart").await;
    let content = content(3 * SEGMENT_BYTES + 5);
    cut_after(&on, &content, 0, 11).await;
    let stored = on.executing().await.stored(on.header(&content, 0)).await;
    let on = on.restart_by(Timestamp::now).await;
    let mut executing = on.executing().await;
    assert_eq!(executing.stored(on.header(&content, 0)).await, stored);
    assert!(stored > 0);
    let done = executing.send(on.upload(&content, stored)).await.unwrap();
    assert!(done.complete);
    // Kept, and readable, over another restart.
    let on = on.restart_by(Timestamp::now).await;
    let read = on
        .issuing()
        .await
        .read(&on.name(&content), 0, usize::MAX)
        .await;
    assert!(read.unwrap().1 == content);
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_goes_on_with_expires_and_what_is_whole_stays() {
    let on = Delivered::start("expire").await;
    let (whole, begun) = (content(99), content(2 * SEGMENT_BYTES));
    let mut executing = on.executing().await;
    executing.send(on.upload(&whole, 0)).await.unwrap();
    let mut parts = on.upload(&begun, 0);
    parts.truncate(1 + 5);
    let cut = executing.send(parts).await.unwrap();
    assert_eq!((cut.stored, cut.complete), (SEGMENT_BYTES as u64, false));

    let on = on
        .restart_by(|| Timestamp::now() + SignedDuration::from_hours(167))
        .await;
    assert_eq!(
        on.executing().await.stored(on.header(&begun, 0)).await,
        SEGMENT_BYTES
    );
    let on = on
        .restart_by(|| Timestamp::now() + SignedDuration::from_hours(169))
        .await;
    crate::world::eventually("it expires", async || {
        let left = fs::read_dir(on.scene.world.data().join("evidence/begun")).unwrap();
        (left.count() == 0).then_some(())
    })
    .await;
    let items = fs::read_dir(on.scene.world.data().join("evidence/items")).unwrap();
    assert_eq!(items.count(), 1, "only what is whole is left");
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_readable_nowhere() {
    let on = Delivered::start("erase").await;
    let content = content(SEGMENT_BYTES + 9);
    let name = on.name(&content);
    let mut executing = on.executing().await;
    executing.send(on.upload(&content, 0)).await.unwrap();
    let folder = on.scene.world.data().join("evidence");
    let card = fs::read_dir(folder.join("kept")).unwrap().next().unwrap();
    let card: serde_json::Value =
        serde_json::from_slice(&fs::read(card.unwrap().path()).unwrap()).unwrap();
    let key = card["key"].as_str().unwrap();
    assert!(on.on_disk(key));

    let mut issuing = on.issuing().await;
    let status = issuing.delete(&name).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "NOT_COMPETENT")
    );
    let deleted = executing.delete(&name).await.unwrap().receipt.unwrap();
    let again = executing.delete(&name).await.unwrap().receipt.unwrap();
    assert_eq!(deleted.index, again.index, "repeated it changes nothing");
    let status = issuing.delete(&name).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "to the other it is gone");
    for party in [&mut issuing, &mut executing] {
        let status = party.read(&name, 0, 1).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert!(party.items(&on.case).await.is_empty());
    }
    assert!(!on.on_disk(key), "the wrapped key is still there");
    for place in ["kept", "begun", "going", "items"] {
        assert_eq!(
            fs::read_dir(folder.join(place)).unwrap().count(),
            0,
            "{place}"
        );
    }
    assert_eq!(on.kinds().await, ["evidence-stored", "evidence-erased"]);
    // The reason may name people: it is in the sealed part alone.
    assert!(!on_disk(
        &on.scene.world.data().join("ledger"),
        "sent by mistake"
    ));
    // It may come again, and is another item with the same history.
    executing.send(on.upload(&content, 0)).await.unwrap();
    let [item] = executing.items(&on.case).await.try_into().unwrap();
    let custody: Vec<_> = item.custody.iter().map(|step| step.kind.as_str()).collect();
    assert_eq!(
        custody,
        ["evidence-stored", "evidence-erased", "evidence-stored"]
    );
    let data = on.scene.world.data();
    on.scene.running.stop().await;
    told_why(&data, &on.case, deleted.index);
}

/// Auditors read why an item was erased, in the entry and in the bundle of its case.
fn told_why(data: &Path, case: &str, index: u64) {
    let out = data.with_file_name("why");
    let folder = data.to_str().unwrap();
    let show = ["audit", "show", &index.to_string(), "--data", folder].map(str::to_owned);
    let export = ["audit", "export", case, "--data", folder, "--out"].map(str::to_owned);
    let told = shown(&comity(show));
    assert!(told.contains("reason       sent by mistake\n"), "{told}");
    let told = shown(&comity(
        export.into_iter().chain([out.to_str().unwrap().to_owned()]),
    ));
    assert!(told.starts_with("exit 0"), "{told}");
    let record = out.join(format!("entries/{index:08}.record.json"));
    let record: serde_json::Value = serde_json::from_slice(&fs::read(record).unwrap()).unwrap();
    assert_eq!(record, serde_json::json!({"reason": "sent by mistake"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_case_takes_its_evidence_with_it() {
    let on = Delivered::start("erased-case").await;
    let content = content(1234);
    on.executing()
        .await
        .send(on.upload(&content, 0))
        .await
        .unwrap();
    assert_eq!(not_executed(&on).await, CaseState::NotExecuted);
    let data = on.scene.world.data();
    let case = on.case.trim_start_matches("cases/").to_owned();
    let folder = data.join("evidence");
    let count = |place: &str| fs::read_dir(folder.join(place)).unwrap().count();
    assert_eq!((count("kept"), count("items")), (1, 1));

    let on = on
        .restart_after(async || {
            let key = comity_ledger::Key::load(&data.join("ledger.key")).unwrap();
            let store = Store::open(&data, key, &Options::default()).unwrap();
            let leaf = Leaf {
                case: Some(case.clone()),
                ..Leaf::new(Timestamp::now(), ERASURE, "auditor")
            };
            let record = Vec::new();
            let id = case.parse().unwrap();
            store.erase(&id, Entry { leaf, record }).await.unwrap();
            store.close().await;
        })
        .await;
    crate::world::eventually("nothing is left", async || {
        let left = ["kept", "begun", "going", "items"].map(count);
        (left == [0; 4]).then_some(())
    })
    .await;
    let mut executing = on.executing().await;
    let status = executing.read(&on.name(&content), 0, 1).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status:?}");
    on.scene.stop().await;
}
