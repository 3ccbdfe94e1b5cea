//! Writes points as a stream, owner by owner and page by page.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use mlbench_core::Result;
use mlbench_core::storage::Storage;

use super::ahead::{Chunks, ahead};
use super::points_stream::PointsStream;
use super::writer::{self, PageWriter, PointsLayout};
use crate::app::metrics::{PointsReader, Source, Sources};

/// Writes the points of one owner, or of many.
pub(in crate::http) struct PointsText {
    storage: Arc<dyn Storage>,
    layout: Arc<PointsLayout>,
    sources: VecDeque<Source>,
    current: Option<(PointsReader, PageWriter)>,
    text: Vec<u8>,
    /// Whether an owner is written already.
    begun: bool,
    done: bool,
    as_of: Arc<OnceLock<i64>>,
}

impl PointsText {
    pub(in crate::http) fn new(storage: &Arc<dyn Storage>, layout: PointsLayout, sources: Sources) -> Self {
        let text = layout.header();
        Self {
            storage: Arc::clone(storage),
            layout: Arc::new(layout),
            sources: sources.owners.into(),
            current: None,
            text,
            begun: false,
            done: false,
            as_of: Arc::new(sources.as_of.map_or_else(OnceLock::new, OnceLock::from)),
        }
    }

    /// Begins to write.
    pub(in crate::http) fn stream(self) -> PointsStream {
        let as_of = Arc::clone(&self.as_of);
        PointsStream { as_of, chunks: ahead(self) }
    }

    /// Writes one page, the beginning of an owner, or the end.
    async fn step(&mut self) -> Result<()> {
        if let Some((reader, page)) = self.current.take() {
            self.read(reader, page).await
        } else if let Some(source) = self.sources.pop_front() {
            self.layout.begin_owner(&mut self.text, &source.label, !self.begun);
            self.begun = true;
            let page = PageWriter::new(&self.layout, &source.label);
            let reader = PointsReader::new(&self.storage, source);
            self.current = Some((reader, page));
            Ok(())
        } else {
            self.done = true;
            self.layout.end(&mut self.text, self.begun);
            Ok(())
        }
    }

    async fn read(&mut self, mut reader: PointsReader, page: PageWriter) -> Result<()> {
        let read = reader.next(|| page.next()).await?;
        if let Some(as_of) = read.as_of {
            self.as_of.get_or_init(|| as_of);
        }
        let mut page = read.sink;
        page.take(&mut self.text);
        if read.last {
            page.end_owner(&mut self.text);
        } else {
            self.current = Some((reader, page));
        }
        Ok(())
    }
}

impl Chunks for PointsText {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while !self.done && self.text.len() < writer::FULL {
            self.step().await?;
        }
        let text = std::mem::take(&mut self.text);
        Ok((!text.is_empty()).then(|| Bytes::from(text)))
    }

    fn is_done(&self) -> bool {
        self.done
    }
}
