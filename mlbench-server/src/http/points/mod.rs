//! Points as text, written while they are read: the memory of an answer does not grow with its length.
//!
//! Each page is written by the thread that reads it, straight from the rows; a piece of an answer is a page.

mod page;
mod write;

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use mlbench_core::Result;
use mlbench_core::storage::Storage;

use super::reply::ByteStream;
use crate::app::metrics::{PointsReader, Source};

pub(super) use page::{PointsFormat, PointsLayout};
pub(super) use write::{write_bucket, write_fields, write_text};

use page::PageWriter;

/// Writes the points of one owner, or of many.
pub(super) struct PointsText {
    storage: Arc<dyn Storage>,
    layout: Arc<PointsLayout>,
    sources: VecDeque<Source>,
    current: Option<(PointsReader, PageWriter)>,
    text: Vec<u8>,
    /// Whether an owner stands there already.
    begun: bool,
    done: bool,
    as_of: Arc<OnceLock<i64>>,
}

impl PointsText {
    pub(super) fn new(storage: &Arc<dyn Storage>, layout: PointsLayout, sources: Vec<Source>) -> Self {
        let text = layout.header();
        Self {
            storage: Arc::clone(storage),
            layout: Arc::new(layout),
            sources: sources.into(),
            current: None,
            text,
            begun: false,
            done: false,
            as_of: Arc::default(),
        }
    }

    /// Where the arrival number of the answer will stand, at the latest with its first piece, unless there is nobody.
    pub(super) fn as_of(&self) -> Arc<OnceLock<i64>> {
        Arc::clone(&self.as_of)
    }

    /// The pieces of the answer.
    pub(super) fn chunks(self) -> ByteStream {
        stream::try_unfold(self, |mut answer| async {
            while !answer.done && answer.text.len() < page::FULL {
                answer.step().await?;
            }
            let text = std::mem::take(&mut answer.text);
            Ok((!text.is_empty()).then(|| (Bytes::from(text), answer)))
        })
        .boxed()
    }

    /// Writes one page, the beginning of an owner or the end.
    async fn step(&mut self) -> Result<()> {
        if let Some((reader, page)) = self.current.take() {
            self.read(reader, page).await
        } else if let Some(source) = self.sources.pop_front() {
            self.layout.begin_owner(&mut self.text, &source.label, !self.begun);
            self.begun = true;
            let page = PageWriter::new(&self.layout, &source.label);
            // All owners are shown as they were when the first was read.
            let reader = PointsReader::new(&self.storage, source, self.as_of.get().copied());
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
