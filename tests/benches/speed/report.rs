//! What was measured, as a table and as JSON.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use mlbench_core::Timestamp;
use serde_json::{Value, json};

use crate::Result;
use crate::machine::Machine;

/// One measurement beside its limit and its goals.
#[derive(Debug)]
pub(crate) struct Figure {
    name: &'static str,
    what: String,
    database: String,
    value: f64,
    unit: &'static str,
    limit: Option<(&'static str, f64)>,
    notes: Vec<(&'static str, f64)>,
    goals: Vec<(String, bool)>,
}

impl Figure {
    /// A measurement of `value`, called `name` by `--only`.
    pub(crate) fn new(name: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let (what, database) = (what.into(), String::new());
        Self { name, what, database, value, unit, limit: None, notes: Vec::new(), goals: Vec::new() }
    }

    /// The limit that was measured beside it, in the same unit.
    pub(crate) fn limit(mut self, what: &'static str, value: f64) -> Self {
        self.limit = Some((what, value));
        self
    }

    /// Something to know besides.
    pub(crate) fn note(mut self, what: &'static str, value: f64) -> Self {
        self.notes.push((what, value));
        self
    }

    /// The measurement should be at most this.
    pub(crate) fn at_most(self, most: f64) -> Self {
        let (value, unit) = (self.value, self.unit);
        self.goal(format!("≤ {} {unit}", number(most)), value <= most)
    }

    /// The measurement should be at least this.
    pub(crate) fn at_least(self, least: f64) -> Self {
        let (value, unit) = (self.value, self.unit);
        self.goal(format!("≥ {} {unit}", number(least)), value >= least)
    }

    /// The measurement should be at most so many times its limit.
    pub(crate) fn times_at_most(self, most: f64) -> Self {
        let reached = self.ratio().is_some_and(|ratio| ratio <= most);
        self.goal(format!("≤ {} × limit", number(most)), reached)
    }

    /// The measurement should be at least so many percent of its limit.
    pub(crate) fn percent_at_least(self, least: f64) -> Self {
        let reached = self.ratio().is_some_and(|ratio| ratio * 100.0 >= least);
        self.goal(format!("≥ {} % of limit", number(least)), reached)
    }

    /// What was noted under this name should be below `below`.
    pub(crate) fn note_below(self, what: &str, below: f64) -> Self {
        let reached = self.notes.iter().any(|(name, value)| *name == what && *value < below);
        self.goal(format!("{what} < {}", number(below)), reached)
    }

    fn goal(mut self, text: String, reached: bool) -> Self {
        self.goals.push((text, reached));
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.limit.map(|(_, limit)| self.value / limit)
    }

    fn missed(&self) -> usize {
        self.goals.iter().filter(|(_, reached)| !reached).count()
    }

    fn verdict(&self) -> String {
        let goals: Vec<String> = self
            .goals
            .iter()
            .map(|(goal, reached)| format!("{goal}: {}", if *reached { "yes" } else { "NO" }))
            .collect();
        goals.join(", ")
    }

    fn to_json(&self) -> Value {
        let notes: serde_json::Map<String, Value> =
            self.notes.iter().map(|(what, value)| ((*what).to_owned(), json!(value))).collect();
        let goals: Vec<Value> =
            self.goals.iter().map(|(goal, reached)| json!({"goal": goal, "reached": reached})).collect();
        json!({
            "figure": self.name, "what": self.what, "database": self.database, "value": self.value,
            "unit": self.unit, "limit": self.limit.map(|(what, value)| json!({"what": what, "value": value})),
            "ratio": self.ratio(), "notes": notes, "goals": goals,
        })
    }
}

/// All measurements of one run of the benchmarks.
#[derive(Debug)]
pub(crate) struct Report {
    machine: Machine,
    quick: bool,
    date: Timestamp,
    figures: Vec<Figure>,
    /// What could not be measured, and why.
    failures: Vec<String>,
}

impl Report {
    /// A report without measurements.
    pub(crate) fn new(machine: Machine, quick: bool) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            machine,
            quick,
            date: Timestamp::EPOCH.saturating_add(now),
            figures: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Adds what was measured on a database.
    pub(crate) fn add(&mut self, database: &str, figures: Vec<Figure>) {
        for figure in figures {
            let figure = Figure { database: database.to_owned(), ..figure };
            eprintln!("  {}: {} {}  {}", figure.what, number(figure.value), figure.unit, figure.verdict());
            self.figures.push(figure);
        }
    }

    /// Adds what was measured on a database, or why it could not be.
    pub(crate) fn outcome(&mut self, database: &str, name: &str, outcome: Result<Vec<Figure>>) {
        match outcome {
            Ok(figures) => self.add(database, figures),
            Err(error) => {
                eprintln!("  {name} cannot be measured: {error}");
                self.failures.push(format!("{name} ({database}): {error}"));
            }
        }
    }

    /// A table in Markdown, which reads well on a terminal too.
    pub(crate) fn to_table(&self) -> String {
        let Machine { cores, processor, memory, syncs_per_second } = &self.machine;
        let mut text = format!(
            "{}{}: {cores} cores ({processor}), {:.0} GiB of memory, a disk that syncs {} times a second\n\n",
            &self.date.to_text().as_str()[..10],
            if self.quick { " (quick)" } else { "" },
            *memory as f64 / f64::from(1 << 30),
            number(*syncs_per_second),
        );
        let mut rows =
            vec![["figure", "database", "measured", "limit", "ratio", "goal: reached"].map(String::from)];
        rows.extend(self.figures.iter().map(row));
        let widths: [usize; 6] = std::array::from_fn(|column| {
            rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        });
        rows.insert(1, widths.map(|width| "-".repeat(width)));
        for row in rows {
            for (cell, width) in row.iter().zip(widths) {
                let _ = write!(text, "| {cell:width$} ");
            }
            text.push_str("|\n");
        }
        let goals: usize = self.figures.iter().map(|figure| figure.goals.len()).sum();
        let missed: usize = self.figures.iter().map(Figure::missed).sum();
        let _ = match missed {
            0 => writeln!(text, "\nAll {goals} goals are reached."),
            _ => writeln!(text, "\n{missed} of {goals} goals are NOT reached."),
        };
        for failure in &self.failures {
            let _ = writeln!(text, "NOT measured: {failure}");
        }
        text
    }

    /// Everything, for programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "date": self.date.to_string(), "quick": self.quick, "machine": self.machine.to_json(),
            "figures": self.figures.iter().map(Figure::to_json).collect::<Vec<_>>(),
            "failures": self.failures,
        })
    }
}

fn row(figure: &Figure) -> [String; 6] {
    let notes: String =
        figure.notes.iter().map(|(what, value)| format!(", {what} {}", number(*value))).collect();
    [
        figure.what.clone(),
        figure.database.clone(),
        format!("{} {}{notes}", number(figure.value), figure.unit),
        figure.limit.map_or_else(String::new, |(what, value)| format!("{} ({what})", number(value))),
        figure.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        figure.verdict(),
    ]
}

/// Three digits that count, thousands apart.
fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        let text = if value.abs() < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") };
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}
