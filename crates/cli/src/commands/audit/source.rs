//! Where the ledger is read: in a data folder, or by asking a gateway. Both give
//! the contract's own answers.

use clap::Args;
use comity::v1::{self, audit_service_client::AuditServiceClient};
use comity_domain::CaseId;
use comity_gateway::offline::{DataFolder, Files, GatherError};
use tokio::runtime::Runtime;
use tonic::{Code, Status, transport::Channel};

use crate::{
    client::{PossibleConnection, explain, runtime},
    commands::folder::{Folder, Found},
    exit::Failure,
    progress::Progress,
};

/// Why there is no proof of an entry.
pub(super) const UNSIGNED: &str = "not under a signed checkpoint yet: try again in a second";

#[derive(Debug, Clone, Args)]
pub(super) struct Source {
    #[command(flatten)]
    folder: Folder,
    /// Why the ledger is read; a gateway demands it and keeps it on record
    #[arg(long, default_value = "", hide_default_value = true)]
    purpose: String,
    /// Who receives what is read, where somebody does; a gateway records a disclosure
    #[arg(long, default_value = "", hide_default_value = true)]
    recipient: String,
    #[command(flatten)]
    connection: PossibleConnection,
}

/// A ledger, open for reading.
pub(super) enum Ledger {
    Folder(Box<DataFolder>),
    Gateway(Box<Gateway>),
}

pub(super) struct Gateway {
    runtime: Runtime,
    client: AuditServiceClient<Channel>,
    purpose: String,
    recipient: String,
}

/// An entry by its index, or a case.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    Entry(u64),
    Case(CaseId),
}

impl Source {
    /// Opens the folder that is named, else the gateway that is.
    pub(super) fn open(self) -> Result<Ledger, Failure> {
        let Self {
            folder,
            purpose,
            recipient,
            connection,
        } = self;
        let connection = match folder.is_named() {
            true => None,
            false => connection.named()?,
        };
        let Some(connection) = connection else {
            let Found { data, token } = folder.find()?;
            let folder = DataFolder::open(&data, token.as_ref())?;
            return Ok(Ledger::Folder(Box::new(folder)));
        };
        let runtime = runtime()?;
        let channel = runtime.block_on(connection.open())?;
        let client = AuditServiceClient::new(channel);
        let client = client.max_decoding_message_size(comity::RECEIVED_BYTES_MAX);
        Ok(Ledger::Gateway(Box::new(Gateway {
            runtime,
            client,
            purpose,
            recipient,
        })))
    }
}

impl Ledger {
    /// One page of entries.
    pub(super) fn search(
        &mut self,
        message: v1::SearchRequest,
    ) -> Result<v1::SearchResponse, Failure> {
        match self {
            Self::Folder(folder) => Ok(folder.search(message)?),
            Self::Gateway(gateway) => {
                let message = v1::SearchRequest {
                    purpose: gateway.purpose.clone(),
                    category: gateway.category().into(),
                    recipient: gateway.recipient.clone(),
                    ..message
                };
                let answer = gateway.runtime.block_on(gateway.client.search(message));
                Ok(answer.map_err(explain)?.into_inner())
            }
        }
    }

    /// One entry with its record; `None` if there is no such entry.
    pub(super) fn record(&mut self, index: u64) -> Result<Option<v1::GetRecordResponse>, Failure> {
        match self {
            Self::Folder(folder) => Ok(folder.record(index)?),
            Self::Gateway(gateway) => {
                let message = v1::GetRecordRequest {
                    index,
                    purpose: gateway.purpose.clone(),
                    category: gateway.category().into(),
                    recipient: gateway.recipient.clone(),
                };
                found(gateway.runtime.block_on(gateway.client.get_record(message)))
            }
        }
    }

    /// One entry with its proof; `None` if there is no such entry.
    pub(super) fn prove(&mut self, index: u64) -> Result<Option<v1::ProveResponse>, Failure> {
        match self {
            Self::Folder(folder) => Ok(folder.prove(index)?),
            Self::Gateway(gateway) => {
                let message = v1::ProveRequest { index };
                found(gateway.runtime.block_on(gateway.client.prove(message)))
            }
        }
    }

    /// Indexes of every entry of a case, oldest first.
    pub(super) fn entries_of(&mut self, case: &CaseId) -> Result<Vec<u64>, Failure> {
        let mut message = v1::SearchRequest {
            filter: format!("case={case}"),
            page_size: 500,
            ..v1::SearchRequest::default()
        };
        let mut indexes = Vec::new();
        loop {
            let page = self.search(message.clone())?;
            indexes.extend(page.entries.iter().map(|entry| entry.index));
            message.page_token = page.next_page_token;
            if message.page_token.is_empty() {
                return Ok(indexes);
            }
        }
    }

    /// The bundle of a case; `None` if there is no such case.
    pub(super) fn export(&mut self, case: &CaseId) -> Result<Option<Files>, Failure> {
        match self {
            Self::Folder(folder) => match folder.case_file(case) {
                Ok(case_file) => Ok(Some(case_file.files()?)),
                Err(GatherError::NoCase(_)) => Ok(None),
                Err(error) => Err(error.into()),
            },
            Self::Gateway(gateway) => gateway.export(case),
        }
    }

    /// Statistics of a period.
    pub(super) fn statistics(
        &mut self,
        message: v1::StatisticsRequest,
    ) -> Result<v1::StatisticsResponse, Failure> {
        match self {
            Self::Folder(folder) => {
                let mut progress = Progress::new("cases", folder.cases()?);
                Ok(folder.statistics(&message, || progress.step())?)
            }
            Self::Gateway(gateway) => {
                let message = v1::StatisticsRequest {
                    purpose: gateway.purpose.clone(),
                    ..message
                };
                let answer = gateway.runtime.block_on(gateway.client.statistics(message));
                Ok(answer.map_err(explain)?.into_inner())
            }
        }
    }
}

impl Gateway {
    /// Whoever names a recipient discloses.
    fn category(&self) -> v1::AccessCategory {
        if self.recipient.is_empty() {
            v1::AccessCategory::Consultation
        } else {
            v1::AccessCategory::Disclosure
        }
    }

    fn export(&mut self, case: &CaseId) -> Result<Option<Files>, Failure> {
        let message = v1::ExportCaseRequest {
            name: format!("cases/{case}"),
            purpose: self.purpose.clone(),
            recipient: self.recipient.clone(),
        };
        let Self {
            runtime, client, ..
        } = self;
        let files = runtime.block_on(async {
            let mut pieces = client.export_case(message).await?.into_inner();
            let mut files = Files::new();
            while let Some(piece) = pieces.message().await? {
                let v1::ExportCaseResponse { path, data } = piece;
                files.entry(path).or_default().extend_from_slice(&data);
            }
            Ok::<_, Status>(files)
        });
        match files {
            Ok(files) => Ok(Some(files)),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(explain(status)),
        }
    }
}

fn found<T>(answer: Result<tonic::Response<T>, Status>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(explain(status)),
    }
}

impl std::str::FromStr for Subject {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(index) = text.parse() {
            return Ok(Self::Entry(index));
        }
        let case = text.strip_prefix("cases/").unwrap_or(text).parse();
        let case = case.map_err(|_| "expected the index of an entry, or `cases/<id>`");
        case.map(Self::Case)
    }
}

/// Reads a case's name.
pub(super) fn case(text: &str) -> Result<CaseId, &'static str> {
    let case = text.strip_prefix("cases/").unwrap_or(text).parse();
    case.map_err(|_| "expected `cases/<id>`")
}
