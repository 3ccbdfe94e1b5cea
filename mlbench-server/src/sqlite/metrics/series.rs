//! One series under a query: where reading it begins, and how much of it a page takes.

use mlbench_core::downsample::{Downsampler, Groups, Summary};
use mlbench_core::storage::{
    Downsampling, DownsamplingMethod, PointRef, PointSink, PointsQuery, SeriesCursor,
};
use mlbench_core::{MetricName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::arrival::{self, OutOfOrder};
use super::scan::{Key, Walk};
use super::value::count;
use crate::sqlite::error::StoreError;

/// Points that a page reads at most when it thins them: about 20 ms.
const READ_AT_ONCE: usize = 100_000;

/// One series under a query.
pub(crate) struct Series<'a> {
    pub(crate) name: MetricName,
    connection: &'a Connection,
    query: &'a PointsQuery,
    as_of: i64,
    id: i64,
    /// How many points there are in all.
    count: u64,
    all_finite: bool,
    /// Whether the query's dates take all of them.
    dated: bool,
    /// Whether none of them arrived after `as_of`.
    settled: bool,
    /// Whether none of them is after the query's last date.
    open: bool,
}

/// How showing a series ended.
pub(crate) enum End {
    /// Its points are shown.
    Shown,
    /// The page is full.
    Full(SeriesCursor),
}

impl<'a> Series<'a> {
    pub(crate) fn read(
        connection: &'a Connection,
        query: &'a PointsQuery,
        as_of: i64,
        row: &Row<'_>,
    ) -> Result<Self, StoreError> {
        let whole = count(row, 2)?;
        let open = row.get::<_, i64>(5)? <= query.until.as_micros();
        Ok(Self {
            name: MetricName::new(row.get::<_, String>(0)?)?,
            connection,
            query,
            as_of,
            id: row.get(1)?,
            count: whole,
            all_finite: count(row, 3)? == whole,
            dated: open && row.get::<_, i64>(4)? >= query.since.as_micros(),
            settled: row.get::<_, i64>(6)? <= as_of,
            open,
        })
    }

    /// Decides once per reading how the series is read; `None` when there is nothing of it to be read.
    pub(crate) fn start(&self) -> Result<Option<SeriesCursor>, StoreError> {
        if let Some(seq) = self.query.arrived_after.filter(|seq| *seq > 0) {
            return self.start_after(seq);
        }
        match self.query.downsampling {
            Some(downsampling) => self.start_thinning(downsampling),
            None => self.start_of_newest(self.query.last_n.map(u64::from)).map(Some),
        }
    }

    fn start_of_newest(&self, newest: Option<u64>) -> Result<SeriesCursor, StoreError> {
        let after = match newest {
            Some(newest) => self.before(newest.max(1) - 1, "DESC")?,
            None => None,
        };
        Ok(SeriesCursor::Points { after: after.unwrap_or(self.beginning()) })
    }

    fn start_thinning(&self, downsampling: Downsampling) -> Result<Option<SeriesCursor>, StoreError> {
        let most = u64::from(downsampling.max_points).max(1);
        let length = self.length()?;
        if length == 0 {
            return Ok(None);
        }
        let last_n = self.query.last_n.map(u64::from);
        let (downsampler, after) = match downsampling.method {
            DownsamplingMethod::MinMax => (Downsampler::minmax(length, most), None),
            DownsamplingMethod::Lttb => (Downsampler::lttb(length, most), None),
            DownsamplingMethod::Mean => (Downsampler::mean(length, most), None),
            DownsamplingMethod::Summary if length <= most => return self.start_of_newest(last_n).map(Some),
            DownsamplingMethod::Summary if !self.is_finite()? => {
                let newest = last_n.map_or(most, |last| last.min(most));
                return self.start_of_newest(Some(newest)).map(Some);
            }
            DownsamplingMethod::Summary => {
                let groups = Groups::new(length, most);
                let groups = last_n.map_or(groups, |last| groups.only_last(last));
                let after = match groups.skipped() {
                    0 => None,
                    skipped => self.before(skipped, "ASC")?,
                };
                (Downsampler::Summary(Summary::new(groups)), after)
            }
        };
        let after = after.unwrap_or(self.beginning());
        Ok(Some(SeriesCursor::Downsampled { after, downsampler: Box::new(downsampler) }))
    }

    /// Points that arrived after `seq` are those at the end of the series, and late ones.
    fn start_after(&self, seq: i64) -> Result<Option<SeriesCursor>, StoreError> {
        let (_, first) = arrival::tail_since(self.connection, self.id, seq)?;
        let others = first.map_or((Timestamp::MAX, i64::MAX), before);
        let late = arrival::out_of_order_in(self.connection, self.id, &(seq + 1..=self.as_of))?;
        let start = self.beginning();
        Ok(match late {
            OutOfOrder::Few(late) if late.iter().any(|key| *key <= others) => {
                Some(SeriesCursor::Late { after: start, others })
            }
            OutOfOrder::Few(_) if first.is_none() => None,
            OutOfOrder::Few(_) => Some(SeriesCursor::Points { after: others.max(start) }),
            OutOfOrder::Many(first) => {
                Some(SeriesCursor::Points { after: before(first).min(others).max(start) })
            }
        })
    }

    /// What stands before every point of the query.
    fn beginning(&self) -> Key {
        (self.query.since, 0)
    }

    /// How many points the query takes.
    fn length(&self) -> Result<u64, StoreError> {
        if self.dated && self.settled {
            return Ok(self.count);
        }
        if self.dated {
            let newer = arrival::count_since(self.connection, self.id, self.as_of)?;
            return Ok(self.count.saturating_sub(newer));
        }
        let sql = "SELECT count(*) FROM point WHERE series = ?1 AND date BETWEEN ?2 AND ?3 AND seq <= ?4";
        Ok(self.connection.prepare_cached(sql)?.query_row(self.range(), |row| count(row, 0))?)
    }

    /// Whether every point can be averaged. Series with texts among them are searched for one within the
    /// dates.
    fn is_finite(&self) -> Result<bool, StoreError> {
        if self.all_finite {
            return Ok(true);
        }
        let mut finite = true;
        self.walk(self.beginning()).each(|_, point| {
            finite = point.value.as_finite().is_some();
            Ok(finite)
        })?;
        Ok(finite)
    }

    fn range(&self) -> [i64; 4] {
        [self.id, self.query.since.as_micros(), self.query.until.as_micros(), self.as_of]
    }

    /// The key just before the point that has `skipped` points on its other side, counted in `order`.
    fn before(&self, skipped: u64, order: &str) -> Result<Option<Key>, StoreError> {
        let sql = format!(
            "SELECT date, seq FROM point WHERE series = ?1 AND date BETWEEN ?2 AND ?3 AND seq <= ?4 \
             ORDER BY date {order}, seq {order} LIMIT 1 OFFSET ?5"
        );
        let [id, since, until, as_of] = self.range();
        let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let key = |row: &Row<'_>| Ok(before((Timestamp::from_micros(row.get(0)?), row.get(1)?)));
        Ok(statement.query_row([id, since, until, as_of, skipped], key).optional()?)
    }

    fn walk(&self, after: Key) -> Walk<'_> {
        Walk {
            connection: self.connection,
            series: self.id,
            after,
            until: (!self.open).then_some(self.query.until),
            as_of: (!self.settled).then_some(self.as_of),
            arrived_after: self.query.arrived_after.filter(|seq| *seq > 0),
            details: self.query.details,
        }
    }

    /// Shows points until there are no more or the page is full.
    pub(crate) fn show(
        &self,
        from: SeriesCursor,
        sink: &mut dyn PointSink,
        room: &mut usize,
    ) -> Result<End, StoreError> {
        match from {
            SeriesCursor::Done => Ok(End::Shown),
            SeriesCursor::Points { after } => self.show_points(after, sink, room),
            SeriesCursor::Late { after, others } => self.show_late(after, others, sink, room),
            SeriesCursor::Downsampled { after, downsampler } => {
                self.show_thinned(after, downsampler, sink, room)
            }
        }
    }

    fn show_points(&self, after: Key, sink: &mut dyn PointSink, room: &mut usize) -> Result<End, StoreError> {
        let (mut begun, mut full) = (false, None);
        self.walk(after).each(|row, point| {
            if !std::mem::replace(&mut begun, true) {
                sink.series(&self.name);
            }
            sink.point(point);
            *room -= 1;
            if *room == 0 || sink.is_full() {
                full = Some((point.date, Walk::seq(row)?));
            }
            Ok(full.is_none())
        })?;
        Ok(full.map_or(End::Shown, |after| End::Full(SeriesCursor::Points { after })))
    }

    fn show_late(
        &self,
        after: Key,
        others: Key,
        sink: &mut dyn PointSink,
        room: &mut usize,
    ) -> Result<End, StoreError> {
        let first = self.query.arrived_after.unwrap_or(0) + 1;
        let OutOfOrder::Few(late) =
            arrival::out_of_order_in(self.connection, self.id, &(first..=self.as_of))?
        else {
            return Err(StoreError::corrupt("late points", "there are more than at first"));
        };
        let wanted = |key: &&Key| **key > after && **key <= others && key.0 <= self.query.until;
        let mut begun = false;
        for key in late.iter().filter(wanted) {
            if !std::mem::replace(&mut begun, true) {
                sink.series(&self.name);
            }
            self.walk(before(*key)).each(|_, point| {
                sink.point(point);
                Ok(false)
            })?;
            *room -= 1;
            if *room == 0 || sink.is_full() {
                return Ok(End::Full(SeriesCursor::Late { after: *key, others }));
            }
        }
        self.show_points(others.max(self.beginning()), sink, room)
    }

    fn show_thinned(
        &self,
        after: Key,
        mut downsampler: Box<Downsampler>,
        sink: &mut dyn PointSink,
        room: &mut usize,
    ) -> Result<End, StoreError> {
        let (mut begun, mut full, mut left) = (false, None, READ_AT_ONCE);
        self.walk(after).each(|row, PointRef { date, value, .. }| {
            left -= 1;
            if let Some(downsampled) = downsampler.push(date, value.as_finite()) {
                if !std::mem::replace(&mut begun, true) {
                    sink.series(&self.name);
                }
                sink.downsampled(&downsampled);
                *room -= 1;
            }
            if *room == 0 || left == 0 || sink.is_full() {
                full = Some((date, Walk::seq(row)?));
            }
            Ok(full.is_none())
        })?;
        if let Some(after) = full {
            return Ok(End::Full(SeriesCursor::Downsampled { after, downsampler }));
        }
        for downsampled in downsampler.finish() {
            if !std::mem::replace(&mut begun, true) {
                sink.series(&self.name);
            }
            sink.downsampled(&downsampled);
            *room = room.saturating_sub(1);
        }
        Ok(if *room == 0 || sink.is_full() { End::Full(SeriesCursor::Done) } else { End::Shown })
    }
}

/// The key just before a point.
const fn before((date, seq): Key) -> Key {
    (date, seq - 1)
}
