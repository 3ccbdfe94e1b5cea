//! A script in a pod that goes on: it writes the output of a rank, piece after piece.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use super::follow_output::{FollowOutput, frame_length, parse_follow_output};
use super::run_script::{ExecError, PIPE_BYTES, exit_code, refused};
use crate::cluster::rank::Offsets;

/// Prefers a shell whose `read` has a timeout, because it waits without starting processes.
const SHELL: [&str; 3] = ["sh", "-c", "[ ! -x /bin/bash ] || exec /bin/bash --posix; exec sh"];

/// The output of a rank as it arrives.
pub(crate) struct FollowStream {
    stdout: Pin<Box<dyn AsyncRead + Send + Sync>>,
    /// The script reads from it how long it is wanted.
    _stdin: Pin<Box<dyn AsyncWrite + Send + Sync>>,
    status: Option<Pin<Box<dyn Future<Output = Option<Status>> + Send + Sync>>>,
    /// Ends with this.
    _process: AttachedProcess,
    buffer: BytesMut,
    /// The offsets of the next piece.
    at: Offsets,
    /// When the last piece came.
    heard: Instant,
}

impl FollowStream {
    /// Starts a script that prints the output after `at`.
    pub(crate) async fn open(
        api: &Api<Pod>,
        pod: &str,
        container: Option<&str>,
        script: &str,
        at: Offsets,
    ) -> Result<Self, ExecError> {
        let attach = AttachParams {
            container: container.map(str::to_owned),
            stdin: true,
            stdout: true,
            stderr: false,
            max_stdin_buf_size: Some(PIPE_BYTES),
            max_stdout_buf_size: Some(PIPE_BYTES),
            ..AttachParams::default()
        };
        let mut process = api.exec(pod, SHELL, &attach).await.map_err(|error| refused(&error))?;
        let missing = || ExecError::Disconnected("the exec stream is incomplete".to_owned());
        let mut stdin = process.stdin().ok_or_else(missing)?;
        let stdout = process.stdout().ok_or_else(missing)?;
        let status = process.take_status().ok_or_else(missing)?;
        // A failed write means a shell that could not start, which the status explains.
        let _broken = stdin.write_all(script.as_bytes()).await;
        let _broken = stdin.flush().await;
        Ok(Self {
            stdout: Box::pin(stdout),
            _stdin: Box::pin(stdin),
            status: Some(Box::pin(status)),
            _process: process,
            buffer: BytesMut::new(),
            at,
            heard: Instant::now(),
        })
    }

    /// Returns the offsets of the next piece.
    pub(crate) const fn at(&self) -> Offsets {
        self.at
    }

    /// Returns when the last piece came.
    pub(crate) const fn heard(&self) -> Instant {
        self.heard
    }

    /// Returns the next piece, or `None` when the script has ended. Loses nothing when it is dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<FollowOutput>, ExecError> {
        let broken = || ExecError::Disconnected("the exec stream was interrupted".to_owned());
        loop {
            if let Some(length) = frame_length(&self.buffer).ok_or_else(broken)? {
                let frame: Bytes = self.buffer.split_to(length).freeze();
                let piece = parse_follow_output(&frame).ok_or_else(broken)?;
                let bytes = |piece: &Bytes| u64::try_from(piece.len()).unwrap_or(u64::MAX);
                self.at.stdout = self.at.stdout.saturating_add(bytes(&piece.stdout));
                self.at.stderr = self.at.stderr.saturating_add(bytes(&piece.stderr));
                self.heard = Instant::now();
                return Ok(Some(piece));
            }
            if !matches!(self.stdout.read_buf(&mut self.buffer).await, Ok(1..)) {
                let Some(status) = self.status.as_mut() else { return Ok(None) };
                let status = status.as_mut().await;
                self.status = None;
                exit_code(&status.ok_or_else(broken)?)?;
                return Ok(None);
            }
        }
    }
}
