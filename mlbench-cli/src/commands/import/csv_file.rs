//! CSV: a row of names, then a metric per column, or the name and the value of one per row.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use csv::ByteRecord;
use mlbench_client::{MetricName, MetricValue, Timestamp};
use mlbench_core::number::whole;
use mlbench_core::quote::quote;

use super::batch::{Batch, Look, Point, Position, Stop};
use super::csv_rows::{Next, Rows, ends_a_row, has_grown_in_a_row, line_of};

/// Most columns.
const MAX_COLUMNS: usize = 10_000;
/// Rows in which the first date is looked for.
const DATE_ROWS: u32 = 1_000;
/// A smaller number in the column of dates is no date but the time since the beginning. It is in March 1973.
const EARLIEST_DATE: f64 = 1e8;
const STEP: [&str; 2] = ["step", "global_step"];
const DATE: [&str; 5] = ["date", "timestamp", "time", "wall_time", "wall time"];
const EPOCH: [&str; 1] = ["epoch"];
const NAME: [&str; 2] = ["name", "metric"];
const VALUE: [&str; 1] = ["value"];

/// What the columns of a file are.
#[derive(Debug)]
pub(super) struct Header {
    names: Vec<String>,
    metrics: Metrics,
    step: Option<usize>,
    date: Option<usize>,
    epoch: Option<usize>,
    /// Columns that are left out.
    pub(super) left_out: Vec<String>,
    /// Where the rows begin.
    pub(super) rows: Position,
}

#[derive(Debug)]
enum Metrics {
    /// Columns, each with the metric that it holds.
    Columns(Vec<(usize, MetricName)>),
    /// The columns with the name and with the value of the metric of each row.
    Rows { name: usize, value: usize },
}

/// Reads the first row, and the rows that say whether there are dates.
///
/// `None` if the file does not hold them yet.
///
/// # Errors
/// Saying what is wrong with the row.
pub(super) fn read_header(path: &Path, look: Look) -> Result<Option<Header>, String> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => "line 1: the row has over 1 MiB".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    let mut rows = Rows::open(path, Position::default(), look).map_err(unreadable)?;
    let first = match rows.next().map_err(unreadable)? {
        Next::Row(row) => row,
        Next::End | Next::Torn if look == Look::Last => {
            return Err("line 1: no row with the names of the columns; add one".to_owned());
        }
        Next::End | Next::Torn => return Ok(None),
    };
    let names: Vec<String> = first
        .iter()
        .map(|cell| String::from_utf8_lossy(cell).trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    let begin = rows.position();
    let date = match find(&names, &DATE).map(|column| Ok((column, has_dates(&mut rows, column)?))) {
        None => None,
        Some(Err::<_, io::Error>(error)) => return Err(unreadable(error)),
        // Rows that are to come say what the column is.
        Some(Ok((_, None))) if look == Look::Growing => return Ok(None),
        Some(Ok((column, has_dates))) => Some(column).filter(|_| has_dates.unwrap_or(true)),
    };
    Header::new(names, begin, date).map(Some)
}

/// Returns whether the first cell of a column that is not empty is a date, if one is there.
///
/// A small number is the time since the beginning.
fn has_dates(rows: &mut Rows, column: usize) -> io::Result<Option<bool>> {
    for _ in 0..DATE_ROWS {
        match rows.next() {
            Ok(Next::Row(row)) if cell(&row, column).is_empty() => {}
            Ok(Next::Row(row)) => return Ok(Some(!is_small(cell(&row, column)))),
            Ok(Next::Torn | Next::End) => return Ok(None),
            // It is reported when its turn comes.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => break,
            Err(error) => return Err(error),
        }
    }
    Ok(Some(true))
}

/// Returns whether a cell is a number that is too small for the seconds of a date.
fn is_small(cell: &[u8]) -> bool {
    let number = std::str::from_utf8(cell).ok().and_then(|text| text.parse::<f64>().ok());
    number.is_some_and(|seconds| seconds.is_nan() || seconds < EARLIEST_DATE)
}

fn find(names: &[String], known: &[&str]) -> Option<usize> {
    known.iter().find_map(|known| names.iter().position(|name| name.eq_ignore_ascii_case(known)))
}

impl Header {
    fn new(names: Vec<String>, rows: Position, date: Option<usize>) -> Result<Self, String> {
        if names.len() > MAX_COLUMNS {
            return Err(format!(
                "line 1: {} columns; split the file, {MAX_COLUMNS} are allowed",
                names.len()
            ));
        }
        if names.iter().all(|name| name.parse::<f64>().is_ok()) {
            return Err("line 1: holds numbers; add a row with the names of the columns".to_owned());
        }
        let (step, epoch) = (find(&names, &STEP), find(&names, &EPOCH));
        let mut left_out = Vec::new();
        let metrics = match (find(&names, &NAME), find(&names, &VALUE)) {
            (Some(name), Some(value)) => {
                let used = [Some(name), Some(value), step, date, epoch];
                let others = (0..names.len()).filter(|column| !used.contains(&Some(*column)));
                left_out.extend(others.map(|column| format!("column {}", quote(&names[column]))));
                Metrics::Rows { name, value }
            }
            _ => Metrics::Columns(columns(&names, [step, date, epoch], &mut left_out)?),
        };
        Ok(Self { names, metrics, step, date, epoch, left_out, rows })
    }
}

/// Returns the columns that are metrics.
fn columns(
    names: &[String],
    used: [Option<usize>; 3],
    left_out: &mut Vec<String>,
) -> Result<Vec<(usize, MetricName)>, String> {
    let (mut metrics, mut seen) = (Vec::new(), HashSet::new());
    for (column, name) in names.iter().enumerate() {
        if used.contains(&Some(column)) {
            continue;
        }
        if name.is_empty() {
            left_out.push("columns without a name".to_owned());
        } else if !seen.insert(name) {
            return Err(format!("line 1, column {}: {} is there twice; rename one", column + 1, quote(name)));
        } else {
            let name = MetricName::new(name.as_str())
                .map_err(|error| format!("line 1, column {}: {}", column + 1, error.detail()))?;
            metrics.push((column, name));
        }
    }
    if metrics.is_empty() {
        return Err("line 1: no column is a metric; name each metric in this row".to_owned());
    }
    Ok(metrics)
}

/// Reads rows from a position on, until the batch is full or the file ends.
pub(super) fn read(path: &Path, header: &Header, begin: Position, look: Look) -> io::Result<Batch> {
    let mut batch = Batch::at(begin);
    if has_grown_in_a_row(path, begin)? {
        let why =
            "has grown since it was imported, with the value of that time; delete the run to import it anew";
        batch.stop = Stop::Damaged(format!("line {} {why}", begin.line + 1));
        return Ok(batch);
    }
    let mut rows = Rows::open(path, begin, look)?;
    while !batch.is_full(begin) {
        let row = match rows.next() {
            Ok(Next::Row(row)) => row,
            Ok(Next::Torn) => {
                batch.stop = Stop::Incomplete;
                break;
            }
            Ok(Next::End) => {
                batch.stop = Stop::End;
                break;
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                batch.stop = Stop::Damaged(format!("the row of line {} has over 1 MiB", batch.end.line + 1));
                break;
            }
            Err(error) => return Err(error),
        };
        let end = rows.position();
        if row.len() < header.names.len() && rows.is_at_end() && !ends_a_row(path, end)? {
            batch.stop = Stop::Incomplete;
            break;
        }
        header.add(&mut batch, &row, || line_of(path, begin, end.byte, &row));
        batch.end = end;
    }
    Ok(batch)
}

impl Header {
    /// Adds the points of a row.
    fn add(&self, batch: &mut Batch, row: &ByteRecord, line: impl Fn() -> u64) {
        if row.len() != self.names.len() {
            let columns = self.names.len();
            batch.bad.add(|| {
                format!("line {}: {} cells; the first row names {columns} columns", line(), row.len())
            });
            return;
        }
        let (step, date, epoch) = match self.place(row) {
            Ok(place) => place,
            Err((column, problem)) => return batch.bad.add(|| self.report(line(), column, row, problem)),
        };
        let point = |name, value| Point { name, value, date, step, epoch };
        match &self.metrics {
            Metrics::Columns(columns) => {
                for (column, name) in columns {
                    match number(cell(row, *column)) {
                        Ok(Some(value)) => batch.points.push(point(name.clone(), value)),
                        Ok(None) => {}
                        Err(problem) => batch.bad.add(|| self.report(line(), *column, row, problem)),
                    }
                }
            }
            Metrics::Rows { name, value } => {
                let named = MetricName::new(String::from_utf8_lossy(cell(row, *name)));
                match (named, number(cell(row, *value))) {
                    (_, Ok(None)) => {}
                    (Ok(name), Ok(Some(value))) => batch.points.push(point(name, value)),
                    (Err(_), _) => {
                        batch.bad.add(|| self.report(line(), *name, row, "a name has 1 to 512 bytes"));
                    }
                    (_, Err(problem)) => batch.bad.add(|| self.report(line(), *value, row, problem)),
                }
            }
        }
    }

    /// Returns step, date and epoch of a row, or the column that has none and what belongs there.
    fn place(&self, row: &ByteRecord) -> Result<Place, (usize, &'static str)> {
        let step = parsed(row, self.step, "a step is a whole number", whole)?;
        let date = parsed(
            row,
            self.date,
            "a date is written like 2018-08-03T09:21:29Z, or as seconds since 1970",
            |text| text.parse().ok().filter(|_| !is_small(text.as_bytes())),
        )?;
        let epoch = parsed(row, self.epoch, "an epoch is a number", |text| {
            text.parse().ok().filter(|epoch: &f64| epoch.is_finite())
        })?;
        Ok((step, date, epoch))
    }

    fn report(&self, line: u64, column: usize, row: &ByteRecord, problem: &str) -> String {
        let text = String::from_utf8_lossy(cell(row, column));
        format!(
            "line {line}, column {} ({}): {}: {problem}",
            column + 1,
            quote(&self.names[column]),
            quote(&text)
        )
    }
}

/// Step, date and epoch.
type Place = (Option<i64>, Option<Timestamp>, Option<f64>);

/// Reads the cell of a column that a file may have. An empty one has no value.
fn parsed<T>(
    row: &ByteRecord,
    column: Option<usize>,
    problem: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, (usize, &'static str)> {
    let Some(column) = column else { return Ok(None) };
    match std::str::from_utf8(cell(row, column)) {
        Ok("") => Ok(None),
        Ok(text) => parse(text).map(Some).ok_or((column, problem)),
        Err(_) => Err((column, problem)),
    }
}

/// Returns a cell without the space around it.
fn cell(row: &ByteRecord, column: usize) -> &[u8] {
    row.get(column).unwrap_or_default().trim_ascii()
}

/// Returns a number as it is written. An empty cell has none.
fn number(cell: &[u8]) -> Result<Option<MetricValue>, &'static str> {
    match std::str::from_utf8(cell) {
        Ok("") => Ok(None),
        Ok(text) if text.parse::<f64>().is_ok() => Ok(Some(text.into())),
        _ => Err("not a number; leave the cell empty where a metric has no value"),
    }
}

#[cfg(test)]
mod tests;
