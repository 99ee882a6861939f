//! Witnesses outside, asked over HTTP: what they cosign counts, what they get wrong is
//! told, and where they have seen another ledger, nothing is signed.

use std::fs;

use comity_gateway::config::OutsideWitness;

use super::{
    Gate, comity, copy, eventually, rewritten,
    server::{Mood, Outside},
    shown,
};
use crate::log::Log;

pub(super) fn settle(gate: &mut Gate, outside: Vec<OutsideWitness>, required: usize) {
    gate.config.witnesses.outside = outside;
    gate.config.witnesses.required = required;
}

/// A gateway that has stopped, with so many entries and more.
pub(super) async fn grown(entries: usize) -> Gate {
    let mut gate = Gate::make("berlin", None).await;
    gate.start().await;
    gate.grow(entries).await;
    gate.stop().await;
    gate
}

async fn is_held(gate: &Gate, held: u64) {
    eventually("it is held, or not", async || {
        (gate.figure("comity_ledger_held").await? == held).then_some(())
    })
    .await;
}

fn verify(gate: &Gate) -> String {
    shown(&comity([
        "audit",
        "verify",
        "--data",
        gate.data().to_str().unwrap(),
    ]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_outside_cosigns_and_holds_who_was_restored_from_an_old_copy() {
    let mut gate = Gate::make("berlin", None).await;
    let witness = Outside::start("outside", gate.key().verifier(), Mood::Honest).await;
    settle(&mut gate, vec![witness.configured()], 1);
    story_of_an_old_copy(gate, "outside.example").await;
    // A gateway that starts does not know how much was cosigned, and asks from there.
    let asked = witness.asked();
    let proven = asked.iter().filter(|line| *line != "old 0").count();
    assert!(proven > 2 && asked.len() > proven + 2, "{asked:?}");
}

/// What becomes of a gateway whose ledger a witness of this name cosigns.
pub(super) async fn story_of_an_old_copy(mut gate: Gate, witness: &str) {
    gate.start().await;
    gate.grow(3).await;
    let old = gate.cosigned().await;
    gate.stop().await;
    let told = verify(&gate);
    assert!(
        told.starts_with("exit 0\n")
            && told.contains(&format!(
                "its first {old} entries are cosigned by {witness} at "
            ))
            && told.contains("; demanded: 1 of 1 witnesses"),
        "{told}"
    );
    let backup = tempfile::tempdir().unwrap();
    copy(gate.data(), backup.path());
    gate.start().await;
    gate.grow(5).await;
    let new = gate.cosigned().await;
    assert!(new > old + 5);
    gate.stop().await;
    let newest = tempfile::tempdir().unwrap();
    copy(gate.data(), newest.path());

    fs::remove_dir_all(gate.data()).unwrap();
    copy(backup.path(), gate.data());
    let before = gate.checkpoint();
    // What is ordered while it stands still is carried out, and signs nothing either.
    let order = [
        "audit",
        "erase",
        "1",
        "--by",
        "the registry",
        "--reason",
        "again",
    ];
    let data = gate.data().to_str().unwrap().to_owned();
    let erased = shown(&comity([&order[..], &["--data", &data]].concat()));
    assert!(
        erased.starts_with("exit 0\n") && erased.contains("once it has heard its witnesses"),
        "{erased}"
    );
    assert_eq!(gate.checkpoint(), before);
    gate.start().await;
    is_held(&gate, 1).await;
    // It grows beyond what was cosigned; nothing of that is signed.
    gate.grow(8).await;
    assert!(gate.figure("comity_ledger_entries").await.unwrap() > new);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(gate.checkpoint(), before);
    gate.stop().await;
    let flaw = verify(&gate);
    let says =
        format!("`witnessed-word`: `{witness}` has cosigned {new} entries, and fewer are signed");
    assert!(
        flaw.starts_with("exit 1\nNOT VERIFIED") && flaw.contains(&says),
        "{flaw}"
    );
    // It has not forgotten after a restart.
    gate.start().await;
    is_held(&gate, 1).await;
    gate.stop().await;
    // With all that was cosigned it goes on, also where the note of it is left behind.
    let witnessed = fs::read(gate.data().join("witnessed-word")).unwrap();
    fs::remove_dir_all(gate.data()).unwrap();
    copy(newest.path(), gate.data());
    fs::write(gate.data().join("witnessed-word"), witnessed).unwrap();
    gate.start().await;
    assert!(gate.cosigned().await > new);
    is_held(&gate, 0).await;
    gate.stop().await;
    assert!(verify(&gate).starts_with("exit 0\n"), "{}", verify(&gate));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_has_seen_other_entries_holds_the_ledger() {
    let log = Log::of_all();
    let mut gate = grown(6).await;
    let witness = Outside::start("outside", gate.key().verifier(), Mood::Honest).await;
    // Fewer entries than the gateway has, and others.
    witness.cosign(rewritten(gate.key(), 4).path());
    settle(&mut gate, vec![witness.configured()], 0);
    gate.start().await;
    is_held(&gate, 1).await;
    let signed = gate.checkpoint();
    gate.grow(2).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(gate.checkpoint(), signed);
    let text = log.text();
    assert!(
        text.contains("the witness `outside.example` has seen another ledger than this one")
            && text.contains("it says that it cosigned 4 entries"),
        "{text}"
    );
    gate.stop().await;
    let flaw = verify(&gate);
    let says = "`witnessed-word`: `outside.example` says that it has cosigned 4 entries, and has \
                cosigned 0 here";
    assert!(
        flaw.starts_with("exit 1\nNOT VERIFIED") && flaw.contains(says),
        "{flaw}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_is_taken_back_holds_nothing_any_longer() {
    let mut gate = Gate::make("berlin", None).await;
    let size = |size: &str| Mood::Fixed(409, "text/x.tlog.size", size.to_owned());
    let witness = Outside::start("outside", gate.key().verifier(), size("1000000\n")).await;
    settle(&mut gate, vec![witness.configured()], 1);
    gate.start().await;
    is_held(&gate, 1).await;
    gate.grow(2).await;
    // It says what cannot be here, and then that it has seen nothing: who has cosigned so
    // little has not taken the word back.
    witness.set(Mood::Honest);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    is_held(&gate, 1).await;
    gate.stop().await;
    // Whoever runs the gateway knows better, and says so.
    fs::remove_file(gate.data().join("witnessed-word")).unwrap();
    gate.start().await;
    gate.cosigned().await;
    is_held(&gate, 0).await;
    // Where it contradicts itself, taking no proof from where it says, nothing follows.
    witness.set(size("1\n"));
    gate.grow(2).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    is_held(&gate, 0).await;
    gate.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_witness_gets_wrong_is_told_with_what_to_do() {
    let log = Log::of_all();
    let mut gate = Gate::make("berlin", None).await;
    let wrong: [(&str, Mood, &str); 9] = [
        (
            "w-404",
            fixed(404, ""),
            "does not know this ledger (404): have its operator add",
        ),
        (
            "w-403",
            fixed(403, ""),
            "trusts no key that signed the checkpoint (403)",
        ),
        (
            "w-400",
            fixed(400, ""),
            "takes what it is shown for no request (400)",
        ),
        (
            "w-422",
            fixed(422, ""),
            "it says that the proof does not hold",
        ),
        (
            "w-409",
            fixed(409, "5\n"),
            "(409), and not how many entries",
        ),
        (
            "w-503",
            fixed(503, "closed\n"),
            "answers with the status 503",
        ),
        (
            "w-false",
            fixed(200, "no cosignature\n"),
            "its answer is no cosignature by its key",
        ),
        (
            "w-endless",
            fixed(200, &"x".repeat(1 << 20)),
            "answers with more than 65536 bytes",
        ),
        ("w-down", Mood::Down, "does not speak HTTP as expected"),
    ];
    let mut witnesses = Vec::new();
    for (name, mood, _) in &wrong {
        witnesses.push(Outside::start(name, gate.key().verifier(), mood.clone()).await);
    }
    let configured: Vec<_> = witnesses.iter().map(Outside::configured).collect();
    settle(&mut gate, configured, 0);
    gate.start().await;
    for (name, _, said) in &wrong {
        eventually(said, async || {
            let text = log.text();
            let mut lines = text.lines();
            lines.find(|line| line.contains(name) && line.contains(said))?;
            Some(())
        })
        .await;
    }
    is_held(&gate, 0).await;
    for witness in &witnesses {
        witness.set(Mood::Honest);
    }
    for (name, _, _) in &wrong {
        eventually("it cosigns", async || {
            let name = format!("comity_witness_cosigned_entries{{witness=\"{name}\"}}");
            gate.figure(&name).await.filter(|size| *size > 0)
        })
        .await;
    }
    gate.stop().await;
}

fn fixed(status: u16, body: &str) -> Mood {
    Mood::Fixed(status, "text/plain", body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_cosigns_another_over_http() {
    let mut asking = Gate::make("berlin", None).await;
    let mut asked = Gate::make("paris", None).await;
    asked.config.log = Some("127.0.0.1:0".parse().unwrap());
    asked.config.witnesses.logs = vec![asking.key().verifier().clone()];
    asked.start().await;
    let address = asked.running.as_ref().unwrap().log_address().unwrap();
    let witness = OutsideWitness {
        name: "paris".to_owned(),
        url: format!("http://{address}").parse().unwrap(),
        web_ca: None,
        key: asked.as_peer().witness,
    };
    settle(&mut asking, vec![witness], 1);
    story_of_an_old_copy(asking, "paris.example/ledger/witness").await;
    // What anybody may have shown is on record only where it proves something.
    assert_eq!(asked.notes("not-cosigned").await, [""; 0]);
    asked.stop().await;
}
