//! The store's part that imports runs of other servers.

use std::sync::Arc;

use async_trait::async_trait;
use mlbench_core::run::Run;
use mlbench_core::storage::{ImportPart, ImportStore, KeyedRequest};
use mlbench_core::{Result, RunId, Timestamp};

use super::runs::import;
use super::store::{LABEL_BYTES, SqliteStorage};

#[async_trait]
impl ImportStore for SqliteStorage {
    async fn begin_import(&self, run: Run) -> Result<RunId> {
        self.writer.reserve().check()?;
        self.writer.write(LABEL_BYTES, move |c| import::begin(c, &run)).await
    }

    async fn store_import(&self, id: RunId, part: ImportPart) -> Result<()> {
        self.writer.reserve().check()?;
        let (arrivals, bytes) = (Arc::clone(&self.arrivals), import::memory_bytes(&part));
        self.writer.write(bytes, move |c| import::store(c, &arrivals, id, &part)).await
    }

    async fn finish_import(&self, id: RunId, key: Option<KeyedRequest>, now: Timestamp) -> Result<Run> {
        self.writer.write(0, move |c| import::finish(c, id, key.as_ref(), now)).await
    }

    fn abandon_import(&self) {
        self.writer.post(|c| import::abandon(c).map(drop));
    }

    async fn imported_usage(&self, id: RunId, after: i64) -> Result<Option<(i64, Vec<u8>)>> {
        self.readers.read(move |c| import::usage(c, id, after)).await
    }
}
