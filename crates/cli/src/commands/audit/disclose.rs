//! `comity audit disclose`: single fields of a record, with what proves them.

use std::{io::Write as _, path::PathBuf};

use clap::Args;
use comity::v1;
use comity_gateway::{
    offline::{DiscloseError, Opened, check, entry_in},
    visible::one_line,
};
use serde_json::{Value, json};

use super::{
    bundle,
    source::{Source, UNSIGNED},
};
use crate::exit::{Exit, Failure, no};

#[derive(Debug, Args)]
pub(crate) struct Disclose {
    /// Index of the entry
    index: u64,
    /// Path of a field to show, as `--list` has it; may be given several times
    #[arg(long, value_name = "PATH", required_unless_present = "list")]
    field: Vec<String>,
    /// New file to write them to with their proof
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    out: Option<PathBuf>,
    /// List the fields of the entry with their values; nothing is written
    #[arg(long, conflicts_with_all = ["field", "out"])]
    list: bool,
    /// Case bundle (folder or zip file) that holds the entry, in place of a ledger
    #[arg(long, value_name = "PATH", conflicts_with_all = ["data", "config"])]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Disclose) -> Result<Exit, Failure> {
    let Disclose {
        index,
        field,
        out,
        list,
        bundle,
        source,
        json,
    } = arguments;
    let found = match bundle {
        Some(path) => {
            let files = bundle::read(&path)?;
            // Nothing is handed on that would not be believed.
            check(&files, None)?;
            entry_in(&files, index)
        }
        None => from_ledger(index, source, !list)?,
    };
    let Some((found, proof)) = found else {
        return Ok(no(format_args!("there is no entry {index}")));
    };
    let opened = match Opened::open(&found) {
        Ok(opened) => opened,
        Err(
            error
            @ (DiscloseError::Erased(_) | DiscloseError::Nothing(_) | DiscloseError::Whole(_)),
        ) => return Ok(no(error)),
        Err(error) => return Err(error.into()),
    };
    let Some(out) = out.filter(|_| !list) else {
        tell(&opened, json);
        return Ok(Exit::Done);
    };
    if proof.is_empty() {
        return Ok(no(UNSIGNED));
    }
    let disclosure = opened.disclose(&field, &proof)?;
    bundle::create(&out)?.write_all(disclosure.to_text().as_bytes())?;
    let paths: Vec<_> = disclosure.fields.iter().map(|field| &field.path).collect();
    if json {
        let out = out.display().to_string();
        println!("{}", json!({"entry": index, "out": out, "fields": paths}));
    } else {
        let shown = out.display();
        println!(
            "{shown}: {} of entry {index} of the ledger",
            fields(paths.len())
        );
        for path in paths {
            println!("  {}", one_line(path));
        }
        println!("  it says nothing of other fields but roughly how many there are");
        println!("  `comity audit verify {shown} --key KEY` checks it");
    }
    Ok(Exit::Done)
}

/// The entry with its record, and its proof where it is needed.
fn from_ledger(
    index: u64,
    source: Source,
    proven: bool,
) -> Result<Option<(v1::GetRecordResponse, String)>, Failure> {
    let mut ledger = source.open()?;
    let Some(found) = ledger.record(index)? else {
        return Ok(None);
    };
    let proved = match proven {
        true => ledger.prove(index)?.unwrap_or_default(),
        false => v1::ProveResponse::default(),
    };
    Ok(Some((found, proved.tlog_proof)))
}

/// Lists all of them: names of fields on a form are the words of who filled it in, as values are.
fn tell(opened: &Opened, json: bool) {
    if json {
        let field = |(path, value): (&str, Value)| json!({"path": path, "value": value});
        let fields: Vec<_> = opened.list().map(field).collect();
        println!("{}", json!({"fields": fields}));
        return;
    }
    for (path, value) in opened.list() {
        println!("{}", one_line(&format!("{path}: {value}")));
    }
}

/// How many fields, in words.
pub(super) fn fields(count: usize) -> String {
    match count {
        1 => "1 field".to_owned(),
        count => format!("{count} fields"),
    }
}
