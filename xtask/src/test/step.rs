//! Runs a step and shows its output.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::counts::Counts;
use super::report::Row;
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

/// Returns whether cargo finds the plugin of a command.
fn is_installed(command: &[&str]) -> Result<bool, String> {
    let plugin: Vec<&str> = command.iter().take(1).copied().chain(["--version"]).collect();
    repo::succeeds(repo::cargo(&plugin).stdout(Stdio::null()).stderr(Stdio::null()))
}

/// Runs a command, prints its output line by line, and returns its success and the lines.
fn run_and_show(mut command: Command, env: &[(&str, String)]) -> Result<(bool, Vec<String>), String> {
    let failed = |error| format!("cannot run cargo: {error}");
    command.envs(env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let (sender, lines) = mpsc::channel();
    for pipe in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let output: Vec<String> = lines.iter().inspect(|line| println!("{line}")).collect();
    Ok((child.wait().map_err(failed)?.success(), output))
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
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
