//! Runs one script in a pod, in bounded time, with a constant argv.

use std::time::Duration;

use bytes::Bytes;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use crate::cluster::kubernetes::errors::error_text;
use crate::cluster::rank::Remaining;

/// Time for connecting, a busy node and some megabytes, in addition to what the script waits for.
const OVERHEAD: Duration = Duration::from_secs(30);
pub(super) const PIPE_BYTES: usize = 256 * 1024;
/// Maximum size of a script's stderr in bytes, enough for one message.
const MAX_STDERR_BYTES: usize = 4096;

/// The output of a script.
#[derive(Debug)]
pub(crate) struct ScriptOutput {
    pub(crate) stdout: Bytes,
    pub(crate) stderr: String,
    pub(crate) exit_code: i32,
}

impl ScriptOutput {
    /// Parses the number of remaining processes, which some scripts print.
    pub(crate) fn processes_left(&self) -> Option<usize> {
        std::str::from_utf8(&self.stdout).ok()?.trim().parse().ok()
    }

    /// Parses what is left of a rank, which the script of a signal prints.
    pub(crate) fn remaining(&self) -> Option<Remaining> {
        match self.stdout.trim_ascii() {
            b"supervisor" => Some(Remaining::Supervisor),
            _ => self.processes_left().map(Remaining::Processes),
        }
    }
}

/// Why a script has no output.
#[derive(Debug)]
pub(crate) enum ExecError {
    /// The API server or the kubelet refused the exec.
    Refused { code: u16, message: String },
    /// The container could not start a shell.
    NoShell(String),
    /// The stream failed, or was never established.
    Disconnected(String),
}

impl ExecError {
    /// Returns the cause.
    pub(crate) fn into_message(self) -> String {
        match self {
            Self::NoShell(why) | Self::Disconnected(why) | Self::Refused { message: why, .. } => why,
        }
    }
}

/// Executes `script` in a container. The script must end by itself after `timeout`.
pub(crate) async fn run_script(
    api: &Api<Pod>,
    pod: &str,
    container: Option<&str>,
    script: String,
    timeout: Duration,
) -> Result<ScriptOutput, ExecError> {
    let attach = AttachParams {
        container: container.map(str::to_owned),
        stdin: true,
        stdout: true,
        stderr: true,
        max_stdin_buf_size: Some(PIPE_BYTES),
        max_stdout_buf_size: Some(PIPE_BYTES),
        max_stderr_buf_size: Some(PIPE_BYTES),
        ..AttachParams::default()
    };
    let output = async {
        let process = api.exec(pod, ["sh"], &attach).await.map_err(|error| refused(&error))?;
        communicate(process, script).await
    };
    match tokio::time::timeout(timeout + OVERHEAD, output).await {
        Ok(output) => output,
        Err(_) => Err(ExecError::Disconnected("the command in the pod timed out".to_owned())),
    }
}

async fn communicate(mut process: AttachedProcess, script: String) -> Result<ScriptOutput, ExecError> {
    let missing = |what: &str| ExecError::Disconnected(format!("the exec stream has no {what}"));
    let mut stdin = process.stdin().ok_or_else(|| missing("stdin"))?;
    let stdout = process.stdout().ok_or_else(|| missing("stdout"))?;
    let stderr = process.stderr().ok_or_else(|| missing("stderr"))?;
    let status = process.take_status().ok_or_else(|| missing("status"))?;
    // A failed write means a broken stream or a shell that exited early, which the status distinguishes. The writer must live
    // until then: where the protocol cannot close one stream alone, dropping it closes the whole connection.
    let write = async {
        let _broken = stdin.write_all(script.as_bytes()).await;
        let _broken = stdin.flush().await;
        stdin
    };
    let (_stdin, stdout, stderr, status) =
        tokio::join!(write, read(stdout, usize::MAX), read(stderr, MAX_STDERR_BYTES), status);
    let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
    let status =
        status.ok_or_else(|| ExecError::Disconnected("the exec stream was interrupted".to_owned()))?;
    Ok(ScriptOutput { stdout: stdout.into(), stderr, exit_code: exit_code(&status)? })
}

/// Reads to the end, because unread bytes block the other streams, and keeps the first `max` bytes.
async fn read(mut from: impl AsyncRead + Unpin, max: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let free = max.saturating_sub(kept.len());
        kept.extend_from_slice(&piece[..length.min(free)]);
    }
    kept
}

/// Returns the exit code in a status.
pub(super) fn exit_code(status: &Status) -> Result<i32, ExecError> {
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let message = status.message.clone().unwrap_or_default();
    let causes = status.details.iter().flat_map(|details| details.causes.iter().flatten());
    let code = causes.into_iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    if let Some(code) = code.and_then(|cause| cause.message.as_deref()?.parse().ok()) {
        return Ok(code);
    }
    let no_shell = ["executable file not found", "no such file or directory"];
    if no_shell.iter().any(|text| message.contains(text)) {
        return Err(ExecError::NoShell(message));
    }
    Err(ExecError::Disconnected(message))
}

/// Converts an error of the request itself.
pub(super) fn refused(error: &kube::Error) -> ExecError {
    match error {
        kube::Error::Api(status) => ExecError::Refused { code: status.code, message: status.message.clone() },
        error => ExecError::Disconnected(error_text(error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn code(status: &Value) -> Result<i32, ExecError> {
        exit_code(&serde_json::from_value(status.clone()).unwrap())
    }

    #[test]
    fn exit_code_is_read_from_the_status() {
        assert_eq!(code(&json!({"status": "Success"})).unwrap(), 0);
        let failed = json!({"status": "Failure", "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}});
        assert_eq!(code(&failed).unwrap(), 3);
    }

    #[test]
    fn image_without_a_shell_differs_from_a_broken_stream() {
        let status = |message: &str| json!({"status": "Failure", "message": message});
        let missing = "OCI runtime exec failed: exec: \"sh\": executable file not found in $PATH";
        assert!(matches!(code(&status(missing)), Err(ExecError::NoShell(_))));
        assert!(matches!(code(&status("error dialing backend")), Err(ExecError::Disconnected(_))));
    }
}
