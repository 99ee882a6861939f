//! Settings as they are written, and what is told of mistakes in them.

use comity_ledger::VerifierKey;

use super::*;

fn parse(text: &str) -> Result<Config, Vec<String>> {
    Config::parse(text, Path::new("/etc/comity/comity.toml"))
        .map_err(|error| error.to_string().lines().map(str::to_owned).collect())
}

#[track_caller]
fn check(written: &str, instead: &str, expected: &str) {
    assert!(
        EXAMPLE.contains(written),
        "the example does not say {written}"
    );
    let mistakes = parse(&EXAMPLE.replacen(written, instead, 1)).unwrap_err();
    let expected = format!("/etc/comity/comity.toml:{expected}");
    assert_eq!(mistakes, [expected]);
}

#[test]
fn the_example_shows_the_defaults() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.limits, Limits::default());
    let short = EXAMPLE.split_once("[limits]").unwrap().0;
    assert_eq!(parse(short).unwrap(), config);
}

#[test]
fn the_store_has_no_bound_but_the_one_given() {
    assert!(!parse(EXAMPLE).unwrap().signed_opinions);
    let signed = EXAMPLE.replace("signed_opinions = false", "signed_opinions = true");
    assert!(parse(&signed).unwrap().signed_opinions);
    assert_eq!(parse(EXAMPLE).unwrap().limits.store_bytes, None);
    let bounded = EXAMPLE.replace("# store_bytes", "store_bytes");
    assert_eq!(
        parse(&bounded).unwrap().limits.store_bytes,
        Some(107_374_182_400)
    );
    let mistakes = parse(&bounded.replace("107374182400", "0")).unwrap_err();
    assert!(
        mistakes[0].ends_with("`limits.store_bytes` is `0`: expected at least 1"),
        "{mistakes:?}"
    );
}

#[test]
fn revocation_lists_are_there_when_asked_for() {
    let lists = |text: &str| parse(text).unwrap().tls.revocation_lists;
    assert_eq!(lists(EXAMPLE), [""; 0].map(PathBuf::from));
    let asked = EXAMPLE.replace("# revocation_lists", "revocation_lists");
    assert_eq!(lists(&asked), [Path::new("/etc/comity/tls/ca.crl")]);
}

#[test]
fn paths_start_from_the_file() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.data, Path::new("/etc/comity/data"));
    let absolute = EXAMPLE.replace("\"data\"", "\"/var/lib/comity\"");
    assert_eq!(parse(&absolute).unwrap().data, Path::new("/var/lib/comity"));
}

#[test]
fn a_backend_is_named_by_its_host_unless_told_otherwise() {
    let config = parse(EXAMPLE).unwrap();
    let [first, second] = config.backends.as_slice() else {
        panic!("two backends")
    };
    assert_eq!(
        (first.host.as_str(), first.port),
        ("backend.justice.example", 8443)
    );
    assert_eq!(first.server_name, "backend.justice.example");
    assert_eq!(
        (second.host.as_str(), second.server_name.as_str()),
        ("::1", "localhost")
    );
}

#[test]
fn each_mistake_names_its_line_and_remedy() {
    check(
        "0.0.0.0:8443",
        "somewhere",
        "6: `gateway.listen` is `somewhere`: expected an address with port, such as `0.0.0.0:8443`",
    );
    check(
        "trust_domain = \"comity.example\"",
        "trust_domain = \"Comity Example\"",
        "10: `gateway.trust_domain` is `Comity Example`: expected lower-case letters, digits, dots, hyphens and underscores",
    );
    check(
        "server_name = \"localhost\"",
        "server_name = \"local host\"",
        "76: `backend.server_name` is `local host`: expected a DNS name or an IP address, as it stands in the certificate",
    );
}

/// The example with the lines about signers, metrics and the ledger in force.
fn with_signers() -> String {
    [
        "signers",
        "  \"legal",
        "]",
        "required_signatures",
        "[metrics]",
        "[log]",
        "listen",
    ]
    .into_iter()
    .fold(EXAMPLE.to_owned(), |text, begins| {
        text.replace(&format!("\n# {begins}"), &format!("\n{begins}"))
    })
}

#[test]
fn signers_and_metrics_are_there_when_asked_for() {
    let plain = parse(EXAMPLE).unwrap();
    assert_eq!((plain.policies.signers, plain.metrics), (None, None));
    assert_eq!(plain.log, None);
    let config = parse(&with_signers()).unwrap();
    let signers = config.policies.signers.unwrap();
    let names: Vec<_> = signers.keys.iter().map(VerifierKey::name).collect();
    assert_eq!(
        names,
        ["legal-1.justice.example", "legal-2.justice.example"]
    );
    assert_eq!(signers.required, 2);
    assert_eq!(config.metrics, Some("127.0.0.1:9464".parse().unwrap()));
    assert_eq!(config.log, Some("0.0.0.0:8080".parse().unwrap()));
}

#[test]
fn signers_that_count_twice_or_not_at_all_are_a_mistake() {
    let text = with_signers();
    let line = text.lines().find(|line| line.contains("legal-1")).unwrap();
    for (written, instead, expected) in [
        (
            "required_signatures = 2",
            "",
            "27: `policies.signers` are listed",
        ),
        (
            "= 2",
            "= 3",
            "32: `policies.required_signatures` is `3`: expected at least 1",
        ),
        (
            "= 2",
            "= 0",
            "32: `policies.required_signatures` is `0`: expected at least 1",
        ),
        ("+5e", "+0e", "27: `policies.signers` is `legal-1"),
        (
            "\"legal-2",
            &format!("{}\"legal-2", line.trim()),
            "28: signer `legal-1.justice.example` has the name or the key of another one",
        ),
    ] {
        let mistakes = parse(&text.replacen(written, instead, 1)).unwrap_err();
        let expected = format!("/etc/comity/comity.toml:{expected}");
        assert!(
            mistakes
                .iter()
                .any(|mistake| mistake.starts_with(&expected)),
            "{instead}: {mistakes:#?}"
        );
    }
}

#[test]
fn what_cannot_be_read_hides_no_other_mistake() {
    let text = EXAMPLE
        .replace("0.0.0.0:8443", "x")
        .replace("in_flight = 1024", "in_flight = 0\nin_fligth = 1")
        .replace("[tls]", "[tls]\nclient = 1")
        .replace("per_caller = 128", "per_caller = \"many\"")
        .replace("exercise = true", "exercise = true\nexcercise = true");
    let mistakes = parse(&text).unwrap_err();
    for told in [
        "`gateway.listen` is `x`",
        "`limits.in_flight` is `0`",
        "unknown field `in_fligth`",
        "unknown field `client`",
        "unknown field `excercise`",
        "invalid type: string \"many\"",
    ] {
        let count = mistakes.iter().filter(|mistake| mistake.contains(told));
        assert_eq!(count.count(), 1, "{told}: {mistakes:#?}");
    }
    assert_eq!(mistakes.len(), 6, "{mistakes:#?}");
    // What is missing because it cannot be read is not told as missing.
    let text = EXAMPLE.replace("listen = \"0.0.0.0:8443\"", "listen = 8443");
    let mistakes = parse(&text).unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    let mistakes = parse("[gateway\nlisten = ]\n").unwrap_err();
    assert!(mistakes.len() > 1, "{mistakes:#?}");
}

#[test]
fn all_that_is_missing_is_told_at_once_and_in_words() {
    let text = "[gateway]\ndata = \"d\"\ndata = \"e\"\n";
    let mistakes = parse(text).unwrap_err();
    assert!(
        mistakes[0].ends_with(":3: `data` is set twice: keep one"),
        "{mistakes:?}"
    );
    let text = "[gateway]\ndata = \"d\"\n[[backend]]\njurisdiction = \"DE\"\n\
                [limits]\nin_flight = \"x\"\n";
    let mistakes = parse(text).unwrap_err();
    let text = mistakes.join("\n").replace("/etc/comity/comity.toml:", "");
    let expected = [
        "1: missing field `listen`",
        "1: missing field `trust_domain`",
        "1: missing field `origin`",
        "1: missing field `policies`",
        "1: missing field `tls`",
        "3: missing field `address`",
        "6: invalid type: string \"x\", expected a whole number",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = EXAMPLE
        .replace("0.0.0.0:8443", "x")
        .replace("https://", "http://")
        .replace("in_flight = 1024", "in_flight = 0");
    let mistakes = parse(&text).unwrap_err();
    assert_eq!(mistakes.len(), 4, "{mistakes:#?}");
    assert!(
        mistakes
            .iter()
            .all(|mistake| mistake.starts_with("/etc/comity/comity.toml:"))
    );
}

#[test]
fn two_backends_of_one_kind_for_one_jurisdiction_are_a_mistake() {
    let text = EXAMPLE
        .replace("exercise = true", "exercise = false")
        .replace("\"FR\"", "\"DE\"");
    let mistakes = parse(&text).unwrap_err();
    assert!(
        mistakes[0].contains("second backend for `DE`"),
        "{mistakes:?}"
    );
}

#[test]
fn evidence_lies_in_one_place_and_is_bounded() {
    use comity_evidence::Place;

    let evidence = parse(EXAMPLE).unwrap().evidence;
    let default = Place::Folder("/etc/comity/data/evidence/items".into());
    assert_eq!(evidence.place, default);
    let accepts = |media_type| evidence.media_types.iter().any(|r| r.matches(media_type));
    assert!(accepts("video/mp4") && accepts("application/pdf") && !accepts("model/stl"));

    let elsewhere = EXAMPLE.replace("# object_store =", "object_store =");
    let place = Place::Url("s3://evidence/gateway".to_owned());
    assert_eq!(parse(&elsewhere).unwrap().evidence.place, place);
    let both = parse(&elsewhere.replace("# folder =", "folder =")).unwrap_err();
    assert!(both[0].ends_with("both given: keep one"), "{both:?}");
    for (written, instead, said) in [
        (
            "max_item_bytes = 107374182400",
            "max_item_bytes = 0",
            "`evidence.max_item_bytes` is `0`: expected at least 1",
        ),
        (
            "\"image/*\"",
            "\"image/\"",
            "expected a media type in lower case, such as `application/pdf` or `image/*`",
        ),
        (
            "# object_store = \"s3:",
            "object_store = \"ftp:",
            "expected a bucket, and a prefix in it, such as `s3://evidence/gateway`",
        ),
    ] {
        let mistakes = parse(&EXAMPLE.replacen(written, instead, 1)).unwrap_err();
        assert!(mistakes[0].ends_with(said), "{mistakes:?}");
    }
}

#[test]
fn a_token_is_named_by_library_label_and_file() {
    assert_eq!(parse(EXAMPLE).unwrap().keys, None);
    let (before, keys) = EXAMPLE.split_once("# [keys]\n").unwrap();
    let (keys, after) = keys.split_once("\n\n").unwrap();
    let settings = keys.lines().filter(|line| line.contains(" = "));
    let keys: Vec<_> = settings.map(|line| line.trim_start_matches("# ")).collect();
    let text = format!("{before}[keys]\n{}\n\n{after}", keys.join("\n"));
    let token = parse(&text).unwrap().keys.unwrap();
    assert_eq!(token.token, "comity");
    assert!(token.module.is_absolute());
    assert_eq!(token.pin_file, Path::new("/etc/comity/keys/pin"));
    for (written, instead, said) in [
        (
            "token = \"comity\"",
            "token = \"\"",
            "`keys.token` is ``: expected the label of a token: 1 to 32 bytes, without a \
             space at the end",
        ),
        ("token = \"comity\"\n", "", "missing field `token`"),
        (
            "pin_file = \"keys/pin\"",
            "pin = \"1234\"",
            "unknown field `pin`",
        ),
    ] {
        let mistakes = parse(&text.replacen(written, instead, 1)).unwrap_err();
        assert!(mistakes[0].starts_with("/etc/comity/comity.toml:"));
        assert!(mistakes.join("\n").contains(said), "{mistakes:?}");
        assert!(!mistakes.join("\n").contains("1234"), "{mistakes:?}");
    }
}

/// The example with the lines about peers in force.
fn with_peers() -> String {
    let (before, peers) = EXAMPLE.split_once("# [[peer]]").unwrap();
    let (peers, after) = peers.split_once("\n\n").unwrap();
    let peers = format!("# [[peer]]{peers}").replace("\n# ", "\n");
    format!("{before}{}\n\n{after}", peers.trim_start_matches("# "))
}

#[test]
fn peers_are_there_when_asked_for() {
    assert_eq!(parse(EXAMPLE).unwrap().witnesses, Witnesses::default());
    let witnesses = parse(&with_peers()).unwrap().witnesses;
    assert_eq!(witnesses.required, 1);
    let [peer] = witnesses.peers.as_slice() else {
        panic!("one peer")
    };
    assert_eq!(peer.name, "paris");
    assert_eq!(peer.log.name(), "gateway.justice.fr.example/ledger");
    assert_eq!(
        peer.witness.name(),
        "gateway.justice.fr.example/ledger/witness"
    );
    assert_eq!(peer.server_name, "gateway.justice.fr.example");
}

#[test]
fn a_peer_that_counts_twice_or_not_at_all_is_a_mistake() {
    let text = with_peers();
    let peer = text.split("[[peer]]").nth(1).unwrap();
    let peer = peer.split("[witnesses]").next().unwrap();
    for (written, instead, said) in [
        ("required = 1", "", "but not how many must have cosigned"),
        (
            "required = 1",
            "required = 2",
            "expected at most the number of witnesses, 1",
        ),
        (
            "log = \"",
            "log = \"x",
            "the verifier key `<name>+<id>+<key>` of its ledger",
        ),
        (
            "witness = \"",
            "witness = \"x",
            "the key `<name>+<id>+<key>` that it cosigns with",
        ),
        (
            "[witnesses]",
            &format!("[[peer]]{peer}[witnesses]"),
            "of another one, or of this",
        ),
    ] {
        let mistakes = parse(&text.replacen(written, instead, 1)).unwrap_err();
        assert!(
            mistakes.iter().any(|mistake| mistake.contains(said)),
            "{instead}: {mistakes:#?}"
        );
    }
}

#[test]
fn what_is_unknown_is_a_mistake() {
    let mistakes = parse(&EXAMPLE.replace("\nper_caller", "\nper_callr")).unwrap_err();
    assert!(
        mistakes[0].contains("unknown field `per_callr`"),
        "{mistakes:?}"
    );
}
