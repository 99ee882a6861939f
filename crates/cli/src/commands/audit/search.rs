//! `comity audit search`: entries of the ledger by what they say in public, or by a
//! personal value in their records.

use clap::Args;
use comity::v1;
use comity_gateway::{offline::OfflineError, wire::from_proto};

use super::{personal::Personal, source::Source};
use crate::{
    commands::request::print,
    exit::{Exit, Failure},
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Search {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    personal: Personal,
    /// With a person: only those born on this day, for example 1980-02-01
    #[arg(long, value_name = "DAY", requires = "person")]
    born: Option<String>,
    /// What to sort by, for example index, at, kind, actor or state; with ` desc`
    /// the other way round
    #[arg(long, value_name = "NAME", default_value = "index")]
    sort: String,
    /// Entries on a page, at most 500
    #[arg(long, default_value_t = 50)]
    page_size: u16,
    /// Go on where a page ended
    #[arg(long, default_value = "", hide_default_value = true)]
    page_token: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Filter {
    /// Only entries of this kind, for example decision
    #[arg(long)]
    kind: Option<String>,
    /// Only entries by this actor
    #[arg(long)]
    actor: Option<String>,
    /// Only entries of this case
    #[arg(long)]
    case: Option<String>,
    /// Only decisions with this outcome, for example REFUSED
    #[arg(long)]
    outcome: Option<String>,
    /// Only entries by which a case came to this state, for example CONCLUDED
    #[arg(long)]
    state: Option<String>,
    /// Only entries under this instrument
    #[arg(long)]
    instrument: Option<String>,
    /// Only entries with this asking State
    #[arg(long)]
    issuing: Option<String>,
    /// Only entries with this asked State
    #[arg(long)]
    executing: Option<String>,
    /// Only readings of this category, for example disclosure
    #[arg(long)]
    category: Option<String>,
    /// Only entries of this day or moment or later, UTC
    #[arg(long)]
    since: Option<String>,
    /// Only entries before this day or moment, UTC: those of the day itself are none of them
    #[arg(long)]
    until: Option<String>,
}

pub(super) fn run(arguments: Search) -> Result<Exit, Failure> {
    let Search {
        source,
        filter,
        personal,
        born,
        sort,
        page_size,
        page_token,
        json,
    } = arguments;
    let personal = personal.value(born)?;
    let filter = filter.terms()?;
    from_proto::sort(&sort).map_err(|wrong| format!("--sort: {wrong}"))?;
    let page = source.open()?.search(v1::SearchRequest {
        filter,
        personal,
        page_size: page_size.into(),
        page_token,
        order_by: sort,
        ..v1::SearchRequest::default()
    });
    let page = page.map_err(by_option)?;
    print(json, &page, told)?;
    Ok(if page.entries.is_empty() {
        Exit::No
    } else {
        Exit::Done
    })
}

impl Filter {
    /// The filter as the contract writes it.
    fn terms(self) -> Result<String, Failure> {
        let Self {
            kind,
            actor,
            case,
            outcome,
            state,
            instrument,
            issuing,
            executing,
            category,
            since,
            until,
        } = self;
        let upper = |text: Option<String>| text.map(|text| text.to_uppercase());
        let terms = [
            ("kind", kind),
            ("actor", actor),
            ("case", case),
            ("outcome", upper(outcome)),
            ("state", upper(state)),
            ("instrument", instrument),
            ("issuing", issuing),
            ("executing", executing),
            ("category", category),
            ("since", since),
            ("until", until),
        ];
        let given = terms
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let mut terms = Vec::new();
        for (name, value) in given {
            from_proto::term(name, &value).map_err(|wrong| format!("--{name}: {wrong}"))?;
            terms.push(format!("{name}={value}"));
        }
        Ok(terms.join(" AND "))
    }
}

/// What is wrong with a kind, by the option that names it.
fn by_option(error: Failure) -> Failure {
    match error.downcast_ref() {
        Some(OfflineError::Kind(expected)) => format!("--kind: {expected}").into(),
        _ => error,
    }
}

/// A page as a table.
fn told(page: &v1::SearchResponse) -> String {
    if page.entries.is_empty() {
        let remarks = page.remarks.iter().map(|remark| format!("\n  {remark}"));
        return format!("no entry{}", remarks.collect::<String>());
    }
    let mut table = render::table(&["entry", "at", "kind", "says", "by", "case"]);
    render::keep_whole(&mut table, &[0, 1, 2, 5]);
    for entry in &page.entries {
        table.add_row(render::ledger::row(entry));
    }
    let next = match page.next_page_token.as_str() {
        "" => String::new(),
        token => format!("\nmore: --page-token {token}"),
    };
    format!("{table}{next}")
}
