//! The commit of a build, for the build scripts of both programs.

use std::env;
use std::path::Path;
use std::process::Command;

/// Returns the instructions by which cargo sets `MLBENCH_BUILD`: the commit and its date.
///
/// Only a release build depends on the commit: after a commit, cargo builds nothing of a debug build again.
pub(crate) fn instructions() -> Vec<String> {
    let mut instructions = vec!["cargo:rerun-if-changed=../build/commit.rs".to_owned()];
    let build = if env::var("PROFILE").as_deref() == Ok("release") {
        let commit = commit();
        if commit.is_some() {
            instructions.extend(watched().map(|path| format!("cargo:rerun-if-changed={path}")));
        }
        commit.unwrap_or_else(|| "unknown commit".to_owned())
    } else {
        "debug build".to_owned()
    };
    instructions.push(format!("cargo:rustc-env=MLBENCH_BUILD={build}"));
    instructions
}

/// Returns the commit of this folder and its date. `None` where Git does not know this folder.
fn commit() -> Option<String> {
    // A copy of the sources may lie in the repository of something else.
    git(&["ls-files", "--error-unmatch", "Cargo.toml"])?;
    git(&["log", "-1", "--abbrev=9", "--format=%h %cs"])
}

/// Returns the files that change with the commit: the log of `HEAD`, if Git keeps one, or else the branch.
fn watched() -> impl Iterator<Item = String> {
    let branch = git(&["symbolic-ref", "-q", "HEAD"]);
    let names = ["logs/HEAD".to_owned(), "HEAD".to_owned()].into_iter().chain(branch);
    let paths = names.filter_map(|name| git(&["rev-parse", "--git-path", &name]));
    // Cargo would run the script each time if one of them did not exist.
    paths.filter(|path| Path::new(path).is_file())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}
