//! Timestamps that somebody took away, damaged or replaced.

use std::{fs, path::Path};

use comity_ledger::{Roots, Stamped, timestamped_size, verifier_beside};

use super::{authority::Authority, by_shell};
use crate::cli::{comity, shown};

/// What a gateway takes up when it starts.
pub(super) fn only_what_is_in_order_counts(ledger: &Path, size: u64, authority: &Authority) {
    let key = verifier_beside(ledger).unwrap();
    let take_up = |root: &Path, published: u64| {
        let roots = Roots::read(&fs::read(root).unwrap()).unwrap();
        let Stamped { size, passed_over } =
            timestamped_size(ledger, &key, (published, &roots)).unwrap();
        let files: Vec<_> = passed_over.into_iter().map(|flaw| flaw.file).collect();
        (size, files)
    };
    let (root, folder) = (authority.root(), ledger.join("timestamps"));
    assert_eq!(take_up(&root, u64::MAX), (size, Vec::new()));
    let (none, passed_over) = take_up(&authority.other_root(), u64::MAX);
    assert_eq!((none, &passed_over[0]), (0, &format!("timestamps/{size}")));
    // One over what is not there, and one that a full disk left empty.
    let newest = folder.join(size.to_string());
    fs::rename(&newest, folder.join((size + 1).to_string())).unwrap();
    let (before, _) = take_up(&root, size);
    assert!(before < size);
    fs::write(&newest, "").unwrap();
    let wrong = [
        format!("checkpoints/{}", size + 1),
        format!("timestamps/{size}"),
    ];
    assert_eq!(take_up(&root, u64::MAX), (before, wrong.to_vec()));
    assert_eq!(take_up(&root, size - 1), (before, Vec::new()));
}

/// A bundle without the timestamp, and everything else about it mended.
pub(super) fn a_stripped_bundle_is_told(bundle: &Path) {
    for path in ["ledger/timestamp", "ledger/authorities"] {
        fs::remove_file(bundle.join(path)).unwrap();
    }
    let sums = fs::read_to_string(bundle.join("SHA256SUMS")).unwrap();
    let kept = sums.lines().filter(|line| {
        !line.ends_with("  ledger/timestamp") && !line.ends_with("  ledger/authorities")
    });
    let kept: String = kept.map(|line| format!("{line}\n")).collect();
    fs::write(bundle.join("SHA256SUMS"), kept).unwrap();
    let bundle = bundle.to_str().unwrap();
    let told = shown(&by_shell(bundle, None));
    assert!(
        told.starts_with("exit 0") && told.contains("\nthe checkpoint has no timestamp\nPROVEN"),
        "{told}"
    );
    let told = shown(&by_shell(bundle, Some("../roots.pem")));
    assert!(
        told.starts_with("exit 1") && told.contains("NOT IN ORDER: the checkpoint has no"),
        "{told}"
    );
}

/// Verifies a ledger of which the authority timestamped the first checkpoint alone, hours
/// before the newest entry.
pub(super) fn only_new_timestamps_satisfy(authority: &Authority, data: &Path) {
    let ledger = data.join("ledger");
    let root = authority.root();
    let [data, root] = [data, &root].map(|path| path.to_str().unwrap().to_owned());
    let verify = ["audit", "verify", "--data", &data];
    let with_roots = [&verify[..], &["--authorities", &root]].concat();
    let told = shown(&comity(with_roots.clone()));
    assert!(told.starts_with("exit 0"), "{told}");
    let numbers = |folder: &str| {
        let names = fs::read_dir(ledger.join(folder)).unwrap();
        let numbers = names.map(|file| file.unwrap().file_name().into_string().unwrap());
        numbers.filter_map(|name| name.parse::<u64>().ok())
    };
    let first = numbers("checkpoints")
        .filter(|size| *size > 0)
        .min()
        .unwrap();
    for size in numbers("timestamps") {
        fs::remove_file(ledger.join(format!("timestamps/{size}"))).unwrap();
    }
    let token = authority.token_over(&ledger.join(format!("checkpoints/{first}")));
    fs::write(ledger.join(format!("timestamps/{first}")), token).unwrap();
    let told = shown(&comity(verify));
    assert!(
        told.starts_with("exit 0") && told.contains(" entries follow, by roots that came"),
        "{told}"
    );
    let told = shown(&comity(with_roots));
    let flaw = format!("`timestamps` (entry {first}): none covers the entry");
    assert!(told.starts_with("exit 1") && told.contains(&flaw), "{told}");
}
