//! Launches, follows and signals ranks in pods, and distinguishes broken connections from lost workers.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use super::connection::KubernetesCluster;
use super::errors::unreachable;
use super::exec::follow_output::{FollowOutput, State, parse_follow_output};
use super::exec::run_script::{ExecError, ScriptOutput, run_script};
use super::objects::run_token;
use super::pods::{events, pod_status};
use crate::cluster::error::ClusterError;
use crate::cluster::rank::{Offsets, Output, RankRef, Signal, Task};

/// Maximum number of bytes that one exec returns of each stream.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Maximum wait of one exec, because proxies close streams that are silent for longer.
const MAX_WAIT: Duration = Duration::from_secs(20);

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
        let timeout = timeout.min(MAX_WAIT);
        let script = self.scripts.follow(rank, from, MAX_BYTES, timeout.as_secs());
        let output = self.execute(rank, script, timeout).await?;
        let Some(parsed) = parse_follow_output(&output.stdout) else {
            return Err(self.diagnose(rank, Symptom::Silent, "the exec stream was interrupted").await);
        };
        let FollowOutput { state, stdout, stderr, oom_kills } = parsed;
        // More output may follow a piece of the maximum length.
        let is_last = stdout.len() < MAX_BYTES && stderr.len() < MAX_BYTES;
        let is_empty = stdout.is_empty() && stderr.is_empty();
        let exit_code = match state {
            State::Ended(code) if code != 0 && oom_kills > 0 => {
                if is_empty {
                    return Err(ClusterError::Lost(out_of_memory(rank, code)));
                }
                None
            }
            State::Ended(code) if is_last => Some(code),
            State::Rebooted if is_empty => {
                let why = format!("the node of worker pod {} was restarted during the run", rank.pod);
                return Err(ClusterError::Lost(why));
            }
            State::Killed if is_empty => return Err(self.diagnose(rank, Symptom::Killed, "").await),
            State::Missing if is_empty => return Err(self.diagnose(rank, Symptom::Vanished, "").await),
            _ => None,
        };
        Ok(Output { stdout, stderr, exit_code, ..Output::default() })
    }

    pub(super) async fn signal_rank(&self, rank: &RankRef, signal: Signal) -> Result<usize, ClusterError> {
        let output = self.execute(rank, self.scripts.signal(rank, signal), Duration::from_secs(10)).await?;
        let no_number = || ClusterError::Unreachable(format!("worker pod {} did not respond", rank.pod));
        output.processes_left().ok_or_else(no_number)
    }

    /// Executes a script in the pod of a rank.
    async fn execute(
        &self,
        rank: &RankRef,
        script: String,
        timeout: Duration,
    ) -> Result<ScriptOutput, ClusterError> {
        let name = rank.pod.as_str();
        let pod = self.watch.described().into_iter().find(|pod| pod_status::name(pod) == name);
        let container = pod.as_deref().and_then(pod_status::worker_container);
        match run_script(&self.pods, name, container, script, timeout).await {
            Ok(output) => Ok(output),
            Err(
                ExecError::NoShell(why)
                | ExecError::Disconnected(why)
                | ExecError::Refused { message: why, .. },
            ) => Err(self.diagnose(rank, Symptom::Silent, &why).await),
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
