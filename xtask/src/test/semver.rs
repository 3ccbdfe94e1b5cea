//! Changes of the public interface that need a new version.

use std::process::Command;

use super::counts::Counts;
use super::process::{is_installed, run_and_show};
use crate::repo;

/// What programs depend on: the client, and the types of the core that it re-exports.
const COMMAND: &[&str] =
    &["semver-checks", "--package", "mlbench-client", "--package", "mlbench-core", "--baseline-rev"];
const NO_TOOL: &str =
    "needs cargo-semver-checks; install it with `cargo install --locked cargo-semver-checks`";
const NO_RELEASE: &str = "needs a release to compare with: a tag such as v0.1.0 in this repository. Nothing is \
                          published, so before the first tag no interface is promised";

/// Compares the public interface with that of the newest release.
///
/// `Err` of the inner result says what is missing.
pub(super) fn check(env: &[(&str, String)]) -> Result<Result<Counts, &'static str>, String> {
    if !is_installed(COMMAND)? {
        return Ok(Err(NO_TOOL));
    }
    let Some(release) = newest_release() else { return Ok(Err(NO_RELEASE)) };
    let command = [COMMAND, &[release.as_str()]].concat();
    Ok(Ok(Counts::of_one(run_and_show(repo::cargo(&command), env)?.0)))
}

/// Returns the newest tag of a version before this commit.
fn newest_release() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]).current_dir(repo::root());
    let output = git.output().ok().filter(|output| output.status.success())?;
    let tag = String::from_utf8(output.stdout).ok()?;
    Some(tag.trim().to_owned()).filter(|tag| !tag.is_empty())
}
