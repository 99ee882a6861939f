//! How a gateway is called and its answer shown, for every command that calls one.

use clap::Args;
use comfy_table::Table;
use comity_gateway::wire::json;
use tonic::{Response, Status, transport::Channel};

use super::{explain, print};
use crate::{client::Connection, exit::Failure};

/// See the module.
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

impl Call {
    /// Opens the connection.
    pub(crate) async fn open(&self) -> Result<Channel, Failure> {
        self.connection.open().await
    }

    /// Prints an answer as JSON, or in words: see [`print`].
    pub(crate) fn print<M: prost::Message + prost::Name + Default>(
        &self,
        answer: &M,
        words: impl FnOnce(&M) -> String,
    ) -> Result<(), Failure> {
        print(self.json, answer, words)
    }

    /// Asks for one page after the other by the token of each, and prints them as JSON,
    /// or as the table that `add` fills; `add` answers the token of the next.
    pub(crate) async fn pages<P: prost::Message + prost::Name + Default>(
        &self,
        mut table: Table,
        mut ask: impl AsyncFnMut(String) -> Result<Response<P>, Status>,
        add: impl Fn(&mut Table, P) -> String,
    ) -> Result<(), Failure> {
        let mut token = String::new();
        loop {
            let mut page = ask(token).await.map_err(explain)?.into_inner();
            if self.json {
                println!("{}", json::print(&page)?);
            } else {
                page = json::visible(&page)?;
            }
            token = add(&mut table, page);
            if token.is_empty() {
                break;
            }
        }
        if !self.json {
            println!("{table}");
        }
        Ok(())
    }
}
