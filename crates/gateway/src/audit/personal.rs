//! Searching by a personal value: by those whom their State's directory entitles, in
//! matters of their own State.

use comity::v1::{self, SearchResponse};
use comity_store::{ReadError, Search, Term};

use super::{access, entry};
use crate::{
    gateway::Gateway, identity::Caller, personal, record, refusal::Refusal, wire::from_proto,
};

/// Finds the entries that hold a value. Searched first and recorded then: the record
/// says how many were found, none where the search failed, and nothing of what was looked
/// for but its kind. Nothing is shown that is not on record.
pub(super) async fn search(
    gateway: &Gateway,
    caller: &Caller,
    stated: v1::Access,
    asked: from_proto::Asked<'_>,
    value: v1::PersonalValue,
) -> Result<SearchResponse, Refusal> {
    let checked = access::checked(gateway, caller, access::SEARCH_PERSONAL, stated, || {
        entitled(gateway, caller)?;
        let mut asked = from_proto::search_personal(asked, &value)?;
        asked.search.involving = Some(caller.jurisdiction.clone());
        Ok(asked)
    });
    let order_by = asked.order_by;
    let (stated, asked) = checked.await?;
    let from_proto::Personal {
        search,
        terms,
        subject,
    } = asked;
    let found = look(gateway, search, terms).await;
    let shown = found.as_ref().map_or(0, |found| found.entries.len());
    let access = v1::Access {
        subject: subject.clone(),
        found: shown as u64,
        ..stated
    };
    // A search that fails is one that was tried.
    access::on_record(gateway, caller, &access).await?;
    let found = found?;
    Ok(SearchResponse {
        entries: found.entries.into_iter().map(entry).collect(),
        next_page_token: from_proto::token(found.next, &subject, order_by),
        remarks: Vec::new(),
    })
}

/// The directory of the caller's State says that its authority may.
fn entitled(gateway: &Gateway, caller: &Caller) -> Result<(), Refusal> {
    let policies = gateway.policies();
    if policies.may_search_persons(&caller.jurisdiction, &caller.authority) {
        return Ok(());
    }
    Err(Refusal::NotCompetent(
        "the directory of its State does not let its authority search by personal values \
         (`may_search_persons` in `authorities.yaml`)",
    ))
}

async fn look(
    gateway: &Gateway,
    search: Search,
    terms: Vec<Term>,
) -> Result<comity_store::Found, Refusal> {
    let found = gateway
        .store()
        .search_personal(search, terms, personal::OF_RECORDS);
    found.await.map_err(|error| match error {
        ReadError::Unindexed => Refusal::Unavailable {
            what: "the index of personal values, which is not complete,",
            retry_after: record::RETRY_AFTER,
        },
        ReadError::OtherSearch => Refusal::Malformed(vec![from_proto::foreign_token()]),
        error @ (ReadError::Database(_)
        | ReadError::Damaged { .. }
        | ReadError::Proof(_)
        | ReadError::Closed) => record::unavailable(error),
    })
}
