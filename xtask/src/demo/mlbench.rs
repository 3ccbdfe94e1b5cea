//! The command line, as a program that reads its answers.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use tokio::process::Command;

/// `mlbench` and the server that it talks to.
#[derive(Debug, Clone)]
pub(super) struct Mlbench {
    /// The executable.
    pub(super) program: PathBuf,
    /// The address of the server.
    pub(super) url: String,
}

impl Mlbench {
    /// Runs a command and reads what it prints as JSON.
    pub(super) async fn json<T: DeserializeOwned>(&self, args: &[&str]) -> Result<T, String> {
        let what = || format!("mlbench {}", args.join(" "));
        let output = Command::new(&self.program)
            .args(["--url", &self.url])
            .args(args)
            .args(["-o", "json"])
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| format!("{}: {error}", what()))?;
        if !output.status.success() {
            return Err(format!("{}: {}", what(), String::from_utf8_lossy(&output.stderr)));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{}: {error}", what()))
    }
}
