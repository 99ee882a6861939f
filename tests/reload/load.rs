//! Edits, good and broken, while requests come in.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use comity::v1::{Decision, PreflightRequest, SubmitRequest};
use comity_gateway::wire::json;
use comity_sandbox::stories::Story;
use tempfile::TempDir;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::MissedTickBehavior,
};
use tonic_health::pb::health_check_response::ServingStatus;

use super::{EIO, Workshop, edited, half, in_english, shipped};
use crate::{
    cli::{comity, shown},
    world::{Cooperation, approvable, copy, eventually, policies},
};

/// Two hundred a second for a minute; longer where the machine is busy.
const REQUESTS: usize = 12_000;
const EVERY: Duration = Duration::from_millis(5);
/// Requests under way at once, at most.
const UNDER_WAY: usize = 64;
/// Shortest time between two edits.
const EDIT: Duration = Duration::from_secs(1);
/// How long an editor takes from one half of a file to the other.
const PAUSE: Duration = Duration::from_millis(50);

/// What each bundle decides alone, by its digest: one decision a story.
type Alone = HashMap<String, Vec<Decision>>;

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_decided_by_whole_bundles_while_files_are_edited() {
    let workshop = Workshop::open(|_| ()).await;
    let stories = Arc::new([approvable("load"), in_english()]);
    let mut alone = Alone::new();
    let bundles = [shipped(), edited()].map(|text| decide_alone(&text, &stories[..], &mut alone));
    let outcomes = bundles.each_ref().map(|bundle| alone[bundle][1].outcome());
    assert_ne!(outcomes[0], outcomes[1], "the edit changes a decision");

    let (done, ended) = watch::channel(false);
    let clients = [
        workshop.scene.issuing("FR", "parquet-paris").await,
        workshop.scene.issuing("DE", "sta-berlin").await,
    ];
    let began = Instant::now();
    let sending = tokio::spawn(send(clients, Arc::clone(&stories), Arc::new(alone), done));
    let edits = edit(&workshop, &bundles, ended).await;
    let by_bundle = sending.await.unwrap();

    let decided: usize = by_bundle.values().sum();
    assert_eq!(decided, REQUESTS);
    assert_eq!(by_bundle.len(), bundles.len(), "{by_bundle:?}");
    assert!(edits >= 8, "{edits} edits in all that time");
    eventually("every edit is on record", async || {
        let loads = workshop.scene.entries("kind=policy-load").await.len();
        let rejected = workshop.scene.entries("kind=policy-rejected").await.len();
        (loads + rejected >= edits).then_some(())
    })
    .await;
    println!(
        "{edits} edits in {} s, decisions by bundle: {by_bundle:?}",
        began.elapsed().as_secs()
    );
    workshop.scene.stop().await;
}

/// What the command decides by a folder with this module; answers its digest.
fn decide_alone(text: &str, stories: &[Story], alone: &mut Alone) -> String {
    let folder = TempDir::new().unwrap();
    let policies_copy = folder.path().join("policies");
    copy(&policies(), &policies_copy);
    fs::write(policies_copy.join(EIO), text).unwrap();
    let decide = |story| by_command(&policies_copy, folder.path(), story);
    let decisions: Vec<_> = stories.iter().map(decide).collect();
    let bundle = decisions[0].bundle_sha256.clone();
    alone.insert(bundle.clone(), decisions);
    bundle
}

fn by_command(policies: &Path, folder: &Path, story: &Story) -> Decision {
    let file = folder.join("request.json");
    fs::write(&file, json::print(&story.request).unwrap()).unwrap();
    let (file, policies) = (file.to_str().unwrap(), policies.to_str().unwrap());
    let output = comity(["policy", "decide", "--json", file, "--policies", policies]);
    let decision = json::parse(std::str::from_utf8(&output.stdout).unwrap());
    timeless(decision.unwrap_or_else(|_| panic!("{}", shown(&output))))
}

/// A decision without what names the one time it was made.
fn timeless(mut decision: Decision) -> Decision {
    decision.decision_id.clear();
    decision.decided_at = None;
    for clock in &mut decision.clocks {
        (clock.started_at, clock.due_at) = (None, None);
    }
    decision
}

/// Sends the stories in turn, tried out and in earnest, and checks each decision.
/// Answers how many each bundle made.
async fn send(
    clients: [Cooperation; 2],
    stories: Arc<[Story; 2]>,
    alone: Arc<Alone>,
    done: watch::Sender<bool>,
) -> HashMap<String, usize> {
    let places = Arc::new(Semaphore::new(UNDER_WAY));
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = JoinSet::new();
    for number in 0..REQUESTS {
        tick.tick().await;
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let (stories, alone) = (Arc::clone(&stories), Arc::clone(&alone));
        let client = clients[number % 2].clone();
        calls.spawn(async move {
            let decision = decide(client, &stories[number % 2], number).await;
            drop(place);
            let bundle = decision.bundle_sha256.clone();
            let expected = alone.get(&bundle).expect("a bundle that was never good");
            assert_eq!(timeless(decision), expected[number % 2], "request {number}");
            bundle
        });
    }
    let mut by_bundle = HashMap::new();
    while let Some(bundle) = calls.join_next().await {
        *by_bundle.entry(bundle.unwrap()).or_default() += 1;
    }
    done.send_replace(true);
    by_bundle
}

/// Every fourth request is sent in earnest; the others are tried out.
async fn decide(mut client: Cooperation, story: &Story, number: usize) -> Decision {
    let mut request = story.request.clone();
    request.request_id = format!("load/{number}");
    let (request, text_language) = (Some(request), "en".to_owned());
    if !(number / 2).is_multiple_of(4) {
        let message = PreflightRequest {
            request,
            text_language,
        };
        let answer = client.preflight(message).await.unwrap();
        return answer.into_inner().decision.unwrap();
    }
    let message = SubmitRequest {
        request,
        wait: None,
        text_language,
    };
    let answer = client.submit(message).await.unwrap();
    answer.into_inner().case.unwrap().decision.unwrap()
}

/// Edits the module, now well and now badly, until all is sent. Each edit has its
/// effect before the next one. Answers how many there were.
async fn edit(workshop: &Workshop, bundles: &[String; 2], ended: watch::Receiver<bool>) -> usize {
    let good = [shipped(), edited()];
    let broken = [
        half(),
        shipped().replacen("effect: require", "effect: demand", 1),
    ];
    let mut edits = 0;
    while !*ended.borrow() {
        let began = Instant::now();
        let turn = edits / 2 % 2;
        if edits % 2 == 0 {
            workshop.write(&broken[turn]);
            workshop.expect(ServingStatus::NotServing).await;
        } else {
            // Half a file first, as some editors write.
            workshop.write(&half());
            tokio::time::sleep(PAUSE).await;
            workshop.write(&good[1 - turn]);
            eventually("a good edit comes into force", async || {
                (workshop.bundle().await == bundles[1 - turn]).then_some(())
            })
            .await;
            workshop.expect(ServingStatus::Serving).await;
        }
        edits += 1;
        tokio::time::sleep(EDIT.saturating_sub(began.elapsed())).await;
    }
    edits
}
