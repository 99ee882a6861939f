//! What lies beside the store: policy bundles and evidence, which entries name, and keys.
//! Verified is that they are there, and as the entries say; what is there besides is told.

mod keys;

use std::path::Path;

use comity_domain::Digest;
use comity_evidence::{Announced, ItemId, KEY_FILE, Place, Stock, Unsound};
use comity_ledger::Hash;
use comity_store::{Flaw, Item, Items, ReadError, Report};

use crate::{
    causes::told,
    policies::{KeptError, kept_files},
};

/// The published ledger.
pub(crate) const LEDGER: &str = "ledger";

const LAW: &str = "decisions cannot be made again by the law of their day";
const GONE: &str = "evidence on record is gone";
const ALTERED: &str = "evidence was changed outside the gateway";
const ELSEWHERE: &str = "evidence on record is gone; where it is kept elsewhere, name the \
     gateway's settings with --config, or leave evidence out with --skip-evidence";
const WRONG_KEY: &str = "it is not the key that evidence was stored under, or was changed";
const UNREADABLE: &str = "the database cannot be relied on";

/// What was found in order beside the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intact {
    /// Policy bundles that entries name, each kept as it was.
    pub bundles: u64,
    /// What was found of evidence.
    pub evidence: Evidence,
    /// Keys that are missing, as they may be in a copy.
    pub without: Vec<&'static str>,
    /// Paths of what lies in the folders of ledger and evidence and is none of them; ascending.
    pub strangers: Vec<String>,
}

/// How far evidence was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Each item that is on record, and was not erased, is there; and where `opened`, its
    /// bytes are those whose SHA-256 the entry names. Else `evidence.key` is missing, and
    /// its pieces are as long as they were stored.
    Whole {
        /// Items.
        items: u64,
        /// Bytes of all of them.
        bytes: u64,
        /// They were opened.
        opened: bool,
    },
    /// It lies in an object store, which was not asked.
    In(String),
    /// It was left out, as asked.
    LeftOut,
}

/// Verifies what lies beside a store of which a report was made: kept policy bundles against
/// the digests that entries name, and items of evidence against the entries that they are
/// stored. The segments of these lie in `place`, and in the data folder where none is named;
/// `place` is `None` where evidence is to be left out. `watch` is told how many bytes of
/// evidence were looked at of how many. In a gateway's `own` folder, as its settings name it,
/// no key may be missing.
///
/// # Errors
/// The first [`Flaw`] found, with its place relative to `data` where it is in it.
pub fn verify_beside(
    (data, own): (&Path, bool),
    report: &Report,
    place: Option<&Place>,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<Intact, Flaw> {
    let without = keys::verify(data, report, own)?;
    for (bundle, entry) in &report.bundles {
        verify_bundle(data, *bundle).map_err(|flaw| flaw.entry(*entry))?;
    }
    let evidence = match place {
        Some(Place::Folder(folder)) => verify_evidence(data, folder, watch)?,
        Some(Place::Url(url)) => Evidence::In(url.clone()),
        None => Evidence::LeftOut,
    };
    Ok(Intact {
        bundles: report.bundles.len() as u64,
        evidence,
        without,
        strangers: strangers(data, place)?,
    })
}

/// See [`Intact::strangers`].
fn strangers(data: &Path, place: Option<&Place>) -> Result<Vec<String>, Flaw> {
    let unlisted = |folder: &'static str| {
        move |error: std::io::Error| {
            Flaw::of(folder, format!("cannot be read: {error}"), UNREADABLE)
        }
    };
    let ledger = data.join(LEDGER);
    let mut store = on_record(data)?;
    let mut list = || {
        let entries = store.entries().map_err(unread)?;
        comity_ledger::strangers(&ledger, entries).map_err(unlisted(LEDGER))
    };
    let mut found = list()?;
    if !found.is_empty() {
        // A gateway at work may have published more than there was before the list was made.
        let still = list()?;
        found.retain(|path| still.contains(path));
    }
    let mut found: Vec<_> = found
        .iter()
        .map(|path| format!("{LEDGER}/{path}"))
        .collect();
    if let Some(Place::Folder(folder)) = place {
        let stock = Stock::at(data, folder);
        let stock = stock.map_err(|error| Flaw::of(KEY_FILE, told(&error), GONE))?;
        let of_stock = stock.strangers().map_err(unlisted("evidence"))?;
        found.extend(of_stock.iter().map(|path| within(data, path)));
    }
    found.sort_unstable();
    Ok(found)
}

fn verify_bundle(data: &Path, bundle: Hash) -> Result<(), Flaw> {
    let what = match kept_files(data, Digest(bundle.0)) {
        Ok(_) => return Ok(()),
        Err(KeptError::Missing(_)) => "the policy bundle that the entry names is missing".into(),
        Err(KeptError::Altered { found, .. }) => {
            format!("the policy bundle that the entry names was changed: it is {found} now")
        }
        Err(KeptError::Broken { report, .. }) => match report.diagnostics().first() {
            Some(first) => format!(
                "the policy bundle was changed: `{}`: {}",
                first.path, first.message
            ),
            None => "the policy bundle cannot be read".into(),
        },
        Err(error @ KeptError::Failed(_)) => error.to_string(),
    };
    Err(Flaw::of(&format!("bundles/{bundle}"), what, LAW))
}

fn verify_evidence(
    data: &Path,
    folder: &Path,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<Evidence, Flaw> {
    let stock = Stock::at(data, folder).map_err(|error| Flaw::of(KEY_FILE, told(&error), GONE))?;
    let (mut items, mut bytes) = (0, 0);
    for item in on_record(data)? {
        let item = item.map_err(unread)?;
        if items == 0
            && let Some(missing) = stock.missing()
        {
            let meaning = if missing == folder { ELSEWHERE } else { GONE };
            return Err(Flaw::of(&within(data, missing), "is missing", meaning).entry(item.entry));
        }
        items += 1;
        bytes += item.evidence.size;
    }
    let mut again = on_record(data)?;
    let (mut before, mut opened) = (0, false);
    for item in on_record(data)? {
        let item = item.map_err(unread)?;
        let check = || {
            let mut done = before;
            let read = &mut |length| {
                done += length;
                watch(done, bytes);
            };
            stock.check(&id(&item), announced(&item), read)
        };
        if let Err(unsound) = settled(check, || again.stands(&item))? {
            if unsound.is_key && !opened && !any_opens(data, &stock)? {
                let what = format!("opens none of the items on record: {items}");
                return Err(Flaw::of(KEY_FILE, what, WRONG_KEY));
            }
            let Unsound { path, what, .. } = unsound;
            return Err(Flaw::of(&within(data, &path), what, ALTERED).entry(item.entry));
        }
        before += item.evidence.size;
        opened = stock.has_key();
    }
    Ok(Evidence::Whole {
        items,
        bytes,
        opened: stock.has_key(),
    })
}

/// What is wrong with an item, if it still is at a second look and the item is on record: a
/// gateway at work may move or erase it meanwhile.
fn settled(
    mut check: impl FnMut() -> Result<(), Unsound>,
    stands: impl FnOnce() -> Result<bool, ReadError>,
) -> Result<Result<(), Unsound>, Flaw> {
    match check() {
        Ok(()) => Ok(Ok(())),
        Err(_) if stands().map_err(unread)? => Ok(check()),
        Err(_) => Ok(Ok(())),
    }
}

/// Whether the key of the gateway opens any item on record.
fn any_opens(data: &Path, stock: &Stock) -> Result<bool, Flaw> {
    for item in on_record(data)? {
        if stock.opens(&id(&item.map_err(unread)?)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn on_record(data: &Path) -> Result<Items, Flaw> {
    Items::open(data).map_err(unread)
}

pub(crate) fn id(item: &Item) -> ItemId {
    ItemId {
        case: item.case.clone(),
        sha256: Digest(item.evidence.sha256.0),
    }
}

fn announced(item: &Item) -> Announced<'_> {
    Announced {
        size: item.evidence.size,
        media_type: &item.evidence.media_type,
        sealed: item.evidence.sealed,
    }
}

/// A path as flaws name it.
pub(crate) fn within(data: &Path, path: &Path) -> String {
    let path = path.strip_prefix(data).unwrap_or(path);
    path.display().to_string()
}

fn unread(error: ReadError) -> Flaw {
    Flaw::of("comity.db", format!("cannot be read: {error}"), UNREADABLE)
}
