//! Says what was imported, and what a file holds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use mlbench_client::{MetricName, RunId, RunState, Timestamp};
use serde::Serialize;

use super::batch::Batch;
use crate::failure::Failure;
use crate::output::Printer;

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

/// Prints what was imported.
pub(super) fn print_imported(printer: &mut Printer<impl Write>, all: &[Imported]) -> Result<(), Failure> {
    let rows = all.iter().map(|one| {
        [
            one.run.map(|run| run.to_string()).unwrap_or_default(),
            one.name.clone(),
            one.state.map(|state| state.to_string()).unwrap_or_default(),
            one.files.to_string(),
            one.points.to_string(),
            counts(&one.left_out),
        ]
    });
    Ok(printer.print(&all, ["run", "name", "state", "files", "points", "left out"], rows)?)
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

/// Prints what the files hold.
pub(super) fn print_contents(printer: &mut Printer<impl Write>, all: &[Contents]) -> Result<(), Failure> {
    let date = |printer: &Printer<_>, date: Option<Timestamp>| {
        date.map(|date| printer.date(date)).unwrap_or_default()
    };
    let rows: Vec<[String; 8]> = all
        .iter()
        .map(|one| {
            [
                one.name.clone(),
                one.files.to_string(),
                one.metrics.len().to_string(),
                one.points.to_string(),
                one.params.len().to_string(),
                date(printer, one.first),
                date(printer, one.last),
                counts(&one.left_out),
            ]
        })
        .collect();
    let head = ["name", "files", "metrics", "points", "params", "first", "last", "left out"];
    Ok(printer.print(&all, head, rows)?)
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
