//! Says what was imported, and what a file holds.

use std::collections::{BTreeMap, BTreeSet};

use mlbench_client::{MetricName, RunId, RunState, Timestamp};
use serde::Serialize;

use super::batch::Batch;
use crate::output::{Cell, Column, Columns, Tone};

/// What was imported into a run.
#[derive(Debug, Serialize)]
pub(super) struct Imported {
    /// Absent if there was nothing to store.
    pub(super) run: Option<RunId>,
    pub(super) name: String,
    pub(super) state: Option<RunState>,
    pub(super) files: usize,
    /// Points that this import has stored.
    pub(super) points: u64,
    /// What is no metric, by kind.
    pub(super) left_out: BTreeMap<String, u64>,
    /// Rows and cells that cannot be read.
    pub(super) bad: u64,
    /// Files that cannot be read to their end.
    pub(super) damaged: Vec<String>,
}

/// Returns what can be shown of an import.
pub(super) fn imported_columns() -> Columns<Imported> {
    let all = [
        Column::new("run", |one: &Imported| Cell::of(one.run, |run| Cell::text(run.to_string()))),
        Column::new("name", |one: &Imported| Cell::text(&one.name)),
        Column::new("state", |one: &Imported| Cell::of(one.state, state)),
        Column::new("files", |one: &Imported| number(one.files as u64)),
        Column::new("points", |one: &Imported| number(one.points)),
        Column::new("left_out", |one: &Imported| Cell::text(counts(&one.left_out))),
    ];
    Columns::new(|one: &Imported| one.run.map(|run| format!("id:{run}")).unwrap_or_default(), all)
}

fn number(count: u64) -> Cell {
    #[expect(clippy::cast_precision_loss, reason = "only orders rows; the text is exact")]
    let number = count as f64;
    Cell::Number { number, text: count.to_string() }
}

fn state(state: RunState) -> Cell {
    Cell::State { word: state.to_string(), more: String::new(), tone: Tone::of_run(state) }
}

/// What the files of a run hold.
#[derive(Debug, Default, Serialize)]
pub(super) struct Contents {
    pub(super) name: String,
    pub(super) files: usize,
    pub(super) metrics: BTreeSet<MetricName>,
    pub(super) points: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) params: BTreeMap<String, String>,
    pub(super) left_out: BTreeMap<String, u64>,
}

impl Contents {
    /// Adds what a batch holds.
    pub(super) fn add(&mut self, batch: Batch) {
        for point in batch.points {
            self.points += 1;
            self.first = [self.first, point.date].into_iter().flatten().min();
            self.last = [self.last, point.date].into_iter().flatten().max();
            if !self.metrics.contains(&point.name) {
                self.metrics.insert(point.name);
            }
        }
        self.params.extend(batch.params.into_iter().map(|(name, value)| (name, value.to_string())));
        add_counts(&mut self.left_out, &batch.left_out);
    }
}

/// Returns what can be shown of the files of a run.
pub(super) fn contents_columns() -> Columns<Contents> {
    let all = [
        Column::new("name", |one: &Contents| Cell::text(&one.name)),
        Column::new("files", |one: &Contents| number(one.files as u64)),
        Column::new("metrics", |one: &Contents| number(one.metrics.len() as u64)),
        Column::new("points", |one: &Contents| number(one.points)),
        Column::new("params", |one: &Contents| number(one.params.len() as u64)),
        Column::new("first", |one: &Contents| Cell::of(one.first, Cell::Moment)),
        Column::new("last", |one: &Contents| Cell::of(one.last, Cell::Moment)),
        Column::new("left_out", |one: &Contents| Cell::text(counts(&one.left_out))),
    ];
    Columns::new(|one: &Contents| one.name.clone(), all)
}

/// Adds counts by kind.
pub(super) fn add_counts(all: &mut BTreeMap<String, u64>, added: &BTreeMap<String, u64>) {
    for (kind, count) in added {
        *all.entry(kind.clone()).or_default() += count;
    }
}

fn counts(counts: &BTreeMap<String, u64>) -> String {
    counts.iter().map(|(kind, count)| format!("{kind}: {count}")).collect::<Vec<_>>().join(", ")
}
