//! What the outbox has to hold: lost or put off outside the gateway, it is named, and made
//! again as the gateway starts.

use std::path::Path;

use comity::v1::CaseState;
use jiff::Timestamp;
use rusqlite::Connection;

use crate::{
    cli::{comity, shown},
    world::{Scene, approvable, eventually, get, submit},
};

fn verify(data: &Path) -> String {
    shown(&comity([
        "audit",
        "verify",
        "--data",
        data.to_str().unwrap(),
    ]))
}

fn change(data: &Path, sql: &str) {
    let db = Connection::open(data.join("comity.db")).unwrap();
    db.execute_batch(sql).unwrap();
}

/// A delivery to a backend that is down, and comes through after a restart, although
/// the outbox was changed meanwhile.
async fn comes_through(sql: &str, named: &str) {
    let scene = Scene::start(&["DE", "FR"]).await;
    scene.backend("DE").set_up(false);
    let story = approvable("outbox");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let answer = submit(&mut client, &story.request, 0).await.unwrap();
    let name = answer.case.unwrap().name;
    eventually("it waits for the backend", async || {
        let case = get(&mut client, &name).await.unwrap();
        (case.state() == CaseState::Delivering).then_some(())
    })
    .await;
    let data = scene.world.data();
    let scene = scene
        .restart_after(Timestamp::now, async || {
            let told = verify(&data);
            assert!(told.contains("1 deliveries under way"), "{told}");
            change(&data, sql);
            let told = verify(&data);
            assert!(
                told.starts_with("exit 1\nNOT VERIFIED\n  `comity.db`"),
                "{told}"
            );
            assert!(told.contains(&name) && told.contains(named), "{told}");
        })
        .await;
    scene.backend("DE").set_up(true);
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    eventually("it is delivered", async || {
        let case = get(&mut client, &name).await.unwrap();
        (case.state() == CaseState::Concluded).then_some(())
    })
    .await;
    assert_eq!(scene.backend("DE").effects().unwrap(), 1);
    let report = scene.stop().await;
    assert_eq!((report.unpublished, report.jobs), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_was_lost_is_made_again() {
    let lost = "the row is missing by which it is to `deliver`";
    comes_through("DELETE FROM job", lost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_whose_case_denies_it_is_made_again() {
    let denied = "column `owes` denies what it owes";
    comes_through("UPDATE cases SET owes = 0; DELETE FROM job", denied).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_was_put_off_is_brought_forward() {
    let late = "column `ready_at` puts it off for too long";
    comes_through("UPDATE job SET ready_at = ready_at + 1e14", late).await;
}
