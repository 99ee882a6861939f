//! Case bundles, as folders and as zip files, with changed files.

use std::{fs, path::Path};

use comity_domain::CaseId;
use comity_gateway::offline::{DataFolder, check};
use comity_ledger::VerifierKey;
use proptest::{prelude::*, sample::Index};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{
    holds,
    mutation::{Files, change, mutated, mutations},
};
use crate::{
    cli::{comity, shown},
    world::{Scene, approvable},
};

/// The list of sums, which whoever changes a file can write anew.
const SUMS: &str = "SHA256SUMS";

/// A gateway's data folder with one case, and the case's bundle.
async fn bundle() -> (TempDir, String, Files) {
    let scene = Scene::start(&["DE", "FR"]).await;
    let case = scene.tell(&approvable("fuzz")).await.name;
    let data = scene.world.data();
    scene.running.stop().await;
    let kept = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    crate::world::copy(&data, kept.path());
    let id: CaseId = case.trim_start_matches("cases/").parse().unwrap();
    let file = DataFolder::open(kept.path(), None).unwrap().case_file(&id);
    (kept, case, file.unwrap().files().unwrap())
}

fn key(data: &Path) -> VerifierKey {
    comity_ledger::verifier_beside(&data.join("ledger")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_bundle_is_refused() {
    let (data, _, whole) = bundle().await;
    let key = key(data.path());
    check(&whole, Some(&key)).unwrap();
    // Policy files are many, and all alike: mostly others are changed.
    let (policies, others): (Files, Files) = whole
        .clone()
        .into_iter()
        .partition(|(path, _)| path.starts_with("policies/"));
    let drawn = (change(), any::<bool>(), any::<Index>(), 0..8u8);
    holds("bundle", 100, &drawn, |(change, mend, which, policy)| {
        let mut part = others.clone();
        if policy == 0 {
            let one = which.get(&policies.iter().collect::<Vec<_>>()).to_owned();
            part = Files::from([(one.0.clone(), one.1.clone())]);
        }
        let gone: Vec<_> = part.keys().cloned().collect();
        change.apply(&mut part);
        let mut files = whole.clone();
        files.retain(|path, _| !gone.contains(path));
        files.extend(part);
        if files == whole {
            return Ok(());
        }
        if mend {
            mend_sums(&mut files);
        }
        let believed = check(&files, Some(&key)).is_ok();
        prop_assert!(!believed || files == whole);
        Ok(())
    });
}

/// A changed zip file is refused, or the bundle in it is whole: dates, comments and
/// the like belong to the container, which proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_zip_file_is_refused_or_holds_the_same() {
    let (data, case, _) = bundle().await;
    let zip = data.path().join("case.zip");
    let zip_text = zip.to_str().unwrap();
    let folder = data.path().to_str().unwrap();
    let export = [
        "audit", "export", &case, "--data", folder, "--out", zip_text,
    ];
    let exported = comity(export);
    assert_eq!(exported.status.code(), Some(0), "{}", shown(&exported));
    let whole = fs::read(&zip).unwrap();
    let verify = || comity(["audit", "verify", zip_text]);
    let truth = shown(&verify());
    assert!(truth.starts_with("exit 0"), "{truth}");
    holds("zip", 6, &mutations(), |mutations| {
        fs::write(&zip, mutated(&whole, &whole, &mutations)).unwrap();
        let output = verify();
        match output.status.code() {
            Some(0) => prop_assert_eq!(shown(&output), truth.clone()),
            Some(1 | 2) => {}
            code => prop_assert!(false, "{:?}: {}", code, shown(&output)),
        }
        Ok(())
    });
}

fn mend_sums(files: &mut Files) {
    files.remove(SUMS);
    let sum = |(path, bytes): (&String, &Vec<u8>)| format!("{:x}  {path}\n", Sha256::digest(bytes));
    let list: String = files.iter().map(sum).collect();
    files.insert(SUMS.to_owned(), list.into_bytes());
}
