//! Runs one script in a pod, in bounded time, over an exec of constant argv.

use std::time::Duration;

use bytes::Bytes;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// Time for a script beside what it waits for itself: connecting, a busy node, some megabytes.
const OVERHEAD: Duration = Duration::from_secs(30);
const PIPE_BYTES: usize = 256 * 1024;
/// Of a script's stderr no more is kept: it is for one sentence.
const STDERR_BYTES: usize = 4096;

/// What a script output.
#[derive(Debug)]
pub(super) struct ScriptOutput {
    pub(super) stdout: Bytes,
    pub(super) stderr: String,
    pub(super) exit_code: i32,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum ExecError {
    /// The API server or the kubelet refused to execute anything.
    Refused { code: u16, message: String },
    /// The shell could not be started in the container.
    NoShell(String),
    /// The stream was cut, or never came to be.
    Disconnected(String),
}

/// Executes `script` in a container. It must end by itself after `timeout`.
pub(super) async fn run_script(
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
        talk(process, script).await
    };
    match tokio::time::timeout(timeout + OVERHEAD, output).await {
        Ok(output) => output,
        Err(_) => Err(ExecError::Disconnected("the command in the pod did not end in time".to_owned())),
    }
}

async fn talk(mut process: AttachedProcess, script: String) -> Result<ScriptOutput, ExecError> {
    let cut = |what: &str| ExecError::Disconnected(format!("the exec stream has no {what}"));
    let mut stdin = process.stdin().ok_or_else(|| cut("stdin"))?;
    let stdout = process.stdout().ok_or_else(|| cut("stdout"))?;
    let stderr = process.stderr().ok_or_else(|| cut("stderr"))?;
    let status = process.take_status().ok_or_else(|| cut("status"))?;
    // A write that fails is a stream that was cut, or a shell that ended early: the status tells which. The writer
    // must live until then: where a stream cannot be closed by itself, dropping it closes the whole connection.
    let write = async {
        let _broken = stdin.write_all(script.as_bytes()).await;
        let _broken = stdin.flush().await;
        stdin
    };
    let (_stdin, stdout, stderr, status) =
        tokio::join!(write, read(stdout, usize::MAX), read(stderr, STDERR_BYTES), status);
    let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
    let status = status.ok_or_else(|| ExecError::Disconnected("the exec stream was cut".to_owned()))?;
    Ok(ScriptOutput { stdout: stdout.into(), stderr, exit_code: exit_code(&status)? })
}

/// Reads to the end, keeping the first `most` bytes: what is not read would hold up the other streams.
async fn read(mut from: impl AsyncRead + Unpin, most: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let room = most.saturating_sub(kept.len());
        kept.extend_from_slice(&piece[..length.min(room)]);
    }
    kept
}

fn exit_code(status: &Status) -> Result<i32, ExecError> {
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
    if no_shell.iter().any(|words| message.contains(words)) {
        return Err(ExecError::NoShell(message));
    }
    Err(ExecError::Disconnected(message))
}

fn refused(error: &kube::Error) -> ExecError {
    match error {
        kube::Error::Api(status) => ExecError::Refused { code: status.code, message: status.message.clone() },
        error => ExecError::Disconnected(super::error_text(error)),
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
    fn the_exit_code_is_read_from_the_status() {
        assert_eq!(code(&json!({"status": "Success"})).unwrap(), 0);
        let failed = json!({"status": "Failure", "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}});
        assert_eq!(code(&failed).unwrap(), 3);
    }

    #[test]
    fn an_image_without_a_shell_is_told_from_a_cut_stream() {
        let status = |message: &str| json!({"status": "Failure", "message": message});
        let missing = "OCI runtime exec failed: exec: \"sh\": executable file not found in $PATH";
        assert!(matches!(code(&status(missing)), Err(ExecError::NoShell(_))));
        assert!(matches!(code(&status("error dialing backend")), Err(ExecError::Disconnected(_))));
    }
}
