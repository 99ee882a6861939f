//! However calls meet each other and whatever a sweep finds: what is stored is what is on
//! record.

use tokio::task::JoinSet;

use super::*;
use crate::world::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_record_is_settled_beside_what_cannot_be() {
    let on = Delivered::start("settled").await;
    let (erased, whole) = (content(98), content(99));
    let mut executing = on.executing().await;
    for content in [&erased, &whole] {
        executing.send(on.upload(content, 0)).await.unwrap();
    }
    let data = on.scene.world.data();
    let case = on.case.trim_start_matches("cases/").to_owned();
    let card = |board: &str, item: &str| {
        let name = format!("{case}.{item}");
        data.join("evidence").join(board).join(name)
    };
    let [gone, kept] = [&erased, &whole].map(|content| digest(content).to_string());
    let text = fs::read(card("kept", &gone)).unwrap();
    executing.delete(&on.name(&erased)).await.unwrap();

    let on = on
        .restart_after(async || {
            // As if it had been spared while its erasure was being recorded.
            fs::write(card("kept", &gone), &text).unwrap();
            fs::rename(card("kept", &kept), card("begun", &kept)).unwrap();
            fs::create_dir(card("going", &"0".repeat(64))).unwrap();
            // Of entries that no case belongs to.
            let key = comity_ledger::Key::load(&data.join("ledger.key")).unwrap();
            let store = Store::open(&data, key, &Options::default()).unwrap();
            let entry = Entry {
                leaf: Leaf::new(Timestamp::now(), ERASURE, "auditor"),
                record: Vec::new(),
            };
            let many = comity_store::Transaction {
                entries: vec![entry; 1000],
                ..comity_store::Transaction::default()
            };
            store.commit(many).await.unwrap();
            store.close().await;
        })
        .await;
    eventually("both are settled", async || {
        let settled = !card("kept", &gone).exists() && card("kept", &kept).exists();
        settled.then_some(())
    })
    .await;
    assert!(!on.on_disk(std::str::from_utf8(&text).unwrap()));
    let (_, read) = on
        .issuing()
        .await
        .read(&on.name(&whole), 0, 9)
        .await
        .unwrap();
    assert_eq!(read, whole);
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deletes_an_item_at_once_is_told_of_one_deletion() {
    let on = Delivered::start("at-once").await;
    let content = content(SEGMENT_BYTES);
    let executing = on.executing().await;
    executing
        .clone()
        .send(on.upload(&content, 0))
        .await
        .unwrap();
    let mut deletions = JoinSet::new();
    for _ in 0..8 {
        let (mut party, name) = (executing.clone(), on.name(&content));
        deletions.spawn(async move { party.delete(&name).await });
    }
    let told = deletions.join_all().await.into_iter();
    let mut indexes: Vec<_> = told
        .map(|told| told.unwrap().receipt.unwrap().index)
        .collect();
    indexes.dedup();
    assert_eq!(indexes.len(), 1, "{indexes:?}");
    assert_eq!(on.kinds().await, ["evidence-stored", "evidence-erased"]);
    on.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_handed_over_once_the_end_of_the_case_is_on_record() {
    let on = Delivered::start_with("late", |config| config.evidence.per_caller = 64).await;
    let content = content(99);
    on.executing()
        .await
        .send(on.upload(&content, 0))
        .await
        .unwrap();
    let issuing = on.issuing().await;
    let mut readers = JoinSet::new();
    let first = issuing.clone().read(&on.name(&content), 0, 1).await;
    first.unwrap();
    for _ in 0..16 {
        let (mut party, name) = (issuing.clone(), on.name(&content));
        readers.spawn(async move {
            // Until the case has ended.
            while party
                .read(&name, 0, 1)
                .await
                .map_or_else(|status| status.code() != Code::FailedPrecondition, |_| true)
            {
            }
        });
    }
    assert_eq!(not_executed(&on).await, CaseState::NotExecuted);
    readers.join_all().await;
    let case = on.case.trim_start_matches("cases/");
    let entries = on.scene.entries(&format!("case={case}")).await;
    let ends = |leaf: &Leaf| leaf.state.as_deref() == Some("NOT_EXECUTED");
    let end = entries.iter().position(ends).unwrap();
    let (before, after) = entries.split_at(end);
    let read = |leaf: &&Leaf| leaf.kind == "evidence-read";
    assert!(before.iter().any(|leaf| read(&leaf)));
    assert_eq!(after.iter().filter(read).count(), 0);
    on.scene.stop().await;
}
