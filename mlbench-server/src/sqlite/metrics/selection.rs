//! The series that a query selects, found by name in SQL.

use std::collections::BTreeSet;

use mlbench_core::storage::PointsQuery;
use mlbench_core::{MetricName, Timestamp};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::owner::OwnerRow;
use super::series::SeriesReader;
use crate::sqlite::error::StoreError;

/// The series of an owner under a query.
pub(super) struct Selection<'a> {
    pub(super) owner: OwnerRow,
    pub(super) query: &'a PointsQuery,
    /// The series with new points, and maybe others. `None` if they are unknown or many.
    pub(super) only: Option<&'a BTreeSet<i64>>,
}

impl Selection<'_> {
    /// Returns the name of the last of `count` series after `from`, selected or not, read from the index.
    ///
    /// `None` at the end of the owner's series, and for a query that makes SQLite look at no others, or few.
    pub(super) fn end(
        &self,
        connection: &Connection,
        from: Option<&MetricName>,
        count: usize,
    ) -> Result<Option<MetricName>, StoreError> {
        if !self.may_pass_many() {
            return Ok(None);
        }
        let sql = "SELECT name FROM series WHERE owner_kind = ?1 AND owner = ?2 AND name > ?3 \
                   ORDER BY name LIMIT 1 OFFSET ?4";
        let passed = i64::try_from(count).unwrap_or(i64::MAX).saturating_sub(1);
        let parameters = params![self.owner.kind, self.owner.id, first_name(from), passed];
        let name: Option<String> =
            connection.prepare_cached(sql)?.query_row(parameters, |row| row.get(0)).optional()?;
        Ok(name.map(MetricName::new).transpose()?)
    }

    /// Returns whether SQLite may pass many series to find one that is selected.
    fn may_pass_many(&self) -> bool {
        let PointsQuery { since, until, arrived_after, .. } = *self.query;
        let selects_all = since == Timestamp::EPOCH && until == Timestamp::MAX && arrived_after.is_none();
        !selects_all && self.only.is_none() && self.query.names.is_empty()
    }

    /// Returns the statement that finds the series by name from `from` to `end`, and its parameters.
    pub(super) fn statement<'a>(
        &'a self,
        from: Option<&'a MetricName>,
        end: Option<&'a MetricName>,
    ) -> (String, Vec<Box<dyn ToSql + 'a>>) {
        let Self { owner, query, only } = self;
        let mut values: Vec<Box<dyn ToSql + 'a>> = vec![
            Box::new(owner.kind),
            Box::new(owner.id),
            Box::new(first_name(from)),
            Box::new(query.since.as_micros()),
            Box::new(query.until.as_micros()),
            Box::new(query.arrived_after.unwrap_or(-1)),
        ];
        let mut limits = String::new();
        if let Some(end) = end {
            values.push(Box::new(end.as_str()));
            limits = format!("AND name <= ?{}", values.len());
        }
        if !query.names.is_empty() {
            limits.push_str(&format!(" AND name IN (?{})", ", ?".repeat(query.names.len() - 1)));
            for name in query.names.iter() {
                values.push(Box::new(name.as_str()));
            }
        }
        // The sign keeps SQLite from looking at all series of the owner.
        let mut owner = "owner_kind = ?1 AND owner = ?2";
        if let Some(ids) = only {
            owner = "+owner_kind = ?1 AND +owner = ?2";
            values.push(Box::new(json_array(ids)));
            limits.push_str(&format!(" AND id IN (SELECT value FROM json_each(?{}))", values.len()));
        }
        let columns = SeriesReader::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM series WHERE {owner} AND name >= ?3 \
             AND last_date >= ?4 AND first_date <= ?5 AND last_seq > ?6 {limits} ORDER BY name"
        );
        (sql, values)
    }
}

/// Returns the name where reading begins. No name is empty.
fn first_name(from: Option<&MetricName>) -> &str {
    from.map_or("", MetricName::as_str)
}

fn json_array(ids: &BTreeSet<i64>) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("[{}]", ids.join(","))
}
