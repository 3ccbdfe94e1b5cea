//! Runs the `mlbench` command line and parses its output.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use tokio::process::Command;

/// Exit code of `mlbench` for a run, pod or metric that does not exist.
const NOT_FOUND: i32 = 3;

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
        self.json_if_found(args).await?.ok_or_else(|| format!("mlbench {}: not found", args.join(" ")))
    }

    /// Runs a command like [`json`](Self::json). Returns `None` when it does not find what it is asked for.
    pub(super) async fn json_if_found<T: DeserializeOwned>(
        &self,
        args: &[&str],
    ) -> Result<Option<T>, String> {
        let command = || format!("mlbench {}", args.join(" "));
        let output = Command::new(&self.program)
            .args(["--url", &self.url])
            .args(args)
            .args(["-o", "json"])
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| format!("{}: {error}", command()))?;
        if output.status.code() == Some(NOT_FOUND) {
            return Ok(None);
        }
        if !output.status.success() {
            return Err(format!("{}: {}", command(), String::from_utf8_lossy(&output.stderr)));
        }
        serde_json::from_slice(&output.stdout).map(Some).map_err(|error| format!("{}: {error}", command()))
    }
}
