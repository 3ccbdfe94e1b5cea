//! Results as a table and as JSON.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use mlbench_core::Timestamp;
use serde_json::{Value, json};

use crate::error::Result;
use crate::machine::{Machine, Processors};

/// One measurement with its limit and its goals.
#[derive(Debug)]
pub(crate) struct Measurement {
    name: &'static str,
    what: String,
    database: String,
    value: f64,
    unit: &'static str,
    limit: Option<(&'static str, f64)>,
    notes: Vec<(&'static str, f64)>,
    goals: Vec<(String, bool)>,
}

impl Measurement {
    /// Creates a measurement of `value`, which `--only` selects by `name`.
    pub(crate) fn new(name: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let (what, database) = (what.into(), String::new());
        Self { name, what, database, value, unit, limit: None, notes: Vec::new(), goals: Vec::new() }
    }

    /// Adds the limit that was measured in turns with it, in the same unit.
    pub(crate) fn limit(mut self, what: &'static str, value: f64) -> Self {
        self.limit = Some((what, value));
        self
    }

    /// Adds a secondary result.
    pub(crate) fn note(mut self, what: &'static str, value: f64) -> Self {
        self.notes.push((what, value));
        self
    }

    /// Adds the goal that the value is at most `most`.
    pub(crate) fn at_most(self, most: f64) -> Self {
        let (value, unit) = (self.value, self.unit);
        self.goal(format!("≤ {} {unit}", number(most)), value <= most)
    }

    /// Adds the goal that the value is at least `least`.
    pub(crate) fn at_least(self, least: f64) -> Self {
        let (value, unit) = (self.value, self.unit);
        self.goal(format!("≥ {} {unit}", number(least)), value >= least)
    }

    /// Adds the goal that the value is at most `most` times the limit.
    pub(crate) fn times_at_most(self, most: f64) -> Self {
        let reached = self.ratio().is_some_and(|ratio| ratio <= most);
        self.goal(format!("≤ {} × limit", number(most)), reached)
    }

    /// Adds the goal that the value is at least `least` percent of the limit.
    pub(crate) fn percent_at_least(self, least: f64) -> Self {
        let reached = self.ratio().is_some_and(|ratio| ratio * 100.0 >= least);
        self.goal(format!("≥ {} % of limit", number(least)), reached)
    }

    /// Adds the goal that a secondary result is below `below`.
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
            "name": self.name, "what": self.what, "database": self.database, "value": self.value,
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
    begin: Processors,
    measurements: Vec<Measurement>,
    /// Measurements that failed, and why.
    pub(crate) failures: Vec<String>,
}

impl Report {
    /// Creates a report without measurements.
    pub(crate) fn new(machine: Machine, quick: bool) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (date, begin) = (Timestamp::EPOCH.saturating_add(now), Processors::now()?);
        Ok(Self { machine, quick, date, begin, measurements: Vec::new(), failures: Vec::new() })
    }

    fn noise(&self) -> f64 {
        Processors::now().map_or(f64::NAN, |now| now.taken_by_others_since(self.begin))
    }

    /// Adds measurements of a database.
    pub(crate) fn add(&mut self, database: &str, measurements: Vec<Measurement>) {
        for measurement in measurements {
            let measurement = Measurement { database: database.to_owned(), ..measurement };
            eprintln!(
                "  {}: {} {}  {}",
                measurement.what,
                number(measurement.value),
                measurement.unit,
                measurement.verdict()
            );
            self.measurements.push(measurement);
        }
    }

    /// Adds measurements of a database, or the reason of their failure.
    pub(crate) fn add_result(&mut self, database: &str, name: &str, result: Result<Vec<Measurement>>) {
        match result {
            Ok(measurements) => self.add(database, measurements),
            Err(error) => {
                eprintln!("  cannot measure {name}: {error}");
                self.failures.push(format!("{name} ({database}): {error}"));
            }
        }
    }

    /// Returns a Markdown table, which is readable on a terminal too.
    pub(crate) fn to_table(&self) -> String {
        let Machine { cores, processor, memory, syncs_per_second } = &self.machine;
        let mut text = format!(
            "{}{}: {cores} cores ({processor}), {:.0} GiB of memory, a disk with {} syncs per second;\n\
             other programs used {:.0} % of the processors meanwhile\n\n",
            &self.date.to_text().as_str()[..10],
            if self.quick { " (quick)" } else { "" },
            *memory as f64 / f64::from(1 << 30),
            number(*syncs_per_second),
            self.noise(),
        );
        let mut rows = vec![
            ["measurement", "database", "measured", "limit", "ratio", "goal: reached"].map(String::from),
        ];
        rows.extend(self.measurements.iter().map(row));
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
        let goals: usize = self.measurements.iter().map(|measurement| measurement.goals.len()).sum();
        let missed: usize = self.measurements.iter().map(Measurement::missed).sum();
        let _ = match missed {
            0 if self.failures.is_empty() => writeln!(text, "\nAll {goals} goals are reached."),
            _ => writeln!(text, "\n{missed} of {goals} goals are NOT reached."),
        };
        for failure in &self.failures {
            let _ = writeln!(text, "NOT measured: {failure}");
        }
        text
    }

    /// Returns all results as JSON.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "date": self.date.to_string(), "quick": self.quick, "machine": self.machine.to_json(),
            "percent_of_processors_taken_by_others": self.noise(),
            "measurements": self.measurements.iter().map(Measurement::to_json).collect::<Vec<_>>(),
            "failures": self.failures,
        })
    }
}

fn row(measurement: &Measurement) -> [String; 6] {
    let notes: String =
        measurement.notes.iter().map(|(what, value)| format!(", {what} {}", number(*value))).collect();
    [
        measurement.what.clone(),
        measurement.database.clone(),
        format!("{} {}{notes}", number(measurement.value), measurement.unit),
        measurement.limit.map_or_else(String::new, |(what, value)| format!("{} ({what})", number(value))),
        measurement.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        measurement.verdict(),
    ]
}

/// Formats a number with about three significant digits and thousands separators.
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
