//! Runs `kubectl`.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Timeout of one command, long enough for a restart of the API server.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);

/// Runs `kubectl` with these arguments and this standard input, and returns its standard output.
///
/// # Errors
/// The standard error of a command that fails.
pub(super) async fn try_kubectl(args: &[&str], input: &str) -> Result<String, String> {
    let mut command = Command::new("kubectl");
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("kubectl: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).await.map_err(|error| format!("kubectl: {error}"))?;
    }
    let exited = tokio::time::timeout(COMMAND_TIMEOUT, child.wait_with_output()).await;
    let output = exited.map_err(|_| format!("kubectl {args:?} did not exit"))?.map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Runs `kubectl` like [`try_kubectl`].
///
/// # Panics
/// If the command fails.
pub(super) async fn kubectl(args: &[&str], input: &str) -> String {
    try_kubectl(args, input).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the objects of a list as JSON.
pub(super) async fn items(args: &[&str]) -> Vec<Value> {
    let text = kubectl(&[args, &["-o", "json"]].concat(), "").await;
    let list: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    list["items"].as_array().cloned().unwrap_or_default()
}
