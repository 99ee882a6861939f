//! How far a long command has come, on a terminal's standard error.

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::{Duration, Instant},
};

/// Between two looks at it.
const EVERY: Duration = Duration::from_millis(100);
/// Marks of a full bar.
const WIDTH: u64 = 30;

/// A line that is drawn anew as work goes on, and gone when it is done. Nothing
/// is drawn where nobody watches.
pub(crate) struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    drawn: Option<Instant>,
}

impl Progress {
    /// `what` in the plural.
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        let drawn = stderr().is_terminal().then(Instant::now);
        Self {
            what,
            total,
            done: 0,
            drawn,
        }
    }

    /// One more is done.
    pub(crate) fn step(&mut self) {
        self.reach(self.done + 1);
    }

    /// So many are done of so many: how many there are shows on the way.
    pub(crate) fn reach_of(&mut self, done: u64, total: u64) {
        self.total = total;
        self.reach(done);
    }

    /// So many are done.
    pub(crate) fn reach(&mut self, done: u64) {
        self.done = done;
        if self.drawn.is_some_and(|drawn| drawn.elapsed() >= EVERY) {
            self.draw(&self.line());
            self.drawn = Some(Instant::now());
        }
    }

    fn line(&self) -> String {
        let Self {
            what, total, done, ..
        } = self;
        let full = (done * WIDTH)
            .checked_div(*total)
            .unwrap_or(WIDTH)
            .min(WIDTH);
        let bar: String = (0..WIDTH)
            .map(|at| if at < full { '█' } else { '·' })
            .collect();
        format!("{bar} {done} of {total} {what}")
    }

    fn draw(&self, line: &str) {
        // What only informs may fail to be drawn.
        let _ = write!(stderr(), "\r\x1b[2K{line}");
        let _ = stderr().flush();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            self.draw("");
        }
    }
}
