//! One series under a query: the position where reading begins, and the points for each page.

use mlbench_core::downsample::{Downsampler, Groups, Summary};
use mlbench_core::storage::{Downsampling, DownsamplingMethod, PointsQuery, SeriesCursor};
use mlbench_core::{MetricName, Timestamp};
use rusqlite::{Connection, Row};

use super::arrival;
use super::blocks::Block;
use super::fill::Filling;
use super::page::Page;
use super::position::{Position, just_before};
use super::scan::Scan;
use super::value::count;
use crate::sqlite::error::StoreError;

/// The most points after those of the query that are counted.
///
/// Of a series with more, those of the query are counted.
const MAX_NEWER: u64 = 20_000;

/// One series under a query.
pub(super) struct SeriesReader<'a> {
    pub(super) name: MetricName,
    query: &'a PointsQuery,
    scan: Scan<'a>,
    /// Number of all points of the series.
    count: u64,
    /// Whether all values of the series are finite numbers.
    all_finite: bool,
    /// Whether the dates of the query include all points of the series.
    all_dates: bool,
    /// Whether the series has points that arrived after `as_of`.
    has_newer: bool,
}

impl<'a> SeriesReader<'a> {
    /// The columns of `series` that [`SeriesReader::new`] reads.
    pub(super) const COLUMNS: &'static str = "name, id, count, numbers, first_date, last_date, last_seq";

    /// Reads a row of [`SeriesReader::COLUMNS`].
    pub(super) fn new(
        connection: &'a Connection,
        query: &'a PointsQuery,
        as_of: i64,
        row: &Row<'_>,
    ) -> Result<Self, StoreError> {
        let points = count(row, 2)?;
        let first_date = Timestamp::from_micros(row.get(4)?);
        // A bucket has step and epoch of its last point.
        let method = query.downsampling.map(|downsampling| downsampling.method);
        let details = query.details || method == Some(DownsamplingMethod::MinMax);
        let has_later = Timestamp::from_micros(row.get(5)?) > query.until;
        let scan = Scan {
            connection,
            series: row.get(1)?,
            since: query.since,
            until: query.until,
            as_of,
            arrived_after: query.arrived_after.filter(|seq| *seq > 0),
            details,
        };
        Ok(Self {
            name: MetricName::new(row.get::<_, String>(0)?)?,
            query,
            scan,
            count: points,
            all_finite: count(row, 3)? == points,
            all_dates: !has_later && first_date >= query.since,
            has_newer: row.get::<_, i64>(6)? > as_of,
        })
    }

    /// Decides once per query how the series is read. Returns `None` when the query selects nothing of it.
    ///
    /// What it reads for that counts for the page.
    pub(super) fn start(&self, page: &mut Page<'_>) -> Result<Option<SeriesCursor>, StoreError> {
        if let Some(seq) = self.scan.arrived_after {
            return arrival::start_since(&self.scan, seq, page);
        }
        match self.query.downsampling {
            Some(downsampling) => self.start_downsampled(downsampling, page),
            None => Ok(Some(self.start_of_newest(self.query.last_n.map(u64::from)))),
        }
    }

    fn start_of_newest(&self, newest: Option<u64>) -> SeriesCursor {
        match newest {
            Some(left) => SeriesCursor::FromEnd { left, before: self.scan.end(), downsampler: None },
            None => SeriesCursor::Points { after: self.scan.start() },
        }
    }

    fn start_downsampled(
        &self,
        downsampling: Downsampling,
        page: &mut Page<'_>,
    ) -> Result<Option<SeriesCursor>, StoreError> {
        let newer = match self.has_newer && self.all_dates {
            true => arrival::count_since(&self.scan, self.scan.as_of, MAX_NEWER, page)?,
            false => 0,
        };
        if !self.all_dates || newer > MAX_NEWER {
            return Ok(Some(SeriesCursor::Counting { counted: 0, after: self.scan.start() }));
        }
        self.start_counted(downsampling, self.count.saturating_sub(newer))
    }

    /// Decides how `length` points are downsampled.
    fn start_counted(
        &self,
        downsampling: Downsampling,
        length: u64,
    ) -> Result<Option<SeriesCursor>, StoreError> {
        if length == 0 {
            return Ok(None);
        }
        let max_points = u64::from(downsampling.max_points).max(1);
        let last_n = self.query.last_n.map(u64::from);
        let is_short = length <= max_points;
        let downsampler = match downsampling.method {
            DownsamplingMethod::Lttb | DownsamplingMethod::Mean | DownsamplingMethod::Summary if is_short => {
                return Ok(Some(self.start_of_newest(last_n)));
            }
            DownsamplingMethod::MinMax => Downsampler::minmax(length, max_points),
            DownsamplingMethod::Lttb => Downsampler::lttb(length, max_points),
            DownsamplingMethod::Mean => Downsampler::mean(length, max_points),
            DownsamplingMethod::Summary if self.all_finite => {
                return Ok(Some(self.start_summary(length, max_points)));
            }
            DownsamplingMethod::Summary => {
                return Ok(Some(SeriesCursor::Checking { length, after: self.scan.start() }));
            }
        };
        let downsampler = Box::new(downsampler);
        Ok(Some(SeriesCursor::Downsampled { after: self.scan.start(), downsampler }))
    }

    /// Begins to average `length` points, all of which are finite numbers.
    fn start_summary(&self, length: u64, max_points: u64) -> SeriesCursor {
        let groups = Groups::new(length, max_points);
        let groups = self.query.last_n.map_or(groups, |last| groups.only_last(last.into()));
        let left = length - groups.skipped();
        let downsampler = Box::new(Downsampler::Summary(Summary::new(groups)));
        if left < length {
            SeriesCursor::FromEnd { left, before: self.scan.end(), downsampler: Some(downsampler) }
        } else {
            SeriesCursor::Downsampled { after: self.scan.start(), downsampler }
        }
    }

    /// Sends points to the page until it is full or the series ends.
    ///
    /// Returns where the next page continues when the page is full, `None` at the end of the series.
    pub(super) fn send(
        &self,
        from: SeriesCursor,
        page: &mut Page<'_>,
    ) -> Result<Option<SeriesCursor>, StoreError> {
        match from {
            SeriesCursor::Done => Ok(None),
            SeriesCursor::Counting { counted, after } => self.count_on(counted, after, page),
            SeriesCursor::Checking { length, after } => self.check_on(length, after, page),
            SeriesCursor::FromEnd { left, before, downsampler } => {
                self.search_from_end(left, before, downsampler, page)
            }
            SeriesCursor::Points { after } => {
                let full = self.scan.send(&self.name, after, page)?;
                Ok(full.map(|after| SeriesCursor::Points { after }))
            }
            SeriesCursor::Late { late, others } => {
                arrival::send_since(&self.scan, &self.name, late, others, page)
            }
            SeriesCursor::Downsampled { after, downsampler } => {
                self.send_downsampled(after, downsampler, page)
            }
        }
    }

    /// Counts further points, and sends some once all are counted.
    fn count_on(
        &self,
        counted: u64,
        after: Position,
        page: &mut Page<'_>,
    ) -> Result<Option<SeriesCursor>, StoreError> {
        let passed = self.scan.pass(after, page.budget() as u64)?;
        page.read(usize::try_from(passed.count).unwrap_or(usize::MAX));
        let counted = counted + passed.count;
        if let Some(after) = passed.last {
            return Ok(Some(SeriesCursor::Counting { counted, after }));
        }
        let Some(downsampling) = self.query.downsampling else { return Ok(None) };
        self.start_counted(downsampling, counted)?.map_or(Ok(None), |start| self.send(start, page))
    }

    /// Checks further values, and sends points once all are checked.
    ///
    /// Sends means if every value is a finite number, else the newest points.
    fn check_on(
        &self,
        length: u64,
        after: Position,
        page: &mut Page<'_>,
    ) -> Result<Option<SeriesCursor>, StoreError> {
        let Some(downsampling) = self.query.downsampling else { return Ok(None) };
        let max_points = u64::from(downsampling.max_points).max(1);
        let (budget, mut read, mut last, mut finite) = (page.budget(), 0, None, true);
        self.scan.each(after, |seq, point| {
            finite = point.value.as_finite().is_some();
            read += 1;
            if read == budget {
                last = Some((point.date, seq));
            }
            Ok(finite && read < budget)
        })?;
        page.read(read);
        if !finite {
            let newest = self.query.last_n.map_or(max_points, |last| max_points.min(last.into()));
            return self.send(self.start_of_newest(Some(newest)), page);
        }
        match last {
            Some(after) => Ok(Some(SeriesCursor::Checking { length, after })),
            None => self.send(self.start_summary(length, max_points), page),
        }
    }

    /// Searches the first point further, and sends points once it is found.
    fn search_from_end(
        &self,
        left: u64,
        before: Position,
        downsampler: Option<Box<Downsampler>>,
        page: &mut Page<'_>,
    ) -> Result<Option<SeriesCursor>, StoreError> {
        let passed = self.scan.pass_back(before, left, page.budget() as u64)?;
        page.read(usize::try_from(passed.count).unwrap_or(usize::MAX));
        if let Some(before) = passed.last.filter(|_| passed.count < left) {
            return Ok(Some(SeriesCursor::FromEnd { left: left - passed.count, before, downsampler }));
        }
        let after = passed.last.map_or(self.scan.start(), just_before);
        match downsampler {
            Some(downsampler) => self.send_downsampled(after, downsampler, page),
            None => self.send(SeriesCursor::Points { after }, page),
        }
    }

    fn send_downsampled(
        &self,
        mut after: Position,
        downsampler: Box<Downsampler>,
        page: &mut Page<'_>,
    ) -> Result<Option<SeriesCursor>, StoreError> {
        let mut filling = Filling::new((&self.name, &self.scan), downsampler, &mut *page);
        while let Some(block) = self.scan.next_block(after)? {
            let last = match &block {
                Block::Chunk(chunk) if self.scan.selects_all(chunk, after) => {
                    filling.chunk(chunk)?;
                    filling.is_full().then(|| block.last())
                }
                _ => {
                    let mut last = None;
                    self.scan.each_of(&block, after, &mut |seq, point| {
                        filling.point(seq, &point);
                        last = filling.is_full().then_some((point.date, seq));
                        Ok(last.is_none())
                    })?;
                    last
                }
            };
            filling.send()?;
            if let Some(after) = last {
                return Ok(Some(SeriesCursor::Downsampled { after, downsampler: filling.downsampler }));
            }
            after = block.last();
        }
        filling.finish()?;
        Ok(page.is_full().then_some(SeriesCursor::Done))
    }
}
