//! Lines of a page: indented, and broken before they grow too long to read.

use crate::phrases::Tongue;

/// Longest line, in characters.
const WIDTH: usize = 100;
/// Further indent of a line that continues the one above.
const HANG: usize = 2;

/// A page as it is written.
pub(super) struct Sheet {
    text: String,
    tongue: Tongue,
}

impl Sheet {
    pub(super) fn new(tongue: Tongue) -> Self {
        Self {
            text: String::new(),
            tongue,
        }
    }

    pub(super) fn tongue(&self) -> Tongue {
        self.tongue
    }

    /// A line, continued below itself where it is long.
    pub(super) fn line(&mut self, indent: usize, text: &str) {
        let mut line = " ".repeat(indent);
        let mut empty = true;
        for word in text.split_whitespace() {
            let length = line.chars().count();
            if !empty && length + 1 + word.chars().count() > WIDTH {
                self.text.push_str(&line);
                self.text.push('\n');
                line = " ".repeat(indent + HANG);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.text.push('\n');
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}
