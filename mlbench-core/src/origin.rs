//! Where an imported run comes from.

use serde::{Deserialize, Serialize};

use crate::name::RunId;
use crate::time::Timestamp;

/// The run on the server that executed it, or to which it reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Random name of the database of that server.
    pub server: String,
    /// Name of the machine of that server, possibly empty.
    pub host: String,
    /// Id of the run there.
    pub run_id: RunId,
}

/// Where an imported run comes from, and when it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct ImportedFrom {
    /// Random name of the database of the server that the run was first exported from.
    pub server: String,
    /// Name of the machine of that server, possibly empty.
    pub host: String,
    /// Id of the run there.
    pub run_id: RunId,
    /// Time of the import into this server.
    pub imported_at: Timestamp,
}

impl ImportedFrom {
    /// Creates the record of an import at this time.
    #[must_use]
    pub fn new(origin: Origin, imported_at: Timestamp) -> Self {
        let Origin { server, host, run_id } = origin;
        Self { server, host, run_id, imported_at }
    }

    /// Returns the origin without the time of the import.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { server: self.server.clone(), host: self.host.clone(), run_id: self.run_id }
    }
}
