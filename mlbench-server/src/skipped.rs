//! Tests whose tool is missing.

use std::io::Write as _;

/// Reports the current test as skipped, so that `cargo xtask test` counts it and prints what it needs.
pub(crate) fn skipped(needs: &str) {
    let current = std::thread::current();
    let test = current.name().unwrap_or("a test");
    // Not `eprintln!`: the test harness captures what macros print.
    let _ = std::io::stderr().write_all(format!("SKIPPED {test}: {needs}\n").as_bytes());
}
