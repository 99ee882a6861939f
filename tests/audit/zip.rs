//! Zip files of bundles that programs which unpack them take in two ways.

use std::fs;

use super::left_behind;
use crate::cli::{comity, shown};

/// A file of a zip file: what stands before and in it, and its place in the list.
type Part = (Vec<u8>, Vec<u8>);

fn number(bytes: &[u8], at: usize, size: usize) -> usize {
    let bytes = bytes[at..at + size].iter().rev();
    bytes.fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// The files of a zip file as it is made here: without a word beside them.
fn parts(zip: &[u8]) -> Vec<Part> {
    let end = zip.len() - 22;
    let (count, start) = (number(zip, end + 10, 2), number(zip, end + 16, 4));
    let mut place = start;
    let mut listed = Vec::new();
    for _ in 0..count {
        let length = 46
            + (28..=32)
                .step_by(2)
                .map(|at| number(zip, place + at, 2))
                .sum::<usize>();
        listed.push(zip[place..place + length].to_vec());
        place += length;
    }
    let at = |one: &Vec<u8>| number(one, 42, 4);
    let ends: Vec<_> = listed.iter().skip(1).map(at).chain([start]).collect();
    let files = listed.iter().zip(ends);
    let files = files.map(|(one, end)| (zip[at(one)..end].to_vec(), one.clone()));
    files.collect()
}

/// Puts files together, after `before` and with `between` before their list.
fn put_together(parts: &[Part], before: &[u8], between: &[u8]) -> Vec<u8> {
    let mut zip = before.to_vec();
    let mut list = Vec::new();
    for (file, listed) in parts {
        let mut listed = listed.clone();
        listed[42..46].copy_from_slice(&u32::try_from(zip.len()).unwrap().to_le_bytes());
        list.extend(listed);
        zip.extend(file);
    }
    zip.extend(between);
    let start = u32::try_from(zip.len()).unwrap();
    let count = u16::try_from(parts.len()).unwrap().to_le_bytes();
    zip.extend(&list);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend([count, count].concat());
    zip.extend(u32::try_from(list.len()).unwrap().to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0, 0]);
    zip
}

/// Adds a further field to what stands before a file, and to its place in the list.
fn further((file, listed): &mut Part, field: &[u8]) {
    for (bytes, at, fixed) in [(file, 28, 30), (listed, 30, 46)] {
        let names = number(bytes, at - 2, 2);
        let old = number(bytes, at, 2);
        assert_eq!(old, 0);
        bytes[at] = u8::try_from(field.len()).unwrap();
        let after = bytes.split_off(fixed + names);
        bytes.extend(field);
        bytes.extend(after);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_file_that_can_be_taken_in_two_ways_is_refused() {
    let left = left_behind().await;
    let path = left.path().join("case.zip");
    let case = left.cases.values().next().unwrap();
    let exported = left.audit(&["export", case, "--out", path.to_str().unwrap()]);
    assert!(exported.status.success(), "{}", shown(&exported));
    let whole = fs::read(&path).unwrap();
    let parts = parts(&whole);
    let report = parts
        .iter()
        .position(|(file, _)| file[30..].starts_with(b"report.html"));
    let report = report.unwrap();
    let told = |zip: &[u8]| {
        fs::write(&path, zip).unwrap();
        shown(&comity(["audit", "verify", path.to_str().unwrap()]))
    };
    let refused = |what: &str, zip: &[u8]| {
        let told = told(zip);
        assert!(told.starts_with("exit 1\nNOT VERIFIED\n"), "{what}: {told}");
        assert!(
            told.contains(what) && told.contains("case.zip` at byte "),
            "{what}: {told}"
        );
        assert!(
            told.contains("ask for the file as `comity audit export` wrote it"),
            "{told}"
        );
    };
    let changed = |change: &dyn Fn(&mut Part)| {
        let mut parts = parts.clone();
        change(&mut parts[report]);
        put_together(&parts, &[], &[])
    };
    assert_eq!(put_together(&parts, &[], &[]), whole);
    let plain = told(&whole);
    assert!(plain.starts_with("exit 0\nverified: "), "{plain}");
    // When it was changed, and whose it is, tells nothing.
    let dated = told(&changed(&|part| further(part, b"UT\x05\0\x01\0\0\0\0")));
    assert_eq!(dated, plain);

    let twice = [&parts[report..=report], &parts].concat();
    refused("lists `report.html` twice", &put_together(&twice, &[], &[]));
    refused(
        "neither files nor their list",
        &[b"#!/bin/sh\n", &*whole].concat(),
    );
    refused(
        "does not lie where",
        &put_together(&parts, b"#!/bin/sh\n", &[]),
    );
    refused(
        "bytes between its files",
        &put_together(&parts, &[], b"between"),
    );
    refused("does not end with its list", &[&*whole, b"after"].concat());
    let mut remark = whole.clone();
    let at = remark.len() - 2;
    remark[at] = 5;
    remark.extend(b"after");
    refused("does not end with its list", &remark);
    let other = |(file, _): &mut Part| file[30..41].copy_from_slice(b"Report.html");
    refused("`report.html` has another name", &changed(&other));
    refused(
        "says more of itself",
        &changed(&|part| further(part, b"up\x05\0\x01\0\0\0\0")),
    );
    let link = |(_, listed): &mut Part| listed[41] = 0o12 << 4;
    refused("a link or the like", &changed(&link));
    let sealed = |(file, listed): &mut Part| {
        file[6] |= 1;
        listed[8] |= 1;
    };
    refused("is encrypted", &changed(&sealed));

    // One that ends too early is not in order either, as a folder that lacks files.
    let cut = told(&whole[..whole.len() / 2]);
    assert!(
        cut.starts_with("exit 1\nNOT VERIFIED\n") && cut.contains("get the file again"),
        "{cut}"
    );
    // Nothing is taken from it for a disclosure.
    fs::write(&path, put_together(&twice, &[], &[])).unwrap();
    let bundle = path.to_str().unwrap();
    let told = shown(&comity([
        "audit", "disclose", "1", "--list", "--bundle", bundle,
    ]));
    assert!(
        told.starts_with("exit 2\n") && told.contains("twice"),
        "{told}"
    );
}
