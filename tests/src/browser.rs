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
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap();
    let mut command = Command::new("node");
    clean_environment(&mut command);
    command.args(["scripts/browser.mjs", name]);
    command.env("MLBENCH_BIN_DIR", binary("mlbench-server").parent().unwrap());
    command.env("MLBENCH_CHROMIUM", chromium).env("MLBENCH_SCREENSHOTS", target.join("screenshots"));
    run_script(command).await.unwrap_or_else(|problem| panic!("the flow {name}: {problem}"));
}

/// Measures the page with `browser/bench/main.mjs` and this Chromium, and returns the JSON that it prints.
///
/// `setup` names the server and what is in its database.
///
/// # Errors
/// With the output of the program when it fails or takes too long.
pub async fn measure_page(setup: &serde_json::Value, chromium: &Path) -> Result<String, String> {
    let mut command = Command::new("node");
    command.arg("browser/bench/main.mjs");
    command.env("MLBENCH_BENCH", setup.to_string()).env("MLBENCH_CHROMIUM", chromium);
    run_script(command).await
}

/// Runs a program of the page in its folder and returns its output.
///
/// Nothing that it started is left.
async fn run_script(mut command: Command) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    command.current_dir(dashboard()).env("TMPDIR", folder.path()).env("E2E_BROWSER_DIR", folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().map_err(|error| format!("cannot start node: {error}"))?;
    let ended = tokio::time::timeout(FLOW_TIMEOUT, child.wait_with_output()).await;
    let marker = format!("E2E_BROWSER_DIR={}\0", folder.path().display());
    while let processes @ [_, ..] = processes_with(&marker).as_slice() {
        processes.iter().for_each(Process::kill);
    }
    let output = ended
        .map_err(|_| format!("it did not end within {FLOW_TIMEOUT:?}"))?
        .map_err(|error| format!("its output cannot be read: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!("{}\n{}", text(&output.stdout), text(&output.stderr))),
    }
}
