//! The folders of the repository, and cargo run in it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Cargo's target directory.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Builds every program in the dev profile, in which only the benchmarks are optimised.
///
/// The whole workspace: then dependencies have the features that the tests need, and cargo builds them once for both.
pub(crate) fn build_dev() -> Result<(), String> {
    println!("building …");
    if succeeds(&mut cargo(&["build", "--workspace", "--bins"]))? {
        Ok(())
    } else {
        Err("the build failed".to_owned())
    }
}

/// Builds the server and the command line in release mode.
///
/// Always both: with one package only, dependencies would have other features, and cargo would build them again.
pub(crate) fn build_release() -> Result<(), String> {
    println!("building in release mode …");
    let args = ["build", "--release", "--bins", "-p", "mlbench-server", "-p", "mlbench-cli"];
    if succeeds(&mut cargo(&args))? { Ok(()) } else { Err("the build failed".to_owned()) }
}

/// Runs a command and returns whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool, String> {
    let status = command.status().map_err(|error| format!("cannot run cargo: {error}"))?;
    Ok(status.success())
}

/// Prefixes of the variables that describe a package to its programs.
const PACKAGE_VARIABLES: [&str; 2] = ["CARGO_MANIFEST_", "CARGO_PKG_"];

/// A command that runs the same cargo at the root of the repository.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(args);
    // Cargo described xtask to this process. Build scripts that read these variables would rerun whenever cargo is called
    // from here after a call by hand.
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if PACKAGE_VARIABLES.iter().any(|prefix| name_text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}
