//! A witness that has nothing of ours, in Go: `tests/go/witness.go`.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use comity_gateway::config::OutsideWitness;
use comity_ledger::VerifierKey;

use super::{
    Gate, eventually,
    outside::{grown, settle, story_of_an_old_copy},
    rewritten,
};
use crate::audit::foreign::go_program;

/// The witness at work; it ends with its input.
struct Foreign {
    child: Child,
    key: String,
    address: String,
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Foreign {
    fn start(program: &Path, log: &VerifierKey) -> Self {
        let mut child = Command::new(program)
            .args(["foreign.example/w1", &log.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let [key, address] = [(); 2].map(|()| lines.next().unwrap().unwrap());
        Self {
            child,
            key,
            address,
        }
    }

    fn configured(&self) -> OutsideWitness {
        OutsideWitness {
            name: "foreign".to_owned(),
            url: format!("http://{}/submit", self.address).parse().unwrap(),
            web_ca: None,
            key: self.key.parse().unwrap(),
        }
    }
}

/// The program, where it can be built.
fn program() -> Option<PathBuf> {
    let program = go_program("witness");
    if program.is_none() {
        eprintln!("left out: no Go with golang.org/x/mod here, so no foreign witness");
    }
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_witness_cosigns_and_holds_who_was_restored_from_an_old_copy() {
    let Some(program) = program() else {
        return;
    };
    let mut gate = Gate::make("berlin", None).await;
    // It knows one kind of signature; a second is nothing to it.
    gate.config.ml_dsa = true;
    let foreign = Foreign::start(&program, gate.key().verifier());
    settle(&mut gate, vec![foreign.configured()], 1);
    story_of_an_old_copy(gate, "foreign.example/w1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_witness_that_has_seen_other_entries_holds_the_ledger() {
    let Some(program) = program() else {
        return;
    };
    let mut gate = grown(6).await;
    let foreign = Foreign::start(&program, gate.key().verifier());
    let other = rewritten(gate.key(), 4);
    let shown = comity_ledger::prove_extension(other.path(), 0)
        .unwrap()
        .unwrap();
    let body = shown.to_submission();
    let address = foreign.address.parse().unwrap();
    let (head, _) = crate::http::post(address, "/submit/add-checkpoint", &body).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    settle(&mut gate, vec![foreign.configured()], 0);
    gate.start().await;
    eventually("it is held", async || {
        (gate.figure("comity_ledger_held").await? == 1).then_some(())
    })
    .await;
    gate.stop().await;
    let kept = fs::read_to_string(gate.data().join("witnessed-word")).unwrap();
    assert_eq!(kept, format!("{}\ncosigned 4\n", foreign.key));
}
