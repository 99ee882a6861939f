//! Timestamps over the ledger: authorities outside are asked for them, off the way of
//! any request, and new work is refused where none was had for too long.

mod ask;
mod http;
mod standing;
mod wait;

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use comity::v1::CooperationRequest;
use comity_domain::Urgency;
use comity_ledger::{Query, Roots, RootsError, TokenError, publish_roots};
use comity_store::Store;
use thiserror::Error;

use self::ask::Authority;
pub(crate) use self::standing::Standing;
use crate::{
    config::{self, Timestamps},
    gateway::{Clock, Gateway},
    identity::Caller,
    origin,
    refusal::Refusal,
    tls::TlsError,
    web::Web,
    witness::Pause,
};

/// Why authorities that timestamp cannot be asked.
#[derive(Debug, Error)]
pub enum TimestampsError {
    /// None is named.
    #[error("nobody is named who timestamps: name an authority")]
    Nobody,
    /// A file with roots cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file with roots holds none.
    #[error("`{}` has no root certificates that can be used", path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: RootsError,
    },
    /// The policy that is demanded cannot be asked for.
    #[error("the authority `{name}` cannot be asked")]
    Query {
        /// The authority.
        name: String,
        /// Why not.
        source: TokenError,
    },
    /// The roots of its web server cannot be used.
    #[error("the roots of a web server cannot be used")]
    Web(#[from] TlsError),
    /// The timestamps beside the ledger cannot be used.
    #[error("the timestamps beside the ledger cannot be read or written")]
    Beside(#[source] io::Error),
}

/// Whom a gateway asks for timestamps: nobody, where none is configured.
#[derive(Debug, Default)]
pub(crate) struct Authorities {
    list: Vec<Authority>,
    every: Duration,
    /// What came of it; `None` where nobody is asked.
    pub(crate) standing: Option<Arc<Standing>>,
}

/// Takes up how far the ledger is timestamped, and says beside it whose timestamps
/// count.
pub(crate) async fn open(
    configured: Option<&Timestamps>,
    store: &Store,
    clock: Clock,
) -> Result<Authorities, TimestampsError> {
    let Some(configured) = configured else {
        return Ok(Authorities::default());
    };
    let mut list = Vec::new();
    for authority in &configured.authorities {
        list.push(authority_of(authority)?);
    }
    let roots = list.iter().map(|authority| authority.roots.clone());
    let roots = roots.reduce(|all, roots| all.with(&roots));
    let roots = roots.ok_or(TimestampsError::Nobody)?;
    publish_roots(store.ledger_dir(), &roots).map_err(TimestampsError::Beside)?;
    let standing = Standing::open(configured, &roots, (store, clock)).await;
    Ok(Authorities {
        list,
        every: configured.every,
        standing: Some(Arc::new(standing.map_err(TimestampsError::Beside)?)),
    })
}

fn authority_of(configured: &config::Authority) -> Result<Authority, TimestampsError> {
    let config::Authority {
        name,
        url,
        certificate,
        policy,
        web_ca,
    } = configured;
    let path = || certificate.clone();
    let pem = fs::read(certificate);
    let pem = pem.map_err(|source| TimestampsError::Unreadable {
        path: path(),
        source,
    })?;
    let roots = Roots::read(&pem);
    let roots = roots.map_err(|source| TimestampsError::Roots {
        path: path(),
        source,
    })?;
    Query::new(b"", policy.as_deref()).map_err(|source| TimestampsError::Query {
        name: name.clone(),
        source,
    })?;
    Ok(Authority {
        name: name.clone(),
        web: Web::new(url.clone(), web_ca.as_deref())?,
        roots,
        policy: policy.clone(),
        complaint: None,
    })
}

/// Whether new work is taken: not where the ledger has gone without a timestamp for too
/// long. What is on record already may be repeated, and emergencies go on: they are on
/// record all the same, and a life weighs more than when that can be proven.
pub(crate) async fn permit(
    gateway: &Gateway,
    caller: &Caller,
    (request, urgency): (Option<&CooperationRequest>, Urgency),
) -> Result<(), Refusal> {
    let standing = gateway.timestamps();
    let Some(waited) = standing.and_then(|standing| standing.overdue()) else {
        return Ok(());
    };
    if urgency == Urgency::Emergency || origin::is_on_record(gateway, caller, request).await? {
        return Ok(());
    }
    Err(Refusal::NotTimestamped {
        waited,
        retry_after: Pause::LONGEST,
    })
}
