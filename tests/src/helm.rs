//! Helm's own SDK, as a Python program that renders, checks and installs the chart.

use std::path::Path;

use crate::cli::{CommandOutput, run_program};
use crate::source::source;

/// Runs `tests/python/helm_chart.py` with these arguments.
///
/// `python` is that of [`tools::helm`](crate::tools::helm).
pub async fn helm(python: &Path, args: &[&str]) -> CommandOutput {
    let script = source("tests/python/helm_chart.py");
    run_program(python, &[&[script.as_str()], args].concat()).await
}
