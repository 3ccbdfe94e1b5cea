//! Launches, follows and signals ranks in pods, and distinguishes broken connections from lost workers.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::time::Instant;
use uuid::Uuid;

use super::connection::{KubernetesCluster, StreamKey};
use super::errors::unreachable;
use super::exec::follow_output::{FollowOutput, State};
use super::exec::run_script::{ExecError, ScriptOutput, run_script};
use super::exec::script::Pieces;
use super::exec::stream::FollowStream;
use super::objects::run_token;
use super::pace::CommandGate;
use super::pods::{events, pod_status};
use crate::cluster::error::ClusterError;
use crate::cluster::pod_list::PodListStatus;
use crate::cluster::rank::{Offsets, Output, RankRef, Remaining, Signal, Task};

/// Maximum number of bytes that one exec returns of each stream.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Longest silence of a stream, because proxies close streams that are silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Time for connecting, a busy node and some megabytes, in addition to what the script waits for.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// What the open stream of a rank has brought.
enum StreamState {
    /// A piece.
    Piece(FollowOutput),
    /// Nothing yet.
    Quiet,
    /// It has ended, or there was none.
    Ended,
}

/// What a script showed before the status of its pod is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symptom {
    /// The pod executes no commands.
    Silent,
    /// The pod executes commands, but the supervisor of the rank is not running.
    Killed,
    /// The pod executes commands, but has no files of the rank.
    Vanished,
}

impl KubernetesCluster {
    pub(super) async fn launch_rank(&self, task: &Task) -> Result<(), ClusterError> {
        let mut task = task.clone();
        if !self.watch.pods_of(task.at.run.job_id).is_empty() {
            // The Secret of the run has put it into the environment of the container.
            task.env.retain(|(name, _)| name != run_token::VARIABLE);
        }
        let output = self.execute(&task.at, self.scripts.launch(&task)?, Duration::from_secs(20)).await?;
        let ScriptOutput { exit_code, stderr, .. } = output;
        match exit_code {
            0 => Ok(()),
            3 => Err(ClusterError::Unreachable(stderr)),
            5 => Err(self.diagnose(&task.at, Symptom::Vanished, "").await),
            code @ (1 | 2 | 126 | 127) => Err(ClusterError::Refused(format!(
                "rank {} cannot start in worker pod {}: {stderr} (exit code {code})",
                task.at.rank, task.at.pod
            ))),
            // The shell itself was killed, with its container or alone.
            code => Err(self.diagnose(&task.at, Symptom::Silent, &format!("exit code {code}")).await),
        }
    }

    pub(super) async fn follow_rank(
        &self,
        rank: &RankRef,
        from: Offsets,
        timeout: Duration,
    ) -> Result<Output, ClusterError> {
        let piece = match self.next_of_stream(rank, from, timeout).await {
            StreamState::Piece(piece) => piece,
            StreamState::Quiet => return Ok(Output::default()),
            StreamState::Ended => self.first_of_stream(rank, from, timeout).await?,
        };
        self.output(rank, from, piece).await
    }

    /// Returns what the open stream of a rank has brought within `timeout`.
    async fn next_of_stream(&self, rank: &RankRef, from: Offsets, timeout: Duration) -> StreamState {
        let stream = self.streams().remove(&key(rank));
        let Some(mut stream) = stream.filter(|stream| stream.at() == from) else { return StreamState::Ended };
        match tokio::time::timeout(timeout, stream.next()).await {
            Ok(Ok(Some(piece))) => {
                self.streams().insert(key(rank), stream);
                StreamState::Piece(piece)
            }
            Err(_) if stream.heard().elapsed() < HEARTBEAT + MAX_DELAY => {
                self.streams().insert(key(rank), stream);
                StreamState::Quiet
            }
            _ => StreamState::Ended,
        }
    }

    /// Opens a stream of a rank, and returns its first piece.
    async fn first_of_stream(
        &self,
        rank: &RankRef,
        from: Offsets,
        timeout: Duration,
    ) -> Result<FollowOutput, ClusterError> {
        let gate = self.gate(rank);
        if let Some(cause) = gate.wait(rank.rank, Instant::now() + timeout).await {
            return Err(ClusterError::Unreachable(cause));
        }
        let pieces = Pieces { limit: MAX_BYTES, first: timeout.min(HEARTBEAT), heartbeat: HEARTBEAT };
        let script = self.scripts.follow(rank, from, pieces);
        let pod = self.pod(rank);
        let container = pod.as_deref().and_then(pod_status::worker_container);
        let first = async {
            let mut stream =
                FollowStream::open(&self.pods, rank.pod.as_str(), container, &script, from).await?;
            let piece = stream.next().await?;
            Ok::<_, ExecError>(piece.map(|piece| (piece, stream)))
        };
        let cause = match tokio::time::timeout(pieces.first + MAX_DELAY, first).await {
            Ok(Ok(Some((piece, stream)))) => {
                gate.succeeded();
                self.streams().insert(key(rank), stream);
                return Ok(piece);
            }
            Ok(Ok(None)) => "the exec stream was interrupted".to_owned(),
            Ok(Err(error)) => error.into_message(),
            Err(_) => "the command in the pod timed out".to_owned(),
        };
        Err(self.failed_command(rank, &cause).await)
    }

    async fn output(
        &self,
        rank: &RankRef,
        from: Offsets,
        piece: FollowOutput,
    ) -> Result<Output, ClusterError> {
        let now = self.clock.now();
        let arrivals = piece.arrivals(from, now);
        let ended_at = piece.ended.map(|age| now.saturating_sub(age));
        let FollowOutput { state, stdout, stderr, oom_kills, mut cuts, requests, .. } = piece;
        // More output may follow a piece, because it is of one segment.
        let is_empty = stdout.is_empty() && stderr.is_empty();
        let exit_code = match state {
            State::Ended(code) if is_empty && code != 0 && oom_kills > 0 => {
                return Err(ClusterError::Lost(out_of_memory(rank, code)));
            }
            State::Ended(code) if is_empty => Some(code),
            State::Rebooted if is_empty => {
                let why = format!("the node of worker pod {} was restarted during the run", rank.pod);
                return Err(ClusterError::Lost(why));
            }
            State::Killed if is_empty => return Err(self.killed(rank).await),
            State::Missing if is_empty => return Err(self.diagnose(rank, Symptom::Vanished, "").await),
            _ => None,
        };
        if exit_code.is_some() {
            self.streams().remove(&key(rank));
        } else {
            cuts.clear();
        }
        let ended_at = ended_at.filter(|_| exit_code.is_some());
        Ok(Output { stdout, stderr, arrivals, requests, cuts, exit_code, ended_at })
    }

    pub(super) async fn signal_rank(
        &self,
        rank: &RankRef,
        signal: Signal,
    ) -> Result<Remaining, ClusterError> {
        let output = self.execute(rank, self.scripts.signal(rank, signal), Duration::from_secs(10)).await?;
        let no_number = || ClusterError::Unreachable(format!("worker pod {} did not respond", rank.pod));
        output.remaining().ok_or_else(no_number)
    }

    /// Executes a script in the pod of a rank.
    pub(super) async fn execute(
        &self,
        rank: &RankRef,
        script: String,
        timeout: Duration,
    ) -> Result<ScriptOutput, ClusterError> {
        let gate = self.gate(rank);
        if let Some(cause) = gate.refusal(rank.rank) {
            return Err(ClusterError::Unreachable(cause));
        }
        let pod = self.pod(rank);
        let container = pod.as_deref().and_then(pod_status::worker_container);
        match run_script(&self.pods, rank.pod.as_str(), container, script, timeout).await {
            Ok(output) => {
                gate.succeeded();
                Ok(output)
            }
            Err(error) => Err(self.failed_command(rank, &error.into_message()).await),
        }
    }

    /// Returns what the watch knows of the pod of a rank.
    pub(super) fn pod(&self, rank: &RankRef) -> Option<Arc<Pod>> {
        self.watch.described().into_iter().find(|pod| pod_status::name(pod) == rank.pod.as_str())
    }

    /// Returns why a command in a pod failed, and spaces out the next ones.
    async fn failed_command(&self, rank: &RankRef, cause: &str) -> ClusterError {
        // The API server is asked only about a pod that the watch does not show to be well.
        let is_known = self.watch.status() == PodListStatus::Current;
        let is_well = |pod: &Pod| pod_status::is_running(pod) && !pod_status::is_deleting(pod);
        let error = if is_known && self.pod(rank).is_some_and(|pod| is_well(&pod)) {
            ClusterError::Unreachable(format!("{}: {cause}", rank.pod))
        } else {
            self.diagnose(rank, Symptom::Silent, cause).await
        };
        if let ClusterError::Unreachable(cause) = &error {
            self.gate(rank).failed(rank.rank, cause);
        }
        error
    }

    /// Returns the gate of the run of a rank.
    pub(super) fn gate(&self, rank: &RankRef) -> Arc<CommandGate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(rank.run.job_id).or_default())
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<StreamKey, FollowStream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the streams of a run whose workers are released.
    pub(super) fn forget_streams(&self, job: Uuid) {
        self.streams().retain(|(of, _, _), _| *of != job);
    }

    /// Forgets which ranks of a released run failed.
    pub(super) fn forget_gate(&self, job: Uuid) {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner).remove(&job);
    }

    /// Returns why the supervisor of a rank is not running.
    ///
    /// In a container that ends, the kernel kills it before the shell that looks at it, and the API server does not know yet.
    /// Such a container starts no other shell.
    async fn killed(&self, rank: &RankRef) -> ClusterError {
        match self.execute(rank, "exit 0\n".to_owned(), Duration::from_secs(1)).await {
            Ok(ScriptOutput { exit_code: 0, .. }) => self.diagnose(rank, Symptom::Killed, "").await,
            Ok(ScriptOutput { exit_code, .. }) => {
                ClusterError::Unreachable(format!("{}: a shell ended with code {exit_code}", rank.pod))
            }
            Err(error) => error,
        }
    }

    /// Decides whether a rank is lost, and why, or only cannot be reached now because of `cause`.
    async fn diagnose(&self, rank: &RankRef, symptom: Symptom, cause: &str) -> ClusterError {
        let pod = match self.pods.get_opt(rank.pod.as_str()).await {
            Ok(Some(pod)) => pod,
            Ok(None) => return self.lost_pod(rank, "was deleted during the run").await,
            Err(error) => return unreachable(&error),
        };
        if pod_status::is_deleting(&pod) {
            let why = pod_status::loss_reason(&pod).unwrap_or_default();
            let removal = events::removal_reason(&self.events, rank.pod.as_str()).await;
            return ClusterError::Lost(removal.map_or(why.clone(), |removal| format!("{why} ({removal})")));
        }
        match symptom {
            Symptom::Silent if pod_status::is_running(&pod) => {
                ClusterError::Unreachable(format!("{}: {cause}", rank.pod))
            }
            Symptom::Vanished if !was_restarted(&pod) => {
                self.lost_pod(rank, "was deleted and recreated during the run").await
            }
            _ => ClusterError::Lost(pod_status::loss_reason(&pod).unwrap_or_else(|| {
                format!("the supervisor of rank {} in worker pod {} was killed", rank.rank, rank.pod)
            })),
        }
    }

    async fn lost_pod(&self, rank: &RankRef, what: &str) -> ClusterError {
        let removal = events::removal_reason(&self.events, rank.pod.as_str()).await;
        let removal = removal.map(|removal| format!(" ({removal})")).unwrap_or_default();
        ClusterError::Lost(format!("worker pod {} {what}{removal}", rank.pod))
    }
}

/// The key of the stream of a rank.
const fn key(rank: &RankRef) -> StreamKey {
    (rank.run.job_id, rank.rank, rank.daemon)
}

fn was_restarted(pod: &Pod) -> bool {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses.into_iter().any(|container| container.restart_count > 0)
}

fn out_of_memory(rank: &RankRef, code: i32) -> String {
    format!(
        "OOMKilled: worker pod {} exceeded its memory limit; rank {} exited with code {code}",
        rank.pod, rank.rank
    )
}
