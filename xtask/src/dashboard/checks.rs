//! The checks of the page, a step of `cargo xtask test`.

use std::time::Duration;

use super::{build, node, size, tool};

const TIMEOUT: Duration = Duration::from_secs(300);

/// The result of the checks.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The number of checks and unit tests that passed.
    pub(crate) passed: usize,
    /// The names of the failed checks.
    pub(crate) failures: Vec<String>,
}

/// Builds the page and runs every check of its sources. Prints the output of those that fail.
///
/// # Errors
/// A sentence that says what to install where Node is missing.
pub(crate) fn check() -> Result<Checked, String> {
    node::find()?;
    let dist = tool::folder().join("dist");
    let mut checked = Checked::default();
    if checked.add("packages", build::install()).is_none() {
        return Ok(checked);
    }
    let program = |args: &[&str]| tool::run("node", args, TIMEOUT);
    checked.add("build", build::build());
    checked.add("tsc", program(&["node_modules/typescript/bin/tsc"]));
    checked.add("eslint", program(&["node_modules/eslint/bin/eslint.js", "."]));
    checked.add("prettier", program(&["node_modules/prettier/bin/prettier.cjs", "--check", "."]));
    checked.add("size", size::size(&dist));
    checked.add("addresses", size::no_foreign_address(&dist));
    let tests = program(&["scripts/test.mjs"]).and_then(|output| passed_tests(&output));
    if let Some(passed) = checked.add("unit tests", tests) {
        checked.passed += passed - 1;
    }
    Ok(checked)
}

impl Checked {
    /// Counts a check, and returns whether it passed.
    fn add<T>(&mut self, name: &str, result: Result<T, String>) -> Option<T> {
        match result {
            Ok(value) => {
                self.passed += 1;
                Some(value)
            }
            Err(why) => {
                println!("{name}: {why}");
                self.failures.push(name.to_owned());
                None
            }
        }
    }
}

/// Returns the number of passed tests in the summary of `node --test`, at least 1.
fn passed_tests(output: &str) -> Result<usize, String> {
    let mut counts = output.lines().filter_map(|line| {
        line.trim_start_matches(['#', 'ℹ', ' ']).strip_prefix("pass ")?.trim().parse::<usize>().ok()
    });
    counts.next_back().filter(|passed| *passed > 0).ok_or_else(|| format!("no test ran\n{output}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_counted_in_both_summaries_of_node() {
        assert_eq!(passed_tests("ok 1 - a\n# tests 3\n# pass 2\n# fail 1\n"), Ok(2));
        assert_eq!(passed_tests("✔ a\nℹ tests 12\nℹ pass 12\n"), Ok(12));
        assert!(passed_tests("nothing").is_err() && passed_tests("# pass 0").is_err());
    }

    #[test]
    fn a_failed_check_is_named() {
        let mut checked = Checked::default();
        assert_eq!(checked.add("tsc", Ok(7)), Some(7));
        assert_eq!(checked.add("eslint", Err::<(), _>("a rule".to_owned())), None);
        assert_eq!((checked.passed, checked.failures), (1, vec!["eslint".to_owned()]));
    }
}
