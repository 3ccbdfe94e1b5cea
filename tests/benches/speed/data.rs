//! The points that are sent.
//!
//! They are the same in every run, and built before anything is timed.

use std::io::Write as _;

use mlbench_core::Timestamp;

/// Date of the first point: 2026-01-01.
pub(crate) const BEGIN: i64 = 1_767_225_600_000_000;
/// Microseconds between two steps.
const STEP: i64 = 10_000;

/// The series of a run, each of which has a point at every step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    /// Id of the run.
    pub(crate) run: u64,
    /// Number of series.
    pub(crate) count: usize,
    /// Names of the first series. The others are losses.
    pub(crate) names: &'static [&'static str],
}

/// Metrics of a training that a comparison reads: the one that has a goal, and the times of the steps.
pub(crate) const TRAINING: &[&str] = &[
    "val_global_Prec@1 @ 0",
    "batch_load @ 0",
    "init @ 0",
    "fwd_pass @ 0",
    "comp_loss @ 0",
    "backprop @ 0",
    "agg @ 0",
    "opt_step @ 0",
    "comp_metrics @ 0",
];

impl Series {
    /// Returns the name of a series of losses.
    pub(crate) fn name(number: usize) -> String {
        format!("train_loss @ {number}")
    }

    /// Returns bodies of `POST /api/metrics/` for the points of some steps.
    ///
    /// They look like the specification's example.
    pub(crate) fn singles(self, first: usize, steps: usize) -> Vec<Vec<u8>> {
        self.points(first, steps)
            .map(|point| {
                let mut body = Vec::with_capacity(200);
                point.write(&mut body, r#","cumulative":false,"metadata":"{rank: 0, epoch: 1.5}""#);
                body
            })
            .collect()
    }

    /// Returns a JSON array of the points of some steps.
    pub(crate) fn array(self, first: usize, steps: usize) -> Vec<u8> {
        let mut body = Vec::with_capacity(120 * self.count * steps);
        body.push(b'[');
        for point in self.points(first, steps) {
            if body.len() > 1 {
                body.push(b',');
            }
            point.write(&mut body, "");
        }
        body.push(b']');
        body
    }

    /// Returns the points of some steps as NDJSON.
    pub(crate) fn lines(self, first: usize, steps: usize) -> Vec<u8> {
        let mut body = Vec::with_capacity(120 * self.count * steps);
        for point in self.points(first, steps) {
            point.write(&mut body, "");
            body.push(b'\n');
        }
        body
    }

    /// Returns the name of a series.
    pub(crate) fn name_of(self, number: usize) -> String {
        self.names.get(number).map_or_else(|| Self::name(number), ToString::to_string)
    }

    /// Returns the points of the first steps: number of the series, date and value.
    ///
    /// They are sent in imports of at most a million points, each with its own random numbers.
    pub(crate) fn values(self, steps: usize) -> impl Iterator<Item = (usize, Timestamp, f64)> {
        let each = self.steps_of_import();
        (0..steps).step_by(each).flat_map(move |begin| {
            let points = self.points(begin, each.min(steps - begin));
            points.enumerate().map(move |(at, point)| (at % self.count, point.date, point.value))
        })
    }

    /// Returns the most steps of one import.
    pub(crate) fn steps_of_import(self) -> usize {
        (1_000_000 / self.count).max(1)
    }

    fn points(self, first: usize, steps: usize) -> impl Iterator<Item = NewPoint> {
        let names: Vec<String> = (0..self.count).map(|number| self.name_of(number)).collect();
        let mut random = Random::new((self.run << 32) ^ first as u64);
        (first..first + steps).flat_map(move |step| {
            let date = Timestamp::from_micros(BEGIN + STEP * i64::try_from(step).unwrap_or(i64::MAX));
            let point =
                |name: &String| NewPoint { run: self.run, name: name.clone(), date, value: random.next() };
            names.iter().map(point).collect::<Vec<_>>()
        })
    }
}

struct NewPoint {
    run: u64,
    name: String,
    date: Timestamp,
    value: f64,
}

impl NewPoint {
    fn write(&self, body: &mut Vec<u8>, rest: &str) {
        let Self { run, name, value, .. } = self;
        let date = self.date.to_text();
        // Writing into memory does not fail.
        let _ = write!(
            body,
            r#"{{"run_id":{run},"name":"{name}","date":"{}","value":"{value}"{rest}}}"#,
            date.as_str()
        );
    }
}

/// Xorshift: numbers from 0 to 1 with all digits of a double, like the losses of a training.
pub(crate) struct Random(u64);

impl Random {
    /// Begins with a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ seed)
    }

    /// Returns the next number.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
