//! Installs the packages of the page and builds `dist/`.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::{node, tool};

/// The lock file whose packages are installed, kept among them.
const STAMP: &str = "node_modules/.mlbench-lock";

const INSTALL_TIMEOUT: Duration = Duration::from_secs(600);
const BUILD_TIMEOUT: Duration = Duration::from_secs(120);

/// Builds the page, and says how long it took.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    if !args.is_empty() {
        return Err(format!(
            "cargo xtask dashboard {}: unknown option; see cargo xtask help",
            args.join(" ")
        ));
    }
    let begin = Instant::now();
    node::find()?;
    build()?;
    let took = begin.elapsed().as_secs_f64();
    println!("the page is built in {} ({took:.1} s)", tool::folder().join("dist").display());
    Ok(ExitCode::SUCCESS)
}

/// Builds the page before a server that embeds it, or says why that server has none.
pub(crate) fn build_for_server() {
    println!("building the page …");
    if let Err(why) = node::find().and_then(|()| build()) {
        println!("the page is not built, the server responds without it: {why}");
    }
}

/// Builds the page with the packages of the lock file.
pub(super) fn build() -> Result<(), String> {
    install()?;
    tool::run("node", &["scripts/build.mjs"], BUILD_TIMEOUT).map(drop)
}

/// Installs the packages unless those of this lock file are installed.
///
/// No package runs a program of its own during the installation.
pub(super) fn install() -> Result<(), String> {
    let (lock, stamp) = (tool::folder().join("package-lock.json"), tool::folder().join(STAMP));
    let wanted = fs::read(&lock).map_err(|error| format!("cannot read {}: {error}", lock.display()))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"];
    tool::run("npm", &args, INSTALL_TIMEOUT)?;
    fs::write(&stamp, wanted).map_err(|error| format!("cannot write {}: {error}", stamp.display()))
}
