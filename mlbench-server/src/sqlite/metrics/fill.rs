//! Fills a page with the downsampled points of a series.

use mlbench_core::MetricName;
use mlbench_core::chunk::{Fields, PAGE_POINTS, PageNumbers, PageReader, PageSummary};
use mlbench_core::downsample::{Downsampled, Downsampler};
use mlbench_core::storage::PointRef;

use rusqlite::Connection;

use super::chunks::StoredChunk;
use super::page::Page;
use crate::sqlite::error::StoreError;

/// The result of offering several points at once.
enum AtOnce {
    /// They belong to one item, which ends with them if it is there.
    Taken(Option<Downsampled>),
    /// They belong to several items.
    Refused,
}

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

    /// Takes a point.
    pub(super) fn point(&mut self, point: &PointRef<'_>) {
        self.to_read = self.to_read.saturating_sub(1);
        if let Some(item) = self.downsampler.push(point.date, point.value.as_finite()) {
            self.send(&item.ending_at(point.details.map(|details| details.progress()).unwrap_or_default()));
        }
    }

    /// Takes all points of a chunk. Decodes only the pages in which an item begins or ends.
    pub(super) fn chunk(&mut self, connection: &Connection, chunk: &StoredChunk) -> Result<(), StoreError> {
        let header = &chunk.header;
        self.to_read = self.to_read.saturating_sub(header.count());
        let whole = self.all(&header.summary());
        if matches!(whole, AtOnce::Taken(None)) {
            return Ok(());
        }
        chunk.with_body(connection, |body| {
            let mut pages = PageReader::new(header, body, Fields::default())?;
            if let AtOnce::Taken(Some(item)) = whole {
                self.send(&item.ending_at(pages.progress(header.count() - 1)?));
                return Ok(());
            }
            // The items that end in a page, and the rows where they do.
            let mut ended = Vec::new();
            for (at, summary) in header.pages().iter().enumerate() {
                let first = at * PAGE_POINTS;
                if let AtOnce::Taken(item) = self.all(summary) {
                    ended.extend(item.map(|item| (first + summary.points as usize - 1, item)));
                } else {
                    let PageNumbers { dates, numbers } = pages.numbers(at)?;
                    self.downsampler.push_each(dates, numbers, |row, item| ended.push((first + row, item)));
                }
                for (row, item) in ended.drain(..) {
                    let is_bucket = matches!(item, Downsampled::Bucket(_));
                    self.send(&if is_bucket { item.ending_at(pages.progress(row)?) } else { item });
                }
            }
            Ok(())
        })
    }

    /// Takes points at once, if they belong to one item.
    fn all(&mut self, summary: &PageSummary) -> AtOnce {
        let points = u64::from(summary.points);
        match self.downsampler.fits(points) {
            true => AtOnce::Taken(self.downsampler.push_all(points, &summary.bucket())),
            false => AtOnce::Refused,
        }
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
