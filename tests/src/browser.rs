//! Flows of the page in a real browser.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::binaries::binary;
use crate::cli::clean_environment;
use crate::processes::{Process, processes_with};

/// Longest time for a flow, which only a failure takes.
const FLOW_TIMEOUT: Duration = Duration::from_secs(600);

/// Returns the folder of the page's sources.
#[must_use]
pub fn dashboard() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mlbench-server/dashboard")
}

/// Runs `browser/NAME.test.ts` of the page, which starts its own servers and tabs of this Chromium.
///
/// Its pictures are in `screenshots/` of Cargo's target directory. Nothing that it started is left.
///
/// # Panics
/// With the output of the flow when it fails or takes too long.
pub async fn run_flow(name: &str, chromium: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap();
    let mut command = Command::new("node");
    clean_environment(&mut command);
    command.args(["scripts/browser.mjs", name]).current_dir(dashboard());
    command.env("MLBENCH_BIN_DIR", binary("mlbench-server").parent().unwrap());
    command.env("MLBENCH_CHROMIUM", chromium).env("MLBENCH_SCREENSHOTS", target.join("screenshots"));
    command.env("TMPDIR", folder.path()).env("E2E_BROWSER_DIR", folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let ended = tokio::time::timeout(FLOW_TIMEOUT, command.spawn().unwrap().wait_with_output()).await;
    let marker = format!("E2E_BROWSER_DIR={}\0", folder.path().display());
    while let processes @ [_, ..] = processes_with(&marker).as_slice() {
        processes.iter().for_each(Process::kill);
    }
    let output =
        ended.unwrap_or_else(|_| panic!("the flow {name} did not end within {FLOW_TIMEOUT:?}")).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}
