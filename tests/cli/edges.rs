//! What newcomers run into: folders that are not what they are taken for, and what is
//! printed to be used again.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{COMMAND, comity, left_behind, shown, stable};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Words as a shell takes them, none of which is quoted.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Runs `comity` on what a shell would split at spaces.
fn run(line: &str) -> String {
    shown(&comity(words(line)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_its_data_below_is_read_as_they_are() {
    let kept = left_behind().await;
    let folder = TempDir::new().unwrap();
    crate::world::copy(kept.path(), &folder.path().join("data"));
    let (above, below) = (folder.path(), folder.path().join("data"));
    for command in [
        "audit verify",
        "audit search",
        "audit show 1",
        "audit prove 1",
        "audit stats",
        "audit rerun",
        "audit holds",
        "audit disclose 1 --list",
        "audit prune --before 2020-01-01 --dry-run",
        "policy replay",
    ] {
        let at = |data: &Path| run(&format!("{command} --data {}", text(data)));
        let expected = at(&below);
        assert!(!expected.starts_with("exit 2"), "{command}: {expected}");
        assert_eq!(at(above), expected, "{command}");
    }
    let verify = run(&format!("audit verify {}", text(above)));
    assert!(verify.starts_with("exit 0\nverified: "), "{verify}");
    // One that lost its store is a ledger that is not in order, and no misuse.
    fs::remove_file(below.join("comity.db")).unwrap();
    let verify = run(&format!("audit verify --data {}", text(above)));
    assert!(verify.starts_with("exit 1\nNOT VERIFIED"), "{verify}");
}

#[test]
fn what_is_no_data_folder_is_named_with_what_was_looked_for() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| text(&folder.path().join(name)).to_owned();
    fs::create_dir(at("empty")).unwrap();
    fs::write(at("file"), "root:x:0:0").unwrap();
    fs::write(at("cut.zip"), "PK\u{3}\u{4}").unwrap();
    let (none, empty, file, cut) = (at("none"), at("empty"), at("file"), at("cut.zip"));
    let all = [
        format!("audit verify --data {none}"),
        format!("audit verify --data {empty}"),
        format!("audit verify --data {file}"),
        format!("audit verify {none}"),
        format!("audit verify {empty}"),
        format!("audit verify {file}"),
        format!("audit verify {cut}"),
        format!("audit disclose 1 --list --bundle {file}"),
        format!("audit search --data {empty} --json"),
        format!("policy replay --data {none}"),
    ]
    .map(|line| run(&line))
    .join("\n");
    stable(folder.path()).bind(|| insta::assert_snapshot!(all));
}

#[test]
fn where_there_is_no_library_one_message_says_so() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| text(&folder.path().join(name)).to_owned();
    fs::create_dir(at("empty")).unwrap();
    for (place, what) in [
        (at("none"), "there is no policy folder"),
        (at("empty"), "there is no policy library in the folder"),
    ] {
        for command in [
            "policy check",
            "policy check --json",
            "policy check --sarif",
            "policy test",
            "policy fmt --check",
            "policy fmt",
            "policy schema instrument",
            "policy decide request.json",
            "policy explain --scenario eio:S01",
            "policy atlas --from FR --to DE --measure data.content",
            "policy replay",
            "policy sign --check",
            "demo --once",
            "demo --exercise list",
        ] {
            let expected = format!(
                "exit 2\nerror: {what} `{place}`: run this from the root of a clone of the \
                 repository, or name the folder of the policy files, in which `vocabulary.yaml` \
                 is, with `--policies`\n"
            );
            let found = run(&format!("{command} --policies {place}"));
            if command.ends_with("--json") {
                let message = expected.replacen("error: ", "{\"error\":\"", 1);
                assert!(found.starts_with(message.trim_end()), "{command}: {found}");
            } else {
                assert_eq!(found, expected, "{command}");
            }
        }
        for arguments in [format!("{place} policies"), format!("policies {place}")] {
            let diff = run(&format!("policy diff {arguments}"));
            let begins = format!("exit 2\nerror: {what} `{place}`: ");
            assert!(
                diff.starts_with(&begins) && diff.lines().count() == 2,
                "{diff}"
            );
        }
    }
    // What has mistakes is a library all the same, and each is told once.
    fs::write(folder.path().join("empty/vocabulary.yaml"), "").unwrap();
    let decided = run(&format!(
        "policy decide request.json --policies {}",
        at("empty")
    ));
    let begins = format!(
        "exit 2\nerror: the policy files in `{}` have mistakes\n",
        at("empty")
    );
    assert!(decided.starts_with(&begins), "{decided}");
    assert!(!decided.contains("error: error"), "{decided}");
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = comity(["completions", shell]);
        let script = shown(&output);
        assert_eq!(output.status.code(), Some(0), "{script}");
        for word in ["preflight", "rerun", "recipient", "skip-evidence"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("comity.bash");
    fs::write(&file, comity(["completions", "bash"]).stdout).unwrap();
    let ask = "source $0; COMP_WORDS=(comity audit ver); COMP_CWORD=2; _comity comity ver audit; \
               echo ${COMPREPLY[@]}";
    let asked = Command::new("bash")
        .args(["-c", ask, text(&file)])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "verify\n");
    let unknown = run("completions tcsh");
    assert!(
        unknown.starts_with("exit 2") && unknown.contains("bash"),
        "{unknown}"
    );
}

#[test]
fn every_command_has_an_example_in_its_help() {
    let mut left = vec![Vec::<String>::new()];
    let mut seen = 0;
    while let Some(command) = left.pop() {
        let output = comity(command.iter().map(String::as_str).chain(["--help"]));
        let help = String::from_utf8(output.stdout).unwrap();
        let example = format!(": comity {}", command.join(" "));
        let lists = help.contains("Example:\n") || help.contains("Examples:\n");
        assert!(
            lists || help.contains(example.trim_end()),
            "{command:?}\n{help}"
        );
        seen += 1;
        let Some((_, commands)) = help.split_once("\nCommands:\n") else {
            continue;
        };
        let (commands, _) = commands.split_once("\n\n").unwrap();
        let commands = commands.lines().filter_map(|line| {
            let line = line.strip_prefix("  ")?;
            line.split_whitespace()
                .next()
                .filter(|_| !line.starts_with(' '))
        });
        let commands = commands.filter(|name| *name != "help");
        left.extend(commands.map(|name| [command.as_slice(), &[name.to_owned()]].concat()));
    }
    assert!(seen > 60, "{seen} commands");
}

#[test]
fn a_wait_a_day_or_a_language_that_cannot_be_says_what_can() {
    let all = [
        "request submit none.json --wait 61 --ca a --cert b --key c",
        "policy decide none.json --at 2026-11-23T00:00:00Z",
        "policy atlas --from FR --to DE --measure data.content --date soon",
        "audit stats --until 31.12.2026",
        "audit due --at never --config comity.toml",
        "audit due",
        "policy atlas --from FR --to DE --measure data.content --language zz",
        "policy explain --scenario eio:S01 --language zz",
    ]
    .map(run)
    .join("\n");
    stable(Path::new("/nowhere")).bind(|| insta::assert_snapshot!(all));
    let region = run("policy atlas --from FR --to DE --measure data.content --language de-AT");
    assert!(region.starts_with("exit 0"), "{region}");
}

/// Runs a command with something on its standard input.
fn fed(arguments: &[&str], input: &[u8]) -> std::process::Output {
    let mut child = Command::new(&*COMMAND)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_request_is_read_from_standard_input() {
    let request = crate::world::approvable("stdin").request;
    let request = comity_gateway::wire::json::print(&request).unwrap();
    for command in ["decide", "explain"] {
        let output = fed(&["policy", command, "-"], request.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    }
    let wrong = shown(&fed(&["policy", "decide", "-"], b"{\"mesure\": 1}"));
    assert!(
        wrong.starts_with("exit 2\nerror: standard input:line 1, "),
        "{wrong}"
    );
}

#[test]
fn a_decision_has_colours_on_a_terminal_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("request.json");
    let request = crate::world::approvable("colours").request;
    fs::write(&file, comity_gateway::wire::json::print(&request).unwrap()).unwrap();
    let decide = ["policy", "decide", text(&file)];
    let plain = comity(decide);
    assert!(
        plain.stdout.starts_with(b"APPROVED under eio"),
        "{}",
        shown(&plain)
    );
    let mut command = Command::new(&*COMMAND);
    command.args(decide).current_dir(env!("CARGO_MANIFEST_DIR"));
    // As on a terminal.
    let forced = command.env("CLICOLOR_FORCE", "1").output().unwrap();
    let forced = shown(&forced);
    assert!(
        forced.contains("\u{1b}[") && forced.contains("APPROVED\u{1b}[0m under eio"),
        "{forced}"
    );
}

#[test]
fn a_demonstration_takes_no_folder_that_is_not_its_own() {
    let folder = TempDir::new().unwrap();
    let at = text(folder.path());
    fs::write(folder.path().join("comity.toml"), "[gateway]").unwrap();
    let refused = run(&format!("demo --once --data {at}"));
    assert!(refused.starts_with("exit 2\nerror: `"), "{refused}");
    assert!(
        refused.contains("is not empty, and no folder of a demonstration"),
        "{refused}"
    );
    let kept = fs::read_to_string(folder.path().join("comity.toml")).unwrap();
    assert_eq!(kept, "[gateway]");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_demonstration_for_machines_is_an_object_for_each_request() {
    let folder = TempDir::new().unwrap();
    let own = folder.path().join("own");
    let demo = ["demo", "--once", "--json", "--data", text(&own)];
    let output = comity(demo);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let told = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), crate::world::stories("count").len());
    for row in &rows {
        assert_eq!(row["outcome"], row["expected"], "{row}");
        let entry = row["entry"].as_u64().unwrap();
        assert!(
            entry > 0 && row["case"].as_str().unwrap().starts_with("cases/"),
            "{row}"
        );
    }
    // It is taken up again.
    let again = comity(demo);
    assert_eq!(again.status.code(), Some(0), "{}", shown(&again));
}

/// What a plain demonstration tells one to try works as it stands, but for names that
/// earlier answers give.
#[test]
fn what_a_demonstration_leaves_can_be_sent() {
    let folder = TempDir::new().unwrap();
    let demo = Command::new(&*COMMAND)
        .args(["demo", "--data", text(folder.path())])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .spawn();
    let mut demo = Running(demo.unwrap());
    let lines = BufReader::new(demo.0.stdout.take().unwrap()).lines();
    let lines = lines.map(Result::unwrap);
    let lines = lines.take_while(|line| !line.starts_with("the Python call"));
    let commands = lines.filter_map(|line| line.strip_prefix("  comity ").map(str::to_owned));
    let commands: Vec<_> = commands.collect();
    let (mut team, mut case, mut told) = (String::new(), String::new(), Vec::new());
    for command in &commands {
        let command = command.replace('\'', "");
        let command = command
            .replace("teams/ID", &team)
            .replace("cases/ID", &case);
        let said = run(&command);
        let name = |kind: &str| {
            let mut words = said.split(|c: char| !(c.is_alphanumeric() || "/-".contains(c)));
            words.find(|word| word.starts_with(kind)).map(str::to_owned)
        };
        team = name("teams/").unwrap_or(team);
        case = name("cases/").unwrap_or(case);
        told.push((command, said));
    }
    // And so does the form that the README shows.
    let readme = include_str!("../../README.md");
    let form = readme.split("```json\n").nth(1).unwrap();
    let form = form.split("```").next().unwrap();
    let file = folder.path().join("readme.json");
    fs::write(&file, form).unwrap();
    let report = told.last().unwrap().0.clone();
    let own = folder.path().join("transmission.json");
    let report = report.replace(text(&own), text(&file));
    assert!(report.contains("readme.json"), "{report}");
    let said = run(&report);
    told.push((report, said));
    drop(demo);
    let kinds: Vec<_> = commands
        .iter()
        .map(|line| words(line)[..2].join(" "))
        .collect();
    assert_eq!(
        kinds,
        [
            "audit verify",
            "policy decide",
            "request submit",
            "request share",
            "team propose",
            "team join",
            "team share",
            "request list",
            "request report",
        ]
    );
    for (command, said) in &told {
        assert!(said.starts_with("exit 0\n"), "{command}\n{said}");
    }
}

/// A process that ends with the test, however that does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_gateway_is_told_of_all_mistakes_in_its_settings() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("comity.toml");
    let serve = |listen: &str, more: &str| {
        let settings = format!(
            "[gateway]\nlisten = \"{listen}\"\ndata = \"data\"\ntrust_domain = \"comity.example\"\n\
             origin = \"comity.example/ledger\"\n{more}\n[policies]\nfolder = \"policies\"\n\n[tls]\n\
             certificate = \"a.pem\"\nkey = \"a.key\"\nclient_ca = \"ca.pem\"\n"
        );
        fs::write(&file, settings).unwrap();
        run(&format!("serve --config {}", text(&file)))
    };
    let wrong = serve("x", "lisen = 1\n\n[limits]\nin_flight = 0\nquite_s = 1\n");
    let lacking = serve("127.0.0.1:0", "");
    let all = [wrong, lacking].join("\n");
    let mut settings = stable(folder.path());
    settings.add_filter(r#"\{"timestamp".*"#, "[log]");
    settings.bind(|| insta::assert_snapshot!(all));
}
