//! Evidence: what is announced, sent and shown.

use bytes::Bytes;
use comity::v1;
use comity_domain::Digest;
use comity_evidence::{ItemId, sealed::Recipient};

use super::{
    Violation,
    read::{Findings, Path, TEXT_BYTES_MAX},
    to_proto::timestamp,
};
use crate::evidence::{Item, Step};

/// Longest name of a type, and of a subtype (RFC 6838 §4.2).
const MEDIA_NAME_BYTES_MAX: usize = 127;

/// What an upload announces.
#[derive(Debug)]
pub(crate) struct Header {
    /// Name of the case, not read yet.
    pub(crate) case: String,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) sha256: Digest,
    pub(crate) offset: u64,
    pub(crate) recipient: Option<Recipient>,
}

/// Reads what an upload announces.
pub(crate) fn header(header: v1::EvidenceHeader) -> Result<Header, Vec<Violation>> {
    let v1::EvidenceHeader {
        case,
        media_type,
        size,
        sha256,
        offset,
        recipient,
    } = header;
    let mut findings = Findings::default();
    let at = Path::root("header");
    if !is_media_type(&media_type) {
        let expected = "expected a type and a subtype in lower case, without parameters, such as `application/pdf`";
        findings.reject::<()>(at.field("media_type"), expected);
    }
    if size == 0 {
        findings.reject::<()>(at.field("size"), "is 0: there is nothing to store");
    }
    if offset > size {
        findings.reject::<()>(at.field("offset"), "is beyond `size`");
    }
    let digest = read_digest(&mut findings, at.field("sha256"), &sha256);
    let recipient = match recipient.as_str() {
        "" => None,
        text => text.parse().ok().or_else(|| {
            let expected = "expected `comity-recipient-1+` and 64 hexadecimal digits";
            findings.reject(at.field("recipient"), expected)
        }),
    };
    findings.conclude(digest.map(|sha256| Header {
        case,
        media_type,
        size,
        sha256,
        offset,
        recipient,
    }))
}

/// Reads a chunk of at most `longest` bytes; whether its digest is right is not
/// looked at yet.
pub(crate) fn chunk(
    chunk: v1::EvidenceChunk,
    longest: usize,
) -> Result<(Bytes, Digest), Vec<Violation>> {
    let v1::EvidenceChunk { data, sha256 } = chunk;
    let mut findings = Findings::default();
    let at = Path::root("chunk");
    if data.is_empty() {
        findings.reject::<()>(at.field("data"), "is empty: leave the chunk out");
    }
    if data.len() > longest {
        findings.reject::<()>(
            at.field("data"),
            format!("is longer than {longest} bytes: divide it"),
        );
    }
    let digest = read_digest(&mut findings, at.field("sha256"), &sha256);
    findings.conclude(digest.map(|digest| (data, digest)))
}

/// The name of the case, not read yet, and the digest in `cases/<id>/evidence/<sha256>`.
pub(crate) fn item_name(name: &str) -> Result<(&str, Digest), Vec<Violation>> {
    let read = || {
        let (case, sha256) = name.rsplit_once("/evidence/")?;
        let digest: Digest = sha256.parse().ok()?;
        // One item has one name.
        (digest.to_string() == sha256).then_some((case, digest))
    };
    let mut findings = Findings::default();
    let read = read().or_else(|| {
        let expected = "expected `cases/<id>/evidence/<sha256>`, as an upload or a list names it";
        findings.reject(Path::root("name"), expected)
    });
    findings.conclude(read)
}

/// Why something is deleted, in the caller's words.
pub(crate) fn reason(text: String) -> Result<String, Vec<Violation>> {
    let mut findings = Findings::default();
    let at = Path::root("reason");
    if text.trim().is_empty() {
        findings.reject::<()>(at, "is missing: say why, for the record");
    }
    if text.len() > TEXT_BYTES_MAX {
        findings.reject::<()>(at, format!("is longer than {TEXT_BYTES_MAX} bytes"));
    }
    findings.conclude(Some(text))
}

/// The resource name of an item.
pub(crate) fn name(id: &ItemId) -> String {
    let ItemId { case, sha256 } = id;
    format!("cases/{case}/evidence/{sha256}")
}

/// An item that is stored, with its custody if that is asked for.
pub(crate) fn show(item: &Item, recipient: String, with_custody: bool) -> v1::EvidenceItem {
    let custody = item.custody.iter().filter(|_| with_custody);
    v1::EvidenceItem {
        name: name(&item.id),
        media_type: item.described.media_type.clone(),
        size: item.described.size,
        sha256: Bytes::copy_from_slice(&item.id.sha256.0),
        recipient,
        custody: custody.map(show_step).collect(),
        custody_left_out: u32::try_from(item.left_out).unwrap_or(u32::MAX),
    }
}

/// A chunk with its digest.
pub(crate) fn show_chunk(sha256: Digest, data: Bytes) -> v1::EvidenceChunk {
    v1::EvidenceChunk {
        data,
        sha256: Bytes::copy_from_slice(&sha256.0),
    }
}

fn show_step(step: &Step) -> v1::CustodyStep {
    let Step {
        kind,
        at,
        actor,
        index,
    } = step;
    v1::CustodyStep {
        kind: kind.clone(),
        at: Some(timestamp(*at)),
        actor: actor.clone(),
        ledger_index: *index,
    }
}

fn read_digest(findings: &mut Findings, at: Path<'_>, bytes: &Bytes) -> Option<Digest> {
    match <[u8; 32]>::try_from(bytes.as_ref()) {
        Ok(digest) => Some(Digest(digest)),
        Err(_) => findings.reject(at, "expected the 32 bytes of a SHA-256"),
    }
}

/// RFC 6838 §4.2, in the lower case to which registered names compare equal.
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        (1..=MEDIA_NAME_BYTES_MAX).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&-^_.+".contains(&b))
    };
    text.split_once('/')
        .is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced() -> v1::EvidenceHeader {
        v1::EvidenceHeader {
            case: "cases/x".to_owned(),
            media_type: "application/pdf".to_owned(),
            size: 9,
            sha256: Bytes::from_static(&[7; 32]),
            offset: 0,
            recipient: String::new(),
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut v1::EvidenceHeader), expected: &[&str]) {
        let mut message = announced();
        change(&mut message);
        let wrong = header(message).err().unwrap_or_default();
        let fields: Vec<_> = wrong.iter().map(|wrong| wrong.field.as_str()).collect();
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_header_says_what_is_to_be_mended() {
        check(|_| (), &[]);
        for bad in [
            "",
            "pdf",
            "a/",
            "/b",
            "Text/plain",
            "text/plain; x=y",
            "a/b/c",
            "a b/c",
        ] {
            check(|h| h.media_type = bad.to_owned(), &["header.media_type"]);
        }
        check(|h| h.offset = 10, &["header.offset"]);
        check(|h| h.offset = 9, &[]);
        check(
            |h| h.sha256 = Bytes::from_static(&[7; 31]),
            &["header.sha256"],
        );
        check(|h| h.recipient = "x".to_owned(), &["header.recipient"]);
        check(
            |h| (h.size, h.offset) = (0, 1),
            &["header.size", "header.offset"],
        );
    }

    #[test]
    fn a_name_is_read_in_one_form_only() {
        let digest = "ab".repeat(32);
        let name = format!("cases/c/evidence/{digest}");
        assert_eq!(item_name(&name).unwrap().0, "cases/c");
        for bad in [
            String::new(),
            "cases/c".to_owned(),
            name.to_uppercase(),
            format!("cases/c/evidence/{}", digest.to_uppercase()),
            format!("{name}/"),
        ] {
            assert!(item_name(&bad).is_err(), "{bad}");
        }
    }
}
