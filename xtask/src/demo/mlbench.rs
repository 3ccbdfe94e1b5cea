//! Runs the `mlbench` command line and parses its output.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use tokio::process::Command;

/// The command line and the server that it connects to.
#[derive(Debug, Clone)]
pub(super) struct Mlbench {
    /// The executable.
    pub(super) program: PathBuf,
    /// The base URL of the server.
    pub(super) url: String,
}

impl Mlbench {
    /// Runs a command with `-o json` and parses what it prints.
    pub(super) async fn json<T: DeserializeOwned>(&self, args: &[&str]) -> Result<T, String> {
        let command = || format!("mlbench {}", args.join(" "));
        let output = Command::new(&self.program)
            .args(["--url", &self.url])
            .args(args)
            .args(["-o", "json"])
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| format!("{}: {error}", command()))?;
        if !output.status.success() {
            return Err(format!("{}: {}", command(), String::from_utf8_lossy(&output.stderr)));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{}: {error}", command()))
    }
}
