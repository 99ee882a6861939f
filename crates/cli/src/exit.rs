//! Exit codes, and how a failure is told.

use std::{error::Error, process::ExitCode};

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

/// Tells a failure with all its causes on standard error.
#[expect(clippy::print_stderr, reason = "errors of a command belong there")]
pub(crate) fn report(error: &(dyn Error + 'static)) {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because {error}");
        cause = error.source();
    }
}
