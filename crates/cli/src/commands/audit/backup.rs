//! `comity audit backup`: a whole copy of a data folder, also of a gateway at work, verified.

use std::{
    error::Error,
    fmt,
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use comity_evidence::Place;
use comity_gateway::{
    offline::{self, BackupError, KeyApart, keys_apart},
    visible::one_line,
};
use serde_json::{Value, json};

use super::verify::{self, Verified};
use crate::{
    commands::folder::{Folder, Found},
    exit::{Exit, Failure},
    progress::Progress,
};

/// Bytes of a mebibyte.
const MIB: u64 = 1 << 20;

const RESTORE: [&str; 3] = [
    "put the copy in place of the data folder, the keys of its day into it, and see to it with \
     `comity audit verify`; then start the gateway",
    "keys from after an erasure open no copy from before it: make a new one after each erasure \
     and pruning, and destroy the old ones",
    "where witnesses have cosigned more entries than the copy has, the gateway takes requests and \
     signs nothing until the later entries are restored; without witnesses nobody notices",
];

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// New folder
    out: PathBuf,
    #[command(flatten)]
    folder: Folder,
    /// Leave out the bytes of evidence, of which there may be much
    #[arg(long)]
    skip_evidence: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Where the copy goes.
struct Target {
    /// The folder, which is not there or is empty.
    path: PathBuf,
    /// The one that it is in.
    parent: PathBuf,
    /// What the names of copies begin with that are not whole.
    prefix: String,
}

/// Why there is no backup.
#[derive(Debug)]
struct NotMade(BackupError);

pub(super) fn run(arguments: &Backup) -> Result<Exit, Failure> {
    let Backup {
        out,
        folder,
        skip_evidence,
        json,
    } = arguments;
    let Found { data, token: _ } = folder.find()?;
    let data = data.canonicalize()?;
    demand_readable(&data.join("comity.db"))?;
    let place = folder.evidence(&data)?;
    let target = Target::at(out)?;
    target.demand_outside(&data)?;
    if let Place::Folder(folder) = &place {
        target.demand_outside(folder)?;
    }
    let leftovers = target.leftovers()?;
    let staged = tempfile::Builder::new()
        .prefix(&target.prefix)
        .tempdir_in(&target.parent)
        .map_err(|error| {
            let parent = target.parent.display();
            format!("cannot make a folder in `{parent}`: {error}; name a place that can be written")
        })?;
    let wanted = (!skip_evidence).then_some(&place);
    let mut progress = Progress::new("MiB of evidence copied", 0);
    let made = offline::backup((&data, wanted), staged.path(), &mut |done, total| {
        progress.reach_of(done / MIB, total.div_ceil(MIB));
    });
    drop(progress);
    let made = made.map_err(NotMade)?;
    let copied = match wanted {
        Some(Place::Folder(_)) => Some(Place::in_data(staged.path())),
        other => other.cloned(),
    };
    let verified = verify::copy(staged.path(), copied.as_ref()).map_err(|flaw| {
        let options = folder.options();
        format!(
            "the copy is not in order, and nothing is left of it: {flaw}; `comity audit \
             verify{options}` says whether the data folder is"
        )
    })?;
    target.take(staged)?;
    let told = Told {
        out: &target.path,
        made,
        verified,
        evidence: remark(&data, wanted),
        keys: keys(folder, &data)?,
        leftovers,
    };
    match json {
        true => println!("{}", told.machine()),
        false => told.print(),
    }
    Ok(Exit::Done)
}

fn demand_readable(database: &Path) -> Result<(), Failure> {
    match File::open(database) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "cannot read `{}`: {error}; run it as the user that the gateway runs as",
            database.display()
        )
        .into()),
    }
}

impl Target {
    fn at(out: &Path) -> Result<Self, Failure> {
        let shown = out.display();
        let remedy = "name a new folder";
        let path = match out.canonicalize() {
            Ok(path) => path,
            Err(_) => {
                let name = out.file_name().ok_or(format!("`{shown}`: {remedy}"))?;
                let parent = out
                    .parent()
                    .filter(|parent| !parent.as_os_str().is_empty())
                    .unwrap_or(Path::new("."));
                let parent = parent.canonicalize().map_err(|error| {
                    let parent = parent.display();
                    format!("cannot make `{shown}`: `{parent}`: {error}; make that folder first")
                })?;
                parent.join(name)
            }
        };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(format!("`{shown}`: {remedy}").into());
        };
        if path.exists() {
            let unread = |error| format!("cannot read `{shown}`: {error}; {remedy}");
            if fs::read_dir(&path).map_err(unread)?.next().is_some() {
                return Err(format!("`{shown}` is not empty: {remedy}").into());
            }
            // What is made beside it would be on another disk.
            if path.metadata()?.dev() != parent.metadata()?.dev() {
                return Err(format!("a disk is mounted at `{shown}`: {remedy} in it").into());
            }
        }
        Ok(Self {
            prefix: format!(".{}.part-", name.to_string_lossy()),
            parent: parent.to_owned(),
            path,
        })
    }

    fn demand_outside(&self, folder: &Path) -> Result<(), Failure> {
        let outside = folder
            .canonicalize()
            .map_or(true, |folder| !self.path.starts_with(folder));
        match outside {
            true => Ok(()),
            false => Err(format!(
                "`{}` is inside `{}`, which is to be copied: name a folder outside of it, on another \
                 disk at best",
                self.path.display(),
                folder.display()
            )
            .into()),
        }
    }

    /// What is left of copies that were cut short.
    fn leftovers(&self) -> Result<Vec<PathBuf>, Failure> {
        let unread = |error| format!("cannot read `{}`: {error}", self.parent.display());
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.parent).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(&self.prefix)
            {
                found.push(entry.path());
            }
        }
        Ok(found)
    }

    /// Gives a copy that is whole, and on the disk, its name.
    fn take(&self, staged: tempfile::TempDir) -> Result<(), Failure> {
        let renamed = fs::rename(staged.path(), &self.path);
        renamed.map_err(|error| {
            let path = self.path.display();
            format!("cannot make `{path}`: {error}; nothing is left of the copy")
        })?;
        // It is not there under its old name any more.
        drop(staged.keep());
        Ok(File::open(&self.parent)?.sync_all()?)
    }
}

/// The keys to be kept apart, with those that the settings name.
fn keys(folder: &Folder, data: &Path) -> Result<Vec<KeyApart>, Failure> {
    let mut keys = keys_apart(data);
    if let Some(config) = folder.config()? {
        keys.push(KeyApart {
            path: config.tls.key,
            needed_for: "is the gateway's own in TLS",
        });
        keys.extend(config.keys.map(|token| KeyApart {
            path: token.pin_file,
            needed_for: "opens the token, which is needed too: without it no record opens",
        }));
    }
    Ok(keys)
}

/// Says where evidence is that is not in its usual place in the copy.
fn remark(data: &Path, place: Option<&Place>) -> Option<String> {
    match place {
        None => Some(
            "WITHOUT EVIDENCE, as --skip-evidence says: copy `evidence/items` by other means"
                .to_owned(),
        ),
        Some(Place::Url(url)) => Some(format!(
            "WITHOUT EVIDENCE, which is in the object store `{url}`: back that up by its own means"
        )),
        Some(place) if *place == Place::in_data(data) => None,
        Some(Place::Folder(folder)) => Some(format!(
            "evidence is in `evidence/items` of it, and goes back to `{}`",
            folder.display()
        )),
    }
}

/// What is told of a backup.
struct Told<'a> {
    out: &'a Path,
    made: offline::Backup,
    verified: Verified,
    evidence: Option<String>,
    keys: Vec<KeyApart>,
    leftovers: Vec<PathBuf>,
}

impl Told<'_> {
    fn machine(&self) -> Value {
        // Paths need not be Unicode, and JSON is.
        let text = |path: &Path| path.display().to_string();
        let keys = self.keys.iter();
        let keys = keys.map(|key| json!({"path": text(&key.path), "needed_for": key.needed_for}));
        let keys: Vec<_> = keys.collect();
        let leftovers: Vec<_> = self.leftovers.iter().map(|path| text(path)).collect();
        json!({
            "backup": text(self.out), "files": self.made.files, "bytes": self.made.bytes,
            "verified": self.verified.1, "evidence": self.evidence, "keys_apart": keys,
            "restore": RESTORE, "leftovers": leftovers,
        })
    }

    fn print(&self) {
        let offline::Backup { files, bytes } = self.made;
        println!("backup: {}", self.out.display());
        println!("  {files} files, {bytes} bytes");
        if let Some(evidence) = &self.evidence {
            println!("  {evidence}");
        }
        println!("{}", self.verified.text());
        println!("keys are not in it; keep them apart from it, as whoever has both reads all:");
        for KeyApart { path, needed_for } in &self.keys {
            println!("  {}: {needed_for}", path.display());
        }
        println!("to restore:");
        for step in RESTORE {
            println!("  {step}");
        }
        for leftover in &self.leftovers {
            println!(
                "left by a backup that was cut short, or is under way; remove it: {}",
                one_line(&leftover.display().to_string())
            );
        }
    }
}

impl fmt::Display for NotMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no backup was made, and nothing is left of it")
    }
}

impl Error for NotMade {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
