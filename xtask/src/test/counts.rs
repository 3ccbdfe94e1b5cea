//! Numbers of passed, failed and skipped tests, parsed from the output of cargo.

/// How a test without its tool reports that it is skipped, before it passes (`tests/src/tools.rs`).
const SKIPPED: &str = "SKIPPED ";

/// The results of a step.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: usize,
    /// Failed tests, or 1 for a step that failed as a whole.
    pub(super) failed: usize,
    pub(super) skipped: usize,
    /// Why tests were skipped, without repetitions.
    pub(super) reasons: Vec<String>,
    /// The names of the failed tests.
    pub(super) failures: Vec<String>,
}

impl Counts {
    /// The result of a step that is one test.
    pub(super) fn of_one(ok: bool) -> Self {
        Self { passed: usize::from(ok), failed: usize::from(!ok), ..Self::default() }
    }

    /// The totals of all test programs in the output of `cargo test`. `ok` is whether cargo succeeded.
    ///
    /// A step without any test has failed, because its filter probably has a typing error.
    pub(super) fn of_tests(output: &[String], ok: bool) -> Self {
        let mut counts = Self::default();
        let mut without_tool = 0;
        for line in output {
            if let Some(result) = line.strip_prefix("test result: ") {
                counts.passed += number_before(result, " passed");
                counts.failed += number_before(result, " failed");
                counts.skipped += number_before(result, " ignored");
            } else if let Some((_, reason)) =
                line.strip_prefix(SKIPPED).and_then(|rest| rest.split_once(": "))
            {
                without_tool += 1;
                if !counts.reasons.iter().any(|known| known == reason) {
                    counts.reasons.push(reason.to_owned());
                }
            } else if let Some(name) =
                line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
            {
                counts.failures.push(name.to_owned());
            }
        }
        counts.passed = counts.passed.saturating_sub(without_tool);
        counts.skipped += without_tool;
        let none = counts.passed == 0 && counts.failed == 0 && counts.skipped == 0;
        if counts.failed == 0 && (none || !ok) {
            counts.failed = 1;
            let why =
                if none && ok { "no test ran" } else { "the tests did not build, or a test program crashed" };
            counts.failures.push(why.to_owned());
        }
        counts
    }
}

fn number_before(text: &str, word: &str) -> usize {
    let before = text.split(word).next().unwrap_or_default();
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(output: &str, ok: bool) -> Counts {
        Counts::of_tests(&output.lines().map(ToOwned::to_owned).collect::<Vec<_>>(), ok)
    }

    #[test]
    fn results_of_several_programs_are_added_up() {
        let output = "test a ... ok\ntest b::c ... FAILED\n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s\n\
            test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
        let expected = Counts {
            passed: 13,
            failed: 1,
            skipped: 2,
            failures: vec!["b::c".to_owned()],
            ..Counts::default()
        };
        assert_eq!(count(output, false), expected);
    }

    #[test]
    fn a_skipped_test_does_not_count_as_passed() {
        let output = "SKIPPED mpirun::a: needs mpirun\nSKIPPED mpirun::b: needs mpirun\n\
            test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
        let expected =
            Counts { passed: 1, skipped: 2, reasons: vec!["needs mpirun".to_owned()], ..Counts::default() };
        assert_eq!(count(output, true), expected);
    }

    #[test]
    fn a_step_without_tests_or_with_a_failed_build_has_failed() {
        assert_eq!(count("", true).failed, 1);
        assert_eq!(count("error[E0425]: cannot find value\n", false).failed, 1);
        let crashed =
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\nerror: SIGSEGV\n";
        assert_eq!(count(crashed, false).failed, 1);
    }
}
