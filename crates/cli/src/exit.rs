//! Exit codes, and how a failure is told.

use std::{
    any::Any,
    error::Error,
    fmt::Display,
    iter,
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
};

use comity_gateway::visible;
use serde_json::{Value, json};

/// What a command comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done, and the answer is yes.
    Done,
    /// 1: done, and the answer is no: refused, incomplete, referred, not verified.
    No,
    /// 2: misuse or failure.
    Failure,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::from(0),
            Exit::No => Self::from(1),
            Exit::Failure => Self::from(2),
        }
    }
}

/// Why a command failed; its causes are told below it.
pub(crate) type Failure = Box<dyn Error>;

/// The exit code where whoever reads what is printed has gone, as `head` does: that of a
/// process that a closed pipe ends (128 and SIGPIPE). That is no failure, and not yet an
/// answer either.
const UNREAD: u8 = 128 + 13;

/// Runs a command. Where whoever reads what it prints has gone it ends there, quietly.
pub(crate) fn quietly(command: impl FnOnce() -> ExitCode) -> ExitCode {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !is_without_reader(panic.payload()) {
            tell(panic);
        }
    }));
    match panic::catch_unwind(AssertUnwindSafe(command)) {
        Ok(code) => code,
        Err(payload) if is_without_reader(&*payload) => UNREAD.into(),
        Err(payload) => panic::resume_unwind(payload),
    }
}

/// `println!` has only a panic to say that its text cannot be written.
fn is_without_reader(payload: &(dyn Any + Send)) -> bool {
    let text = payload.downcast_ref::<String>();
    text.is_some_and(|text| {
        text.starts_with("failed printing to stdout") && text.contains("Broken pipe")
    })
}

/// Says why the answer is no where there is nothing to print, on standard error: what
/// reads standard output reads results alone; in JSON where that is asked for.
#[expect(clippy::print_stderr, reason = "it is no result")]
pub(crate) fn no(why: impl Display) -> Exit {
    match is_for_machines() {
        true => println!("{}", as_json(Failure::from(why.to_string()).as_ref())),
        false => eprintln!("{}", visible::lines(&why.to_string())),
    }
    Exit::No
}

/// Whether JSON is asked for, whatever command it is: those that print it fail in it too.
pub(crate) fn is_for_machines() -> bool {
    std::env::args_os().any(|argument| argument == "--json")
}

/// A mistake in the arguments as a failure: the first paragraph of what is told of it.
pub(crate) fn mistake(error: &clap::Error) -> Failure {
    let told = error.render().to_string();
    let told = told.lines().take_while(|line| !line.trim().is_empty());
    let words: Vec<_> = told.flat_map(str::split_whitespace).collect();
    let told = words.join(" ");
    told.strip_prefix("error: ").unwrap_or(&told).into()
}

/// A failure with all its causes for machines, one line.
pub(crate) fn as_json(error: &(dyn Error + 'static)) -> Value {
    let causes = iter::successors(error.source(), |error| (*error).source());
    let because: Vec<_> = causes.map(ToString::to_string).collect();
    json!({"error": error.to_string(), "because": because})
}

/// Tells a failure with all its causes on standard error. Some of it may be the words of
/// others: a server's, or a file's.
#[expect(clippy::print_stderr, reason = "errors of a command belong there")]
pub(crate) fn report(error: &(dyn Error + 'static)) {
    eprintln!("error: {}", visible::lines(&error.to_string()));
    let causes = iter::successors(error.source(), |error| (*error).source());
    for cause in causes {
        eprintln!("  because {}", visible::lines(&cause.to_string()));
    }
}
