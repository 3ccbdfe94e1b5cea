//! Finds runs: walks an index in the wanted order and looks at each run until the page is full.

use std::cell::Cell;

use mlbench_core::run::Run;
use mlbench_core::storage::{LabelFilter, RunKeyValue, RunsCursor, RunsFound, RunsSearch, SortKey};
use mlbench_core::{RunId, RunState};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::labels::{self, Kind};
use super::rows;
use crate::sqlite::error::StoreError;

/// The most runs that a page looks at. It bounds how long a page holds its connection.
const MAX_LOOKED_AT: usize = 50_000;
/// The most bytes of texts in a page, unless one run has more.
const MAX_BYTES: usize = 8 << 20;

/// Reads the page of a query.
pub(crate) fn page(connection: &Connection, search: &RunsSearch) -> Result<RunsFound, StoreError> {
    page_of(connection, search, MAX_LOOKED_AT)
}

fn page_of(
    connection: &Connection,
    search: &RunsSearch,
    max_looked_at: usize,
) -> Result<RunsFound, StoreError> {
    let filter = Filter::new(search)?;
    let (mut found, mut next) = (Vec::new(), None);
    let (looked_at, mut last) = (Cell::new(0), search.after.clone());
    'walk: for part in parts(search) {
        let mut statement = connection.prepare_cached(&part.sql)?;
        let mut rows = statement.query(params_from_iter(part.values))?;
        while let Some(row) = rows.next()? {
            let is_full = found.len() >= search.limit as usize || looked_at.get() >= max_looked_at;
            if is_full {
                next = last;
                break 'walk;
            }
            looked_at.set(looked_at.get() + 1);
            let position = position(row)?;
            if filter.matches(connection, row, position.id)? {
                found.push(position.clone());
            }
            last = Some(position);
        }
    }
    let mut page = RunsFound { runs: Vec::with_capacity(found.len()), next };
    let mut bytes = 0;
    let mut last = None;
    for position in found {
        let run = rows::get(connection, position.id)?;
        bytes += text_bytes(&run);
        if bytes > MAX_BYTES && last.is_some() {
            page.next = last;
            break;
        }
        page.runs.push(run);
        last = Some(position);
    }
    Ok(page)
}

/// A range of an index.
struct Part {
    sql: String,
    values: Vec<Value>,
}

/// Returns the ranges that follow the position of a query: the rest of its key, then all keys behind it.
///
/// One range for both would make SQLite read all runs of an equal key anew for each page.
fn parts(search: &RunsSearch) -> Vec<Part> {
    let (index, key) = index(search.order.key);
    let (order, after) = if search.order.descending { ("DESC", "<") } else { ("ASC", ">") };
    let select =
        format!("SELECT id, {key}, name, state, created_at FROM run INDEXED BY {index} WHERE deletion = 0");
    let part = |condition: &str, by: &str, values| Part {
        sql: format!("{select} {condition} ORDER BY {by} {order}"),
        values,
    };
    let by_key = format!("{key} {order}, id");
    let Some(RunsCursor { key: value, id }) = &search.after else {
        return vec![part("", &by_key, Vec::new())];
    };
    let value = match value {
        RunKeyValue::Number(number) => Value::from(*number),
        RunKeyValue::Text(text) => Value::from(text.clone()),
    };
    // SQLite would sort by an expression that is the same for all rows.
    let rest =
        part(&format!("AND {key} = ?1 AND id {after} ?2"), "id", vec![value.clone(), Value::from(id.get())]);
    let behind = part(&format!("AND {key} {after} ?1"), &by_key, vec![value]);
    vec![rest, behind]
}

/// Returns the index of an order, and the expression that it is ordered by.
const fn index(key: SortKey) -> (&'static str, &'static str) {
    match key {
        SortKey::Id => ("run_by_id", "id"),
        SortKey::Created => ("run_by_created", "created_at"),
        SortKey::Finished => ("run_by_finished", "ifnull(finished_at, 9223372036854775807)"),
        SortKey::Name => ("run_by_name", "name"),
        SortKey::State => ("run_by_state", "state"),
        SortKey::Duration => ("run_by_duration", "ifnull(finished_at - created_at, 9223372036854775807)"),
    }
}

fn position(row: &Row<'_>) -> Result<RunsCursor, StoreError> {
    let id = RunId::new(row.get(0)?).ok_or_else(|| StoreError::corrupt("run", "invalid id"))?;
    let key = match row.get_ref(1)? {
        ValueRef::Integer(number) => RunKeyValue::Number(number),
        _ => RunKeyValue::Text(row.get(1)?),
    };
    Ok(RunsCursor { key, id })
}

/// What a run must be.
struct Filter<'a> {
    search: &'a RunsSearch,
    states: Vec<&'static str>,
    labels: Vec<Label<'a>>,
}

/// A parameter or a tag that a run must have.
struct Label<'a> {
    kind: Kind,
    name: &'a str,
    /// Its value as JSON.
    value: Option<String>,
}

impl<'a> Filter<'a> {
    fn new(search: &'a RunsSearch) -> Result<Self, StoreError> {
        let states = search.states.iter().map(|state| RunState::as_str(*state)).collect();
        let mut labels = Vec::new();
        for LabelFilter { name, value } in &search.params {
            let value = value.as_ref().map(mlbench_core::ParamValue::to_json);
            labels.push(Label { kind: Kind::Param, name, value });
        }
        for LabelFilter { name, value } in &search.tags {
            let value = value.as_ref().map(labels::json).transpose()?;
            labels.push(Label { kind: Kind::Tag, name, value });
        }
        Ok(Self { search, states, labels })
    }

    /// Returns whether the run of a row matches. All but parameters and tags comes from the index.
    fn matches(&self, connection: &Connection, row: &Row<'_>, id: RunId) -> Result<bool, StoreError> {
        let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        let has_state = self.states.is_empty() || self.states.contains(&text(3)?);
        let is_recent =
            self.search.since.is_none_or(|since| row.get(4).is_ok_and(|at: i64| at >= since.as_micros()));
        if !has_state || !is_recent {
            return Ok(false);
        }
        if let Some(name) = &self.search.name
            && !name.matches(text(2)?)
        {
            return Ok(false);
        }
        for label in &self.labels {
            if !label.is_of(connection, id)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Label<'_> {
    fn is_of(&self, connection: &Connection, id: RunId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM run_label WHERE run = ?1 AND kind = ?2 AND name = ?3 AND (?4 IS NULL OR value = ?4)";
        let mut statement = connection.prepare_cached(sql)?;
        let values = params![id.get(), self.kind as i64, self.name, self.value];
        Ok(statement.query_row(values, |_| Ok(())).optional()?.is_some())
    }
}

/// Returns about how many bytes a run has as JSON.
fn text_bytes(run: &Run) -> usize {
    let environment: usize = run.spec.environment.iter().map(|(name, value)| name.len() + value.len()).sum();
    let params: usize = run.params.iter().map(|(name, value)| name.len() + value.to_json().len()).sum();
    let tags: usize = run.tags.iter().map(|(name, text)| name.len() + text.len()).sum();
    500 + run.spec.command.len() + environment + params + tags
}

#[cfg(test)]
mod tests {
    use mlbench_core::storage::RunOrder;
    use rusqlite::types::ToSql;

    use super::*;
    use crate::sqlite::connection::migrations::{STEPS, migrate};

    fn database(runs: u32) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, std::path::Path::new("memory"), STEPS).unwrap();
        let sql = "INSERT INTO run (name, job_id, state, created_at, spec) VALUES (?1, ?2, 'FAILED', 7, ?3)";
        let spec = serde_json::to_string(&mlbench_core::run::RunSpec::running("true")).unwrap();
        for i in 0..runs {
            connection
                .execute(sql, params![format!("run {i}"), uuid::Uuid::nil().to_string(), spec])
                .unwrap();
        }
        connection
    }

    fn ids(page: &RunsFound) -> Vec<i64> {
        page.runs.iter().map(|run| run.id.get()).collect()
    }

    #[test]
    fn a_page_ends_after_so_many_runs_that_do_not_match() {
        let connection = database(25);
        let name = Some(mlbench_core::storage::NameFilter::Contains("4".to_owned()));
        let mut search = RunsSearch { name, limit: 10, ..RunsSearch::default() };
        let mut pages = Vec::new();
        loop {
            let page = page_of(&connection, &search, 10).unwrap();
            pages.push(ids(&page));
            search.after = page.next;
            if search.after.is_none() {
                break;
            }
        }
        assert_eq!(pages, [vec![5], vec![15], vec![25]]);
    }

    #[test]
    fn every_order_is_read_from_its_index_without_sorting() {
        let connection = database(3);
        for key in SortKey::ALL {
            for descending in [false, true] {
                let after = Some(RunsCursor { key: RunKeyValue::Number(0), id: RunId::new(1).unwrap() });
                let order = RunOrder { key, descending };
                for after in [None, after] {
                    for part in parts(&RunsSearch { order, after, ..RunsSearch::default() }) {
                        let mut plan =
                            connection.prepare(&format!("EXPLAIN QUERY PLAN {}", part.sql)).unwrap();
                        let values = part.values.iter().map(|value| value as &dyn ToSql);
                        let mut rows = plan.query(params_from_iter(values)).unwrap();
                        let step: String = rows.next().unwrap().unwrap().get(3).unwrap();
                        assert!(step.contains("USING COVERING INDEX run_by_"), "{}: {step}", part.sql);
                        assert!(rows.next().unwrap().is_none(), "{} sorts", part.sql);
                    }
                }
            }
        }
    }
}
