//! Searching by a personal value: by those whom their State's directory entitles, in
//! matters of their own State.

use comity::v1::{self, SearchRequest, SearchResponse};
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
    message: SearchRequest,
    value: v1::PersonalValue,
) -> Result<SearchResponse, Refusal> {
    let SearchRequest {
        filter,
        page_size,
        page_token,
        purpose,
        order_by,
        category,
        recipient,
        personal: _,
    } = message;
    let stated = v1::Access {
        category,
        purpose,
        recipient,
        ..v1::Access::default()
    };
    let checked = access::checked(gateway, caller, access::SEARCH_PERSONAL, stated, || {
        entitled(gateway, caller)?;
        let (search, terms) = from_proto::search_personal(
            from_proto::Asked {
                filter: &filter,
                order_by: &order_by,
                page_size,
                page_token: &page_token,
            },
            &value,
        )?;
        let involving = Some(caller.jurisdiction.clone());
        Ok((
            Search {
                involving,
                ..search
            },
            terms,
        ))
    });
    let (stated, (search, terms)) = checked.await?;
    let subject = from_proto::searched(from_proto::kind_of(&terms), &filter);
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
        next_page_token: from_proto::token(found.next, &subject, &order_by),
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
        error @ (ReadError::Database(_)
        | ReadError::Damaged { .. }
        | ReadError::Proof(_)
        | ReadError::Closed) => record::unavailable(error),
    })
}
