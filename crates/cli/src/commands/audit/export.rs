//! `comity audit export`: a case to be handed out.

use std::path::PathBuf;

use clap::Args;
use comity_domain::CaseId;
use comity_gateway::offline::check;
use serde_json::json;

use super::{
    bundle,
    source::{Source, case},
};
use crate::exit::{Exit, Failure, no};

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The case, `cases/<id>`
    #[arg(value_parser = case)]
    case: CaseId,
    /// New folder, or new file that ends in `.zip`
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    source: Source,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Export) -> Result<Exit, Failure> {
    let Export {
        case,
        out,
        source,
        json,
    } = arguments;
    let Some(files) = source.open()?.export(&case)? else {
        return Ok(no(format_args!("there is no case {case}")));
    };
    // Nothing is handed out that would not be believed.
    let checked = check(&files, None)?;
    bundle::write(&out, &files)?;
    let bytes: usize = files.values().map(Vec::len).sum();
    let (count, shown) = (files.len(), out.display());
    if json {
        let told = json!({
            "case": format!("cases/{case}"), "out": shown.to_string(), "files": count, "bytes": bytes,
            "entries": checked.entries, "erased": checked.erased,
            "without_pdf": checked.without_pdf,
            "key": checked.key.to_string(),
        });
        println!("{told}");
    } else {
        println!(
            "{shown}: {count} files, {} entries of the ledger",
            checked.entries.len()
        );
        if checked.erased > 0 {
            println!("  the records of {} of them were erased", checked.erased);
        }
        if let Some(why) = &checked.without_pdf {
            println!("  {}", bundle::without_pdf(why));
        }
        match checked.personal {
            true => println!("  it holds personal data; `verify.txt` in it says how to check it"),
            false => println!("  `verify.txt` in it says how to check it"),
        }
        println!("  `comity audit verify {shown}` checks it");
    }
    Ok(Exit::Done)
}
