//! Fills a page with the downsampled points of a series.

use mlbench_core::chunk::{PageReader, PageSummary};
use mlbench_core::downsample::{Downsampled, Downsampler};
use mlbench_core::{MetricName, Timestamp};
use rusqlite::Connection;

use super::chunks::StoredChunk;
use super::page::Page;
use crate::sqlite::error::StoreError;

/// A downsampler between the points of a series and the page that receives its items.
pub(super) struct Filling<'a, 'p> {
    pub(super) name: &'a MetricName,
    pub(super) downsampler: Box<Downsampler>,
    pub(super) page: &'a mut Page<'p>,
    /// Whether the page knows the series.
    pub(super) begun: bool,
    /// How many more points the page reads.
    pub(super) to_read: usize,
}

impl Filling<'_, '_> {
    /// Whether the page ends here.
    pub(super) fn is_full(&self) -> bool {
        self.to_read == 0 || self.page.is_full()
    }

    /// Takes a point. `number` is `None` for a value that is not a finite number.
    pub(super) fn point(&mut self, date: Timestamp, number: Option<f64>) {
        self.to_read = self.to_read.saturating_sub(1);
        if let Some(item) = self.downsampler.push(date, number) {
            self.send(&item);
        }
    }

    /// Takes all points of a chunk. Decodes only the pages in which an item begins or ends.
    pub(super) fn chunk(&mut self, connection: &Connection, chunk: &StoredChunk) -> Result<(), StoreError> {
        self.to_read = self.to_read.saturating_sub(chunk.header.count());
        if self.all(&chunk.header.summary()) {
            return Ok(());
        }
        chunk.with_body(connection, |body| {
            let mut pages = PageReader::new(&chunk.header, body)?;
            for (at, summary) in chunk.header.pages().iter().enumerate() {
                if self.all(summary) {
                    continue;
                }
                let page = pages.numbers(at)?;
                for (date, number) in page.dates.iter().zip(page.numbers) {
                    let number = Some(*number).filter(|number| !number.is_nan());
                    if let Some(item) = self.downsampler.push(Timestamp::from_micros(*date), number) {
                        self.send(&item);
                    }
                }
            }
            Ok(())
        })
    }

    /// Takes points at once, if they belong to one item. Returns whether they do.
    fn all(&mut self, summary: &PageSummary) -> bool {
        let points = u64::from(summary.points);
        if !self.downsampler.fits(points) {
            return false;
        }
        if let Some(item) = self.downsampler.push_all(points, &summary.bucket()) {
            self.send(&item);
        }
        true
    }

    /// Sends what is left at the end of the series.
    pub(super) fn finish(self) {
        let Self { name, downsampler, page, mut begun, .. } = self;
        for item in downsampler.finish() {
            if !std::mem::replace(&mut begun, true) {
                page.sink.series(name);
            }
            page.sink.downsampled(&item);
            page.remaining = page.remaining.saturating_sub(1);
        }
    }

    fn send(&mut self, item: &Downsampled) {
        if !std::mem::replace(&mut self.begun, true) {
            self.page.sink.series(self.name);
        }
        self.page.sink.downsampled(item);
        self.page.remaining = self.page.remaining.saturating_sub(1);
    }
}
