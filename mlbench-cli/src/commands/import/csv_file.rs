//! CSV: a row of names, then a metric per column, or the name and the value of one per row.

use std::cell::Cell;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder};
use mlbench_client::{MetricName, MetricValue, Timestamp};
use mlbench_core::number::whole;
use mlbench_core::quote::quote;

use super::batch::{Batch, MAX_POINTS, Point, Position, Stop};

/// Longest row, in bytes.
const MAX_ROW: u64 = 1 << 20;
/// Most columns.
const MAX_COLUMNS: usize = 10_000;
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

/// Reads the first row. `None` if the file does not hold it whole.
///
/// # Errors
/// Saying what is wrong with the row.
pub(super) fn read_header(path: &Path, is_last: bool) -> Result<Option<Header>, String> {
    let unreadable = |error: io::Error| error.to_string();
    let mut rows = Rows::open(path, Position::default(), is_last).map_err(unreadable)?;
    let Some(first) = rows.next().map_err(unreadable)? else {
        return if is_last {
            Err("line 1: no row with the names of the columns; add one".to_owned())
        } else {
            Ok(None)
        };
    };
    let names: Vec<String> = first
        .iter()
        .map(|cell| String::from_utf8_lossy(cell).trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    let begin = rows.position();
    let second = rows.next().map_err(unreadable)?;
    let is_date = |column: usize| {
        let cell =
            second.as_ref().and_then(|row| row.get(column)).and_then(|cell| std::str::from_utf8(cell).ok());
        cell.and_then(|cell| cell.trim().parse::<f64>().ok()).is_none_or(|seconds| seconds >= EARLIEST_DATE)
    };
    Header::new(names, begin, is_date).map(Some)
}

impl Header {
    fn new(names: Vec<String>, rows: Position, is_date: impl Fn(usize) -> bool) -> Result<Self, String> {
        if names.len() > MAX_COLUMNS {
            return Err(format!(
                "line 1: {} columns; split the file, {MAX_COLUMNS} are allowed",
                names.len()
            ));
        }
        if names.iter().all(|name| name.parse::<f64>().is_ok()) {
            return Err("line 1: holds numbers; add a row with the names of the columns".to_owned());
        }
        let find = |known: &[&str]| {
            known.iter().find_map(|known| names.iter().position(|name| name.eq_ignore_ascii_case(known)))
        };
        let date = find(&DATE).filter(|column| is_date(*column));
        let (step, epoch) = (find(&STEP), find(&EPOCH));
        let mut left_out = Vec::new();
        let metrics = match (find(&NAME), find(&VALUE)) {
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
///
/// A last row without an end is read if nothing is to come.
pub(super) fn read(path: &Path, header: &Header, begin: Position, is_last: bool) -> io::Result<Batch> {
    let mut batch = Batch::at(begin);
    if has_grown_in_a_row(path, begin)? {
        let why =
            "has grown since it was imported, with the value of that time; delete the run to import it anew";
        batch.stop = Stop::Damaged(format!("line {} {why}", begin.line + 1));
        return Ok(batch);
    }
    let mut rows = Rows::open(path, begin, is_last)?;
    while batch.points.len() < MAX_POINTS {
        match rows.next() {
            Ok(Some(row)) => {
                let end = rows.position().byte;
                header.add(&mut batch, &row, || line_of(path, begin, end, &row));
            }
            Ok(None) => {
                batch.stop = Stop::End;
                break;
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                batch.stop = Stop::Damaged(format!("the row of line {} has over 1 MiB", batch.end.line + 1));
                break;
            }
            Err(error) => return Err(error),
        }
        batch.end = rows.position();
    }
    Ok(batch)
}

/// Returns whether more of a row has come that had no end when it was read.
fn has_grown_in_a_row(path: &Path, begin: Position) -> io::Result<bool> {
    let Some(before) = begin.byte.checked_sub(1) else { return Ok(false) };
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(before))?;
    let mut around = Vec::with_capacity(2);
    file.take(2).read_to_end(&mut around)?;
    Ok(matches!(around[..], [last, next] if !is_end(last) && !is_end(next)))
}

fn is_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
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
            |text| text.parse().ok(),
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

/// The rows of a file from a position on.
struct Rows {
    csv: csv::Reader<Bounded>,
    begin: Position,
    left: Rc<Cell<u64>>,
}

impl Rows {
    /// Opens a file at a position. Without `is_last`, a last line without an end is left for later.
    fn open(path: &Path, begin: Position, is_last: bool) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let end = if is_last { length } else { end_of_lines(&mut file, begin.byte, length)? };
        file.seek(SeekFrom::Start(begin.byte))?;
        let left = Rc::new(Cell::new(MAX_ROW));
        let bounded = Bounded { file: file.take(end.saturating_sub(begin.byte)), left: Rc::clone(&left) };
        let csv = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 16)
            .from_reader(bounded);
        Ok(Self { csv, begin, left })
    }

    /// Returns the next row.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) for a row that is too long.
    fn next(&mut self) -> io::Result<Option<ByteRecord>> {
        let mut row = ByteRecord::new();
        self.left.set(MAX_ROW);
        match self.csv.read_byte_record(&mut row) {
            Ok(true) => Ok(Some(row)),
            Ok(false) => Ok(None),
            Err(error) => match error.into_kind() {
                csv::ErrorKind::Io(error) => Err(error),
                other => Err(io::Error::other(format!("{other:?}"))),
            },
        }
    }

    /// Returns where the next row begins.
    fn position(&self) -> Position {
        let read = self.csv.position();
        Position { byte: self.begin.byte + read.byte(), line: self.begin.line + read.line() - 1 }
    }
}

/// Returns the number of the line where a row begins, from 1. `end` is behind the row.
///
/// The file is read once more, because rows are rarely reported.
fn line_of(path: &Path, begin: Position, end: u64, row: &ByteRecord) -> u64 {
    let lines = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    let before = || {
        let (mut file, mut bytes) = (File::open(path)?, Vec::new());
        file.seek(SeekFrom::Start(begin.byte))?;
        file.take(end.saturating_sub(begin.byte)).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(lines(bytes.strip_suffix(b"\n").unwrap_or(&bytes)))
    };
    begin.line + 1 + before().unwrap_or(0).saturating_sub(lines(row.as_slice()))
}

/// Returns the position behind the last newline, or `begin` if there is none.
fn end_of_lines(file: &mut File, begin: u64, length: u64) -> io::Result<u64> {
    let (mut end, mut piece) = (length, Vec::new());
    while end > begin {
        let start = end.saturating_sub(1 << 16).max(begin);
        file.seek(SeekFrom::Start(start))?;
        piece.clear();
        file.take(end - start).read_to_end(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(begin)
}

/// A part of a file that fails where a row is too long.
struct Bounded {
    file: io::Take<File>,
    /// Bytes that the row may still have.
    left: Rc<Cell<u64>>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = self.file.read(&mut buffer[..most])?;
        self.left.set(left - read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
