//! Points on their way out: one page at a time, each read in a transaction of its own.
//!
//! Every page of a reading leaves out what arrived after its first one, so that the pages together show one
//! state of the store although none of them is held open.

use mlbench_core::downsample::{Groups, Summary};
use mlbench_core::storage::{PointsPage, PointsPosition, PointsQuery};
use mlbench_core::{MetricName, Point, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failure::Failure;
use super::metrics::{owner, unknown};
use super::value::Stored;

/// Reads the page after `after` with at most `room` points.
pub(super) fn page(
    connection: &Connection,
    query: &PointsQuery,
    after: Option<&PointsPosition>,
    room: usize,
) -> Result<PointsPage, Failure> {
    let owner = owner(connection, &query.owner)?.ok_or_else(|| unknown(&query.owner))?;
    let as_of = match after {
        Some(position) => position.as_of,
        None => connection.prepare_cached("SELECT last FROM arrival")?.query_row([], |row| row.get(0))?,
    };
    let mut page = PointsPage::default();
    let mut room = room.max(1);
    let exact = if query.name.is_some() { "AND name = ?6" } else { "AND ?6 IS NULL" };
    let sql = format!(
        "SELECT name, id, count, numbers, first_date, last_date, last_seq FROM series \
         WHERE owner_kind = ?1 AND owner = ?2 AND name >= ?3 AND last_date >= ?4 AND first_date <= ?5 {exact} \
         ORDER BY name"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![
        owner.kind,
        owner.id,
        after.map_or("", |position| position.series.as_str()),
        query.since.as_micros(),
        query.until.as_micros(),
        query.name.as_ref().map(MetricName::as_str),
    ])?;
    while let Some(row) = rows.next()? {
        let name = MetricName::new(row.get::<_, String>(0)?)?;
        let begun = after.filter(|position| position.series == name);
        if begun.is_some_and(|position| position.point.is_none()) {
            continue;
        }
        let series = Series::read(connection, query, as_of, row)?;
        let from = match begun.and_then(|position| Some((position.point?, position.groups))) {
            Some((point, groups)) => Start { after: point, groups },
            None => series.start()?,
        };
        let (points, groups) = match from.groups {
            Some(groups) => series.summary(from.after, groups, room)?,
            None => series.plain(from.after, room)?,
        };
        let Some(last) = points.last else { continue };
        room = points.room;
        page.series.push((name.clone(), points.points));
        if room == 0 {
            let point = groups.is_none_or(|groups| groups.left() > 0).then_some(last);
            page.next = Some(PointsPosition { series: name, point, groups, as_of });
            return Ok(page);
        }
    }
    Ok(page)
}

/// The place of a point in its series: points come by date, then by arrival.
type Key = (Timestamp, i64);

/// Where to begin in a series, and whether it is summarised.
struct Start {
    after: Key,
    groups: Option<Groups>,
}

/// Some points, the key of the last stored one that is in them, and the room that they left.
struct Read {
    points: Vec<Point>,
    last: Option<Key>,
    room: usize,
}

impl Read {
    const fn into(room: usize) -> Self {
        Self { points: Vec::new(), last: None, room }
    }

    /// Whether there is room for more. A long text takes the room of several points, so that a page of them does not
    /// fill the memory.
    fn push(&mut self, point: Point, key: Key) -> bool {
        self.room = self.room.saturating_sub(1 + point.value.as_str().len() / LONG_TEXT);
        self.points.push(point);
        self.last = Some(key);
        self.room > 0
    }
}

/// A value with more bytes counts as more than one point.
const LONG_TEXT: usize = 256;

/// One series under a query.
struct Series<'a> {
    connection: &'a Connection,
    query: &'a PointsQuery,
    as_of: i64,
    id: i64,
    /// How many points there are in all, when the query takes all of them.
    whole: Option<u64>,
    all_finite: bool,
}

impl<'a> Series<'a> {
    fn read(
        connection: &'a Connection,
        query: &'a PointsQuery,
        as_of: i64,
        row: &Row<'_>,
    ) -> Result<Self, Failure> {
        let count: i64 = row.get(2)?;
        let covered = row.get::<_, i64>(4)? >= query.since.as_micros()
            && row.get::<_, i64>(5)? <= query.until.as_micros()
            && row.get::<_, i64>(6)? <= as_of;
        let whole = if covered { u64::try_from(count).ok() } else { None };
        Ok(Self {
            connection,
            query,
            as_of,
            id: row.get(1)?,
            whole,
            all_finite: row.get::<_, i64>(3)? == count,
        })
    }

    /// Decides once per reading how the series is read: as it is, only its newest, or in groups.
    fn start(&self) -> Result<Start, Failure> {
        let last_n = self.query.last_n.map(u64::from);
        let newest = match self.query.summarize.map(u64::from) {
            None => last_n,
            Some(most) => {
                let most = most.max(1);
                let length = self.length()?;
                if length <= most {
                    last_n
                } else if self.is_finite()? {
                    let groups = Groups::new(length, most);
                    let groups = last_n.map_or(groups, |last| groups.only_last(last));
                    let after = self.before(groups.skipped(), "ASC")?.unwrap_or((self.query.since, 0));
                    return Ok(Start { after, groups: Some(groups) });
                } else {
                    Some(last_n.map_or(most, |last| last.min(most)))
                }
            }
        };
        let after = match newest {
            Some(newest) => self.before(newest.max(1) - 1, "DESC")?,
            None => None,
        };
        Ok(Start { after: after.unwrap_or((self.query.since, 0)), groups: None })
    }

    fn length(&self) -> Result<u64, Failure> {
        if let Some(whole) = self.whole {
            return Ok(whole);
        }
        let sql = "SELECT count(*) FROM point WHERE series = ?1 AND date BETWEEN ?2 AND ?3 AND seq <= ?4";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row(self.range(), |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Whether every point can be averaged. Series with texts among them are searched for one within the
    /// dates.
    fn is_finite(&self) -> Result<bool, Failure> {
        if self.all_finite {
            return Ok(true);
        }
        let sql = "SELECT value FROM point WHERE series = ?1 AND date BETWEEN ?2 AND ?3 AND seq <= ?4";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(self.range())?;
        while let Some(row) = rows.next()? {
            if value(row, 0)?.as_finite().is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn range(&self) -> [i64; 4] {
        [self.id, self.query.since.as_micros(), self.query.until.as_micros(), self.as_of]
    }

    /// The key just before the point that has `skipped` points on its other side, counted in `order`.
    fn before(&self, skipped: u64, order: &str) -> Result<Option<Key>, Failure> {
        let sql = format!(
            "SELECT date, seq FROM point WHERE series = ?1 AND date BETWEEN ?2 AND ?3 AND seq <= ?4 \
             ORDER BY date {order}, seq {order} LIMIT 1 OFFSET ?5"
        );
        let [id, since, until, as_of] = self.range();
        let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let key = |row: &Row<'_>| Ok((Timestamp::from_micros(row.get(0)?), row.get::<_, i64>(1)? - 1));
        Ok(statement.query_row([id, since, until, as_of, skipped], key).optional()?)
    }

    fn plain(&self, after: Key, room: usize) -> Result<(Read, Option<Groups>), Failure> {
        let mut read = Read::into(room);
        self.walk(after, |date, seq, value| {
            Ok(read.push(Point { date, value: value.into_value() }, (date, seq)))
        })?;
        Ok((read, None))
    }

    fn summary(&self, after: Key, groups: Groups, room: usize) -> Result<(Read, Option<Groups>), Failure> {
        let mut summary = Summary::new(groups);
        let mut read = Read::into(room);
        self.walk(after, |date, seq, value| {
            let number =
                value.as_finite().ok_or_else(|| Failure::unreadable("number", "it is not finite"))?;
            let point = summary.push(date, number);
            let room = point.is_none_or(|point| read.push(point, (date, seq)));
            Ok(room && summary.groups().left() > 0)
        })?;
        Ok((read, Some(summary.groups())))
    }

    /// Shows the points after a key until `each` has enough.
    fn walk(
        &self,
        after: Key,
        mut each: impl FnMut(Timestamp, i64, Stored<'_>) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let sql = "SELECT date, seq, value FROM point \
                   WHERE series = ?1 AND (date, seq) > (?2, ?3) AND date <= ?4 AND seq <= ?5 ORDER BY date, seq";
        let (date, seq) = after;
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows =
            statement.query([self.id, date.as_micros(), seq, self.query.until.as_micros(), self.as_of])?;
        while let Some(row) = rows.next()? {
            if !each(Timestamp::from_micros(row.get(0)?), row.get(1)?, value(row, 2)?)? {
                break;
            }
        }
        Ok(())
    }
}

fn value<'a>(row: &'a Row<'_>, column: usize) -> Result<Stored<'a>, Failure> {
    Ok(Stored::read(row.get_ref(column)?).map_err(rusqlite::Error::from)?)
}
