//! `comity policy fmt`: policy files in their usual shape.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;

use crate::{
    commands::{library, tell},
    exit::{Exit, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    /// Change nothing; say what would be changed, and answer no where anything would
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Fmt) -> Result<Exit, Failure> {
    library::demand(&arguments.policies)?;
    let mut files = Vec::new();
    yaml(&arguments.policies, &mut files)?;
    let mut changed = Vec::new();
    for file in &files {
        let text =
            fs::read(file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
        let shown = file.display().to_string();
        let formatted = comity_policy::format(&shown, &text)?;
        if formatted.as_bytes() == text {
            continue;
        }
        if !arguments.check {
            fs::write(file, formatted)
                .map_err(|error| format!("cannot write `{shown}`: {error}"))?;
        }
        changed.push(shown);
    }
    let done = if arguments.check {
        "to be formatted"
    } else {
        "formatted"
    };
    let value = json!({"files": files.len(), "changed": changed, "written": !arguments.check});
    tell(arguments.json, &value, || {
        let shown: String = changed.iter().map(|file| format!("{file}\n")).collect();
        format!("{shown}{} of {} files {done}", changed.len(), files.len())
    });
    let denied = arguments.check && !changed.is_empty();
    Ok(if denied { Exit::No } else { Exit::Done })
}

/// Every YAML file below a folder, sorted.
fn yaml(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            yaml(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            found.push(path);
        }
    }
    Ok(())
}
