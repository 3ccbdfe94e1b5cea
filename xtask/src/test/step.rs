//! Runs a step and shows its output.

use std::process::ExitCode;
use std::time::Instant;

use super::counts::Counts;
use super::process::{is_installed, run_and_show};
use super::report::Row;
use super::{features, semver};
use crate::dashboard::{self, Checked};
use crate::{repo, tidy};

/// A step of `cargo xtask test`.
pub(super) struct Step {
    /// The name in the report and for `--only`.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// The work of a step.
pub(super) enum Kind {
    /// A cargo command that passes or fails as a whole.
    Cargo(&'static [&'static str]),
    /// A command of a cargo plugin that passes or fails as a whole.
    Plugin {
        command: &'static [&'static str],
        /// Why the step is skipped where the plugin is not installed, and what to do.
        missing: &'static str,
    },
    /// The combinations of the client's features.
    Features,
    /// The public interface beside that of the newest release.
    Semver,
    /// The checks of `cargo xtask tidy`, in this process.
    Tidy,
    /// The build of the page, and the checks of its sources.
    Page,
    /// A cargo command that runs tests.
    Tests(&'static [&'static str]),
}

impl Step {
    /// Whether the step runs the server and the command line, so that they must be built before it.
    pub(super) fn runs_binaries(&self) -> bool {
        matches!(&self.kind, Kind::Tests(command) if !command.contains(&"--lib"))
    }

    /// Runs the step.
    ///
    /// # Errors
    /// If the command of the step cannot start.
    pub(super) fn run(&self, env: &[(&str, String)]) -> Result<Row, String> {
        let begin = Instant::now();
        let counts = match &self.kind {
            Kind::Cargo(command) => {
                let (ok, _) = run_and_show(repo::cargo(command), env)?;
                Counts::of_one(ok)
            }
            Kind::Plugin { command, missing } => {
                if !is_installed(command)? {
                    return Ok(Row::not_run(self.name, missing));
                }
                Counts::of_one(run_and_show(repo::cargo(command), env)?.0)
            }
            Kind::Features => features::check(env)?,
            Kind::Semver => match semver::check(env)? {
                Ok(counts) => counts,
                Err(missing) => return Ok(Row::not_run(self.name, missing)),
            },
            Kind::Tidy => Counts::of_one(tidy::run()? == ExitCode::SUCCESS),
            Kind::Page => match dashboard::check() {
                Ok(Checked { passed, failures }) => {
                    Counts { passed, failed: failures.len(), failures, ..Counts::default() }
                }
                Err(needs) => return Ok(Row::not_run(self.name, &needs)),
            },
            Kind::Tests(command) => {
                let (ok, output) = run_and_show(repo::cargo(command), env)?;
                Counts::of_tests(&output, ok)
            }
        };
        Ok(Row::ran(self.name, counts, begin.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_without_its_plugin_is_skipped_and_not_failed() {
        let kind = Kind::Plugin { command: &["no-such-plugin", "check"], missing: "needs a plugin" };
        let row = Step { name: "deny", kind }.run(&[]).unwrap();
        assert!(row.skipped() && !row.failed());
        assert!(is_installed(&["fmt"]).unwrap());
    }
}
