//! Fills a page with the downsampled points of a series.

use std::num::NonZero;

use mlbench_core::MetricName;
use mlbench_core::chunk::{Fields, PAGE_POINTS, PageNumbers, PageReader, PageSummary};
use mlbench_core::downsample::{Candidate, Downsampled, Downsampler};
use mlbench_core::storage::{PointRef, ValueRef};

use super::chunks::StoredChunk;
use super::lookup::Lookup;
use super::page::Page;
use super::scan::Scan;
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
    pub(super) downsampler: Box<Downsampler>,
    items: Items<'a, 'p>,
}

/// The items of a series on their way to a page.
struct Items<'a, 'p> {
    name: &'a MetricName,
    scan: &'a Scan<'a>,
    page: &'a mut Page<'p>,
    /// Whether the page knows the series.
    begun: bool,
    /// Items that wait for the points that they keep.
    waiting: Vec<Downsampled>,
    /// Whether points are kept with the fields besides date and value.
    details: bool,
}

impl<'a, 'p> Filling<'a, 'p> {
    /// Begins to fill a page.
    pub(super) fn new(
        (name, scan): (&'a MetricName, &'a Scan<'a>),
        downsampler: Box<Downsampler>,
        page: &'a mut Page<'p>,
    ) -> Self {
        let details = scan.details && downsampler.keeps_points();
        let items = Items { name, scan, page, begun: false, waiting: Vec::new(), details };
        Self { downsampler, items }
    }

    /// Whether the page ends here.
    pub(super) fn is_full(&self) -> bool {
        self.items.page.is_full()
    }

    /// Takes a point and its arrival number.
    pub(super) fn point(&mut self, seq: i64, point: &PointRef<'_>) {
        self.items.page.read(1);
        let number = point.value.as_finite();
        // A number that prints as the value needs no second look.
        let is_complete = !self.items.details && number.map(ValueRef::of_number) == Some(point.value);
        let seq = if is_complete { None } else { NonZero::new(seq) };
        if let Some(item) = self.downsampler.push(Candidate { date: point.date, number, seq }) {
            let progress = point.details.map(|details| details.progress());
            self.items.push(item.ending_at(progress.unwrap_or_default()));
        }
    }

    /// Takes all points of a chunk. Decodes only the pages in which an item begins or ends.
    pub(super) fn chunk(&mut self, chunk: &StoredChunk) -> Result<(), StoreError> {
        let header = &chunk.header;
        self.items.page.read(header.count());
        let whole = self.all(&header.summary());
        if matches!(whole, AtOnce::Taken(None)) {
            return Ok(());
        }
        chunk.with_body(self.items.scan.connection, |body| {
            let mut pages = PageReader::new(header, body, Fields::default())?;
            if let AtOnce::Taken(Some(item)) = whole {
                self.items.push(item.ending_at(pages.progress(header.count() - 1)?));
                return Ok(());
            }
            // The items that end in a page, and the rows where they do.
            let (mut ended, mut seqs) = (Vec::new(), Vec::new());
            for (at, summary) in header.pages().iter().enumerate() {
                let first = at * PAGE_POINTS;
                if let AtOnce::Taken(item) = self.all(summary) {
                    ended.extend(item.map(|item| (first + summary.points as usize - 1, item)));
                } else {
                    if self.downsampler.keeps_points() {
                        pages.origins(at, self.items.details, &mut seqs)?;
                    }
                    let PageNumbers { dates, numbers } = pages.numbers(at)?;
                    let each = |row, item| ended.push((first + row, item));
                    self.downsampler.push_each(dates, numbers, &seqs, each);
                }
                for (row, item) in ended.drain(..) {
                    let is_bucket = matches!(item, Downsampled::Bucket(_));
                    self.items.push(if is_bucket { item.ending_at(pages.progress(row)?) } else { item });
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

    /// Sends the items so far to the page.
    pub(super) fn send(&mut self) -> Result<(), StoreError> {
        self.items.send()
    }

    /// Sends all items that are left at the end of the series.
    pub(super) fn finish(self) -> Result<(), StoreError> {
        let Self { downsampler, mut items, .. } = self;
        downsampler.finish().into_iter().for_each(|item| items.push(item));
        items.send()
    }
}

impl Items<'_, '_> {
    fn push(&mut self, item: Downsampled) {
        self.waiting.push(item);
        self.page.remaining = self.page.remaining.saturating_sub(1);
    }

    /// Sends the items, those that keep a point with what was posted.
    fn send(&mut self) -> Result<(), StoreError> {
        if !self.waiting.is_empty() && !std::mem::replace(&mut self.begun, true) {
            self.page.sink.series(self.name);
        }
        let mut lookup = Lookup::new(self.scan, self.details);
        for item in self.waiting.drain(..) {
            self.page.sink.downsampled(&item, |date, seq| lookup.point((date, seq)))?;
        }
        Ok(())
    }
}
