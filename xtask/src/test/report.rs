//! The last lines of `cargo xtask test`.

use std::fmt::Write as _;
use std::time::Duration;

use super::counts::Counts;

/// The result of a step.
#[derive(Debug)]
pub(super) struct Row {
    /// The name of the step.
    pub(super) step: &'static str,
    counts: Counts,
    took: Option<Duration>,
}

impl Row {
    /// The row of a step that ran.
    pub(super) fn ran(step: &'static str, counts: Counts, took: Duration) -> Self {
        Self { step, counts, took: Some(took) }
    }

    /// The row of a step that did not run, which counts as one skipped test.
    pub(super) fn not_run(step: &'static str, why: &str) -> Self {
        let counts = Counts { skipped: 1, reasons: vec![why.to_owned()], ..Counts::default() };
        Self { step, counts, took: None }
    }

    /// Whether a test failed.
    pub(super) fn failed(&self) -> bool {
        self.counts.failed > 0
    }

    /// Whether a test was skipped.
    pub(super) fn skipped(&self) -> bool {
        self.counts.skipped > 0
    }

    fn outcome(&self) -> &'static str {
        match (self.counts.failed, self.counts.passed) {
            (1.., _) => "FAILED",
            (0, 0) => "skipped",
            (0, _) => "ok",
        }
    }
}

/// Renders the table, the failed and the skipped tests, and the line for programs.
pub(super) fn render(rows: &[Row]) -> String {
    let mut out = format!(
        "\n{:<14} {:<8} {:>6} {:>6} {:>7} {:>8}\n",
        "step", "outcome", "passed", "failed", "skipped", "seconds"
    );
    let mut failed = String::new();
    let mut skipped = String::new();
    let mut sums = [0; 3];
    for row in rows {
        let counts = &row.counts;
        let took = row.took.map_or_else(String::new, |took| format!("{:.1}", took.as_secs_f64()));
        let numbers = [counts.passed, counts.failed, counts.skipped];
        sums = std::array::from_fn(|i| sums[i] + numbers[i]);
        let [passed, bad, left_out] = numbers;
        let _ = writeln!(
            out,
            "{:<14} {:<8} {passed:>6} {bad:>6} {left_out:>7} {took:>8}",
            row.step,
            row.outcome()
        );
        for name in &counts.failures {
            let _ = writeln!(failed, "  {}: {name}", row.step);
        }
        for reason in &counts.reasons {
            let _ = writeln!(skipped, "  {}: {reason}", row.step);
        }
    }
    for (title, lines) in [("Failed", failed), ("Skipped", skipped)] {
        if !lines.is_empty() {
            let _ = write!(out, "\n{title}:\n{lines}");
        }
    }
    let [passed, failed, skipped] = sums;
    let _ = writeln!(out, "\n{passed} passed, {failed} failed, {skipped} skipped");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_ends_with_the_line_for_programs() {
        let tests = Counts {
            passed: 5,
            failed: 1,
            skipped: 1,
            reasons: vec!["needs mpirun".to_owned()],
            failures: vec!["runs::start".to_owned()],
        };
        let rows = [
            Row::ran("fmt", Counts::of_one(true), Duration::from_millis(1240)),
            Row::ran("end-to-end", tests, Duration::from_secs(60)),
            Row::not_run("kubernetes", "needs a kubeconfig"),
        ];
        let report = render(&rows);
        assert!(report.ends_with("\n6 passed, 1 failed, 2 skipped\n"), "{report}");
        for line in [
            "fmt            ok            1      0       0      1.2",
            "end-to-end: runs::start",
            "kubernetes: needs a kubeconfig",
        ] {
            assert!(report.contains(line), "{line:?} is not in {report}");
        }
        assert!(rows[1].failed() && !rows[2].failed());
        assert!(rows[1].skipped() && rows[2].skipped() && !rows[0].skipped());
    }
}
