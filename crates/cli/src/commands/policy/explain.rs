//! `comity policy explain`: a decision with its whole reasoning in words.

use std::{fmt::Write as _, path::PathBuf};

use anstyle::{AnsiColor, Style};
use clap::Args;
use comity::v1::ExplainResponse;
use comity_gateway::{
    visible::{self, one_line},
    wire::{json, to_proto},
};
use comity_policy::{Explanation, Paragraph, Point, Section, Tone};
use jiff::Timestamp;

use super::question::Manner;
use crate::{
    commands::{library, request},
    exit::{Exit, Failure},
};

/// Longest line, in characters: longer ones are hard to read.
const WIDTH: usize = 100;

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The request in the contract's JSON mapping; `-` reads it from standard input
    #[arg(required_unless_present = "scenario", conflicts_with = "scenario")]
    request: Option<PathBuf>,
    /// Explain a scenario beside a module instead, such as `eio:S01`
    #[arg(long, value_name = "MODULE:ID", conflicts_with = "at")]
    scenario: Option<String>,
    #[command(flatten)]
    manner: Manner,
}

pub(super) fn run(arguments: Explain) -> Result<Exit, Failure> {
    let Explain {
        request: file,
        scenario,
        manner,
    } = arguments;
    let as_json = manner.json;
    let explanation = match (scenario, file) {
        (Some(name), _) => {
            let library = library::load(&manner.policies)?;
            library::demand_language(&library, &manner.language)?;
            library.explain_scenario(&name, &manner.language)?
        }
        (None, file) => {
            let ready = manner.ready(&file.unwrap_or_default())?;
            ready.library.explain(&ready.question())
        }
    };
    let decision = to_proto::decision(&explanation.decision, "", Timestamp::now());
    let exit = request::exit(&decision);
    if as_json {
        let answer = ExplainResponse {
            decision: Some(decision),
            paragraphs: explanation.paragraphs(),
        };
        println!("{}", json::print(&answer)?);
    } else {
        anstream::println!("{}", words(&explanation).trim_end());
    }
    Ok(exit)
}

/// The explanation for a terminal.
fn words(explanation: &Explanation) -> String {
    let mut text = String::new();
    for Section { title, paragraphs } in &explanation.sections {
        let bold = Style::new().bold().underline();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{bold}{}{bold:#}\n", one_line(title));
        for part in paragraphs {
            paragraph(&mut text, part);
        }
        if !text.ends_with("\n\n") {
            text.push('\n');
        }
    }
    text
}

fn paragraph(text: &mut String, paragraph: &Paragraph) {
    let Paragraph {
        tone,
        text: words,
        points,
    } = paragraph;
    let (sign, style) = sign(*tone);
    if *tone != Tone::Plain && !text.ends_with("\n\n") {
        text.push('\n');
    }
    if !words.is_empty() {
        let _ = write!(text, "  {style}{sign}{style:#} ");
        wrap(text, words, "    ", style);
    }
    for Point {
        text: words,
        expression,
    } in points
    {
        text.push_str("      – ");
        wrap(text, words, "        ", Style::new());
        if let Some(expression) = expression {
            text.push_str("        ");
            wrap(text, expression, "        ", Style::new().dimmed());
        }
    }
    if !points.is_empty() {
        text.push('\n');
    }
}

fn sign(tone: Tone) -> (char, Style) {
    let colored = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
    match tone {
        Tone::Plain => (' ', Style::new()),
        Tone::For => ('✓', colored(AnsiColor::Green)),
        Tone::Against => ('✗', colored(AnsiColor::Red)),
        Tone::Open => ('?', colored(AnsiColor::Yellow)),
        Tone::Lifted => ('○', Style::new().dimmed()),
        Tone::Binding => ('→', colored(AnsiColor::Cyan)),
    }
}

/// Words in lines of bearable length; `margin` stands before all but the first,
/// which begins where the text ends.
fn wrap(text: &mut String, words: &str, margin: &str, style: Style) {
    let mut column = margin.chars().count();
    let _ = write!(text, "{style}");
    for (index, word) in words.split(' ').map(visible::lines).enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > WIDTH {
            let _ = write!(text, "\n{margin}");
            column = margin.chars().count();
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(&word);
        column += length;
    }
    let _ = writeln!(text, "{style:#}");
}
