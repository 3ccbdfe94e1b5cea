//! The runs of the demo.

/// One run of the demo.
pub(super) struct DemoRun {
    pub(super) name: &'static str,
    pub(super) workers: usize,
    /// Arguments of `mlbench benchmark logistic-regression`.
    pub(super) arguments: &'static str,
}

/// Large enough that a second worker pays off, and that one worker takes 5 to 10 seconds for each training.
const SYNTHETIC: &str =
    "--synthetic 50000x1000 --batch-size 20000 --learning-rate 3 --validate-every 10 --repeats 3";
/// Real data, so small that its ranks mostly exchange gradients.
const BREAST_CANCER: &str = "--breast-cancer --repeats 5";

/// All runs in the order in which the demo starts them.
pub(super) const RUNS: &[DemoRun] = &[
    DemoRun { name: "synthetic, 1 worker", workers: 1, arguments: SYNTHETIC },
    DemoRun { name: "synthetic, 2 workers", workers: 2, arguments: SYNTHETIC },
    DemoRun { name: "synthetic, 4 workers", workers: 4, arguments: SYNTHETIC },
    DemoRun { name: "breast cancer, 2 workers", workers: 2, arguments: BREAST_CANCER },
];
