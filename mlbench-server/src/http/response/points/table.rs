//! Writes points as a table, owner by owner and page by page.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use mlbench_core::storage::Storage;
use mlbench_core::{Error, Result};

use super::ahead::{Chunks, ahead};
use super::points_stream::PointsStream;
use super::record_batch::{BatchSink, TableLayout};
use super::table_writer::{TableFormat, TableWriter};
use super::writer::FULL;
use crate::app::metrics::{PointsReader, Source, Sources};

/// Writes the points of one owner, or of many, as a table.
pub(in crate::http) struct PointsTable {
    storage: Arc<dyn Storage>,
    layout: Arc<TableLayout>,
    sources: VecDeque<Source>,
    current: Option<(PointsReader, Arc<str>)>,
    writer: TableWriter,
    done: bool,
    as_of: Arc<OnceLock<i64>>,
}

impl PointsTable {
    pub(in crate::http) fn new(
        storage: &Arc<dyn Storage>,
        format: TableFormat,
        layout: TableLayout,
        sources: Sources,
    ) -> Result<Self> {
        Ok(Self {
            storage: Arc::clone(storage),
            writer: TableWriter::new(format, layout.schema())?,
            layout: Arc::new(layout),
            sources: sources.owners.into(),
            current: None,
            done: false,
            as_of: Arc::new(sources.as_of.map_or_else(OnceLock::new, OnceLock::from)),
        })
    }

    /// Begins to write.
    pub(in crate::http) fn stream(self) -> PointsStream {
        let as_of = Arc::clone(&self.as_of);
        PointsStream { as_of, chunks: ahead(self) }
    }

    /// Writes one page, or the end.
    async fn step(&mut self) -> Result<()> {
        if let Some((reader, label)) = self.current.take() {
            self.read(reader, label).await
        } else if let Some(source) = self.sources.pop_front() {
            let label = Arc::from(source.label.as_str());
            self.current = Some((PointsReader::new(&self.storage, source), label));
            Ok(())
        } else {
            self.done = true;
            self.writer.finish()
        }
    }

    async fn read(&mut self, mut reader: PointsReader, label: Arc<str>) -> Result<()> {
        let read = reader.next(|| BatchSink::new(&self.layout, &label)).await?;
        if let Some(as_of) = read.as_of {
            self.as_of.get_or_init(|| as_of);
        }
        if let Some(batch) = read.sink.finish(self.writer.schema()).map_err(Error::internal)? {
            self.writer.write(batch)?;
        }
        if !read.last {
            self.current = Some((reader, label));
        }
        Ok(())
    }
}

impl Chunks for PointsTable {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while !self.done && self.writer.written() < FULL {
            self.step().await?;
        }
        let bytes = self.writer.take();
        Ok((!bytes.is_empty()).then(|| Bytes::from(bytes)))
    }

    fn is_done(&self) -> bool {
        self.done
    }
}
