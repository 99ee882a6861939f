//! Tokens by themselves: signed in several ways, with certificates that are not for
//! timestamps, and changed.

use std::{fs, path::Path};

use comity_ledger::{Query, Roots, Token, TokenError};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

use super::authority::{
    OTHER_POLICY, POLICY, TIME_STAMPING, for_timestamps, issue, openssl, openssl_reply, root,
    write_settings,
};

const SERVER_AUTH: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 3, 1];
pub(crate) const NOTE: &[u8] =
    b"log.example\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n-\n";

fn folder() -> TempDir {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    write_settings(folder.path());
    folder
}

fn roots(folder: &Path) -> Roots {
    Roots::read(&fs::read(folder.join("root.pem")).unwrap()).unwrap()
}

/// A root by OpenSSL with a key of this kind, and an authority under it.
fn by_openssl(folder: &Path, root_key: &[&str], key: &[&str], chain: bool) {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let request = |key: &[&str], out: &[&str]| {
        let newkey = ["req", "-nodes", "-newkey"];
        openssl(&[&newkey, key, out].concat());
    };
    let (pem, secret) = (at("root.pem"), at("root.key"));
    let own = [
        "-x509", "-days", "9", "-subj", "/CN=Root", "-keyout", &secret, "-out", &pem,
    ];
    request(root_key, &own);
    let sign = |stem: &str, by: &str, extensions: &str| {
        let (csr, secret) = (at("csr"), at(&format!("{stem}.key")));
        let subject = format!("/CN={stem}");
        request(key, &["-subj", &subject, "-keyout", &secret, "-out", &csr]);
        fs::write(at("ext"), extensions).unwrap();
        let (ca, ca_key) = (at(&format!("{by}.pem")), at(&format!("{by}.key")));
        openssl(&[
            "x509",
            "-req",
            "-in",
            &csr,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-set_serial",
            "7",
            "-days",
            "9",
            "-extfile",
            &at("ext"),
            "-out",
            &at(&format!("{stem}.pem")),
        ]);
    };
    let purpose = "extendedKeyUsage=critical,timeStamping\nsubjectKeyIdentifier=hash\n";
    if chain {
        sign("between", "root", "basicConstraints=critical,CA:TRUE\n");
        sign("leaf", "between", purpose);
    } else {
        sign("leaf", "root", purpose);
    }
}

/// A query over [`NOTE`], and what an authority answered to it and to another one.
pub(crate) struct Answered {
    pub(crate) query: Query,
    pub(crate) replies: [Vec<u8>; 2],
    pub(crate) roots: Roots,
}

pub(crate) fn answered_by_openssl() -> Answered {
    let folder = folder();
    let p256 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    by_openssl(folder.path(), &p256, &p256, false);
    let query = Query::new(NOTE, None).unwrap();
    let other = Query::new(b"another\n", None).unwrap();
    let reply = |query: &Query| openssl_reply(folder.path(), query.as_bytes(), "leaf");
    Answered {
        replies: [reply(&query), reply(&other)],
        roots: roots(folder.path()),
        query,
    }
}

/// Has a query answered, with the certificate between, where there is one.
fn answered(folder: &Path, query: &Query, settings: &str) -> Vec<u8> {
    let path = folder.join("ts.cnf");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{settings}")).unwrap();
    openssl_reply(folder, query.as_bytes(), "leaf")
}

#[test]
fn tokens_signed_in_the_usual_ways_are_verified() {
    let rsa = ["rsa:2048"];
    let p256 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let p384 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"];
    for (root_key, key, digest, chain) in [
        (&rsa[..], &rsa[..], "sha256", false),
        (&rsa, &rsa, "sha512", true),
        (&p384, &p256, "sha256", true),
        (&p384, &p384, "sha384", false),
    ] {
        let folder = folder();
        by_openssl(folder.path(), root_key, key, chain);
        let between = folder.path().join("between.pem");
        let mut settings = format!("signer_digest = {digest}\n");
        if chain {
            settings.push_str(&format!(
                "certs = {}\ness_cert_id_alg = sha1\n",
                between.display()
            ));
        }
        let query = Query::new(NOTE, None).unwrap();
        let reply = answered(folder.path(), &query, &settings);
        let now = Timestamp::now();
        let token = query.accept(&reply, &roots(folder.path()), now).unwrap();
        assert_eq!(token.by, "leaf");
        assert!(token.at.duration_since(now).abs() < SignedDuration::from_mins(1));
        let again = Token::verify(&token.bytes, NOTE, &roots(folder.path())).unwrap();
        assert_eq!(again, token);
    }
}

#[test]
fn what_was_asked_for_is_what_counts() {
    let folder = folder();
    by_openssl(folder.path(), &["rsa:2048"], &["rsa:2048"], false);
    let roots = roots(folder.path());
    let now = Timestamp::now();
    let plain = Query::new(NOTE, None).unwrap();
    let reply = answered(folder.path(), &plain, "");
    plain.accept(&reply, &roots, now).unwrap();
    let late = now + SignedDuration::from_hours(1);
    let refused = plain.accept(&reply, &roots, late).unwrap_err();
    assert!(matches!(refused, TokenError::Clock { .. }), "{refused}");
    let other = Query::new(NOTE, None).unwrap();
    let refused = other.accept(&reply, &roots, now).unwrap_err();
    assert!(matches!(refused, TokenError::Nonce), "{refused}");
    let other = Query::new(b"another\n", None).unwrap();
    let refused = other.accept(&reply, &roots, now).unwrap_err();
    assert!(matches!(refused, TokenError::Imprint), "{refused}");
    // Asked for by name, and given; asked for by name, and refused.
    let named = Query::new(NOTE, Some(POLICY)).unwrap();
    let reply = openssl_reply(folder.path(), named.as_bytes(), "leaf");
    named.accept(&reply, &roots, now).unwrap();
    let named = Query::new(NOTE, Some(OTHER_POLICY)).unwrap();
    let reply = openssl_reply(folder.path(), named.as_bytes(), "leaf");
    let refused = named.accept(&reply, &roots, now).unwrap_err();
    assert!(matches!(refused, TokenError::Refused { .. }), "{refused}");
}

/// The same statement, signed with a certificate for something else too.
#[test]
fn certificates_that_are_not_for_timestamps_alone_are_refused() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let now = OffsetDateTime::now_utc();
    let validity = (now - Duration::days(9), now + Duration::days(9));
    let (pem, issuer) = root("Root", validity);
    fs::write(at("root.pem"), pem).unwrap();
    let made = |stem: &str, critical, purposes: &[&[u64]]| {
        let mut parameters = for_timestamps(critical, purposes);
        (parameters.not_before, parameters.not_after) = validity;
        issue(folder.path(), stem, parameters, &issuer);
    };
    made("leaf", true, &[TIME_STAMPING]);
    let query = Query::new(NOTE, None).unwrap();
    fs::write(at("reply"), answered(folder.path(), &query, "")).unwrap();
    openssl(&[
        "ts",
        "-reply",
        "-in",
        &at("reply"),
        "-token_out",
        "-out",
        &at("token"),
    ]);
    let form = ["-inform", "DER", "-in", &at("token"), "-out", &at("info")];
    openssl(&[&["cms", "-verify", "-noverify"], &form[..]].concat());
    for (stem, critical, purposes) in [
        ("right", true, &[TIME_STAMPING][..]),
        ("not-critical", false, &[TIME_STAMPING]),
        ("two-purposes", true, &[TIME_STAMPING, SERVER_AUTH]),
        ("other-purpose", true, &[SERVER_AUTH]),
        ("no-purpose", true, &[]),
    ] {
        made(stem, critical, purposes);
        openssl(&[
            "cms",
            "-sign",
            "-binary",
            "-nodetach",
            "-cades",
            "-md",
            "sha256",
            "-econtent_type",
            "id-smime-ct-TSTInfo",
            "-in",
            &at("info"),
            "-signer",
            &at(&format!("{stem}.pem")),
            "-inkey",
            &at(&format!("{stem}.key")),
            "-outform",
            "DER",
            "-out",
            &at(stem),
        ]);
        let token = fs::read(at(stem)).unwrap();
        let verified = Token::verify(&token, NOTE, &roots(folder.path()));
        match stem {
            "right" => assert_eq!(verified.unwrap().by, "Test Authority"),
            _ => assert!(
                matches!(verified, Err(TokenError::Purpose)),
                "{stem}: {verified:?}"
            ),
        }
    }
}

/// Every bit of a token: what is changed is refused, or says the same. Bytes that hold
/// nothing may change, such as a version number that decides nothing.
#[test]
fn a_changed_token_is_refused_or_says_the_same() {
    let Answered {
        query,
        replies: [reply, _],
        roots,
    } = answered_by_openssl();
    let token = query.accept(&reply, &roots, Timestamp::now()).unwrap();
    let (mut tried, mut refused) = (0, 0);
    for at in 0..token.bytes.len() {
        for bit in 0..8 {
            let mut changed = token.bytes.clone();
            changed[at] ^= 1 << bit;
            tried += 1;
            match Token::verify(&changed, NOTE, &roots) {
                Ok(found) => assert_eq!((found.at, found.by), (token.at, token.by.clone())),
                Err(_) => refused += 1,
            }
        }
        let cut = Token::verify(&token.bytes[..at], NOTE, &roots);
        assert!(cut.is_err(), "cut at byte {at}");
    }
    assert!(refused * 20 > tried * 19, "{refused} of {tried} refused");
}
