//! Starting, following and signalling ranks in pods, and telling a connection that was cut from a worker that is lost.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use super::run_script::{ExecError, ScriptOutput, run_script};
use super::script::{self, FollowOutput, State};
use super::{KubernetesCluster, events, pod_status, run_token, unreachable};
use crate::cluster::{ClusterError, Offsets, Output, RankRef, Signal, Task};

/// The most bytes of each stream that one exec brings.
const LIMIT: usize = 8 * 1024 * 1024;
/// The longest that one exec waits: proxies cut streams that are silent for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Why the state of a pod is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symptom {
    /// Nothing could be executed in it.
    Silent,
    /// Commands are executed, and the rank's supervisor is gone.
    Killed,
    /// Commands are executed, and there is nothing of the rank.
    Vanished,
}

impl KubernetesCluster {
    pub(super) async fn launch_rank(&self, task: &Task) -> Result<(), ClusterError> {
        let mut task = task.clone();
        if !self.pods_of(task.at.run.job_id).is_empty() {
            // It is in the environment of the container already.
            task.env.retain(|(name, _)| name != run_token::VARIABLE);
        }
        let output = self.ask(&task.at, self.scripts.launch(&task)?, Duration::from_secs(20)).await?;
        let ScriptOutput { exit_code, stderr, .. } = output;
        match exit_code {
            0 => Ok(()),
            3 => Err(ClusterError::Unreachable(stderr)),
            5 => Err(self.diagnose(&task.at, Symptom::Vanished, "").await),
            code @ (1 | 2 | 126 | 127) => Err(ClusterError::Refused(format!(
                "the command of rank {} could not be started in {}: {stderr} (exit code {code})",
                task.at.rank, task.at.pod
            ))),
            // The shell itself was ended: the container selected, or somebody was there.
            code => Err(self.diagnose(&task.at, Symptom::Silent, &format!("exit code {code}")).await),
        }
    }

    pub(super) async fn follow_rank(
        &self,
        rank: &RankRef,
        from: Offsets,
        timeout: Duration,
    ) -> Result<Output, ClusterError> {
        let timeout = timeout.min(LONGEST_WAIT);
        let script = self.scripts.follow(rank, from, LIMIT, timeout.as_secs());
        let output = self.ask(rank, script, timeout).await?;
        let Some(parsed) = script::parse_follow_output(&output.stdout) else {
            return Err(self.diagnose(rank, Symptom::Silent, "the exec stream was cut").await);
        };
        let FollowOutput { state, stdout, stderr, oom_kills } = parsed;
        // A piece of the full length may not be the last.
        let all = stdout.len() < LIMIT && stderr.len() < LIMIT;
        let nothing = stdout.is_empty() && stderr.is_empty();
        let exit_code = match state {
            State::Ended(code) if code != 0 && oom_kills > 0 => {
                if nothing {
                    return Err(ClusterError::Lost(out_of_memory(rank, code)));
                }
                None
            }
            State::Ended(code) if all => Some(code),
            State::Rebooted if nothing => {
                let why =
                    format!("the node of worker pod {} was restarted while the run was going on", rank.pod);
                return Err(ClusterError::Lost(why));
            }
            State::Killed if nothing => return Err(self.diagnose(rank, Symptom::Killed, "").await),
            State::Missing if nothing => return Err(self.diagnose(rank, Symptom::Vanished, "").await),
            _ => None,
        };
        Ok(Output { stdout, stderr, exit_code })
    }

    pub(super) async fn signal_rank(&self, rank: &RankRef, signal: Signal) -> Result<usize, ClusterError> {
        let output = self.ask(rank, self.scripts.signal(rank, signal), Duration::from_secs(10)).await?;
        left(&output).ok_or_else(|| ClusterError::Unreachable(format!("no answer from {}", rank.pod)))
    }

    /// Executes a script in the pod of a rank.
    async fn ask(
        &self,
        rank: &RankRef,
        script: String,
        timeout: Duration,
    ) -> Result<ScriptOutput, ClusterError> {
        let pod = rank.pod.as_str();
        let described =
            self.watch.described().into_iter().find(|described| pod_status::name(described) == pod);
        let container = described.as_deref().and_then(pod_status::worker_container);
        match run_script(&self.pods, pod, container, script, timeout).await {
            Ok(output) => Ok(output),
            Err(
                ExecError::NoShell(why)
                | ExecError::Disconnected(why)
                | ExecError::Refused { message: why, .. },
            ) => Err(self.diagnose(rank, Symptom::Silent, &why).await),
        }
    }

    /// Whether a rank is lost, and why; or whether it only cannot be reached now.
    async fn diagnose(&self, rank: &RankRef, symptom: Symptom, said: &str) -> ClusterError {
        let pod = match self.pods.get_opt(rank.pod.as_str()).await {
            Ok(Some(pod)) => pod,
            Ok(None) => {
                return self.lost_pod(rank, "was deleted while the run was going on").await;
            }
            Err(error) => return unreachable(&error),
        };
        if pod_status::is_leaving(&pod) {
            let why = pod_status::loss_reason(&pod).unwrap_or_default();
            let words = events::removal_reason(&self.events, rank.pod.as_str()).await;
            return ClusterError::Lost(words.map_or(why.clone(), |words| format!("{why} ({words})")));
        }
        match symptom {
            Symptom::Silent if pod_status::runs(&pod) => {
                ClusterError::Unreachable(format!("{}: {said}", rank.pod))
            }
            Symptom::Vanished if !was_restarted(&pod) => {
                self.lost_pod(rank, "was deleted and made anew while the run was going on").await
            }
            _ => ClusterError::Lost(pod_status::loss_reason(&pod).unwrap_or_else(|| {
                format!(
                    "the supervisor of rank {} in worker pod {} was killed from outside",
                    rank.rank, rank.pod
                )
            })),
        }
    }

    async fn lost_pod(&self, rank: &RankRef, what: &str) -> ClusterError {
        let words = events::removal_reason(&self.events, rank.pod.as_str()).await;
        let words = words.map(|words| format!(" ({words})")).unwrap_or_default();
        ClusterError::Lost(format!("worker pod {} {what}{words}", rank.pod))
    }
}

/// The number that a script printed: how many processes are left.
pub(super) fn left(output: &ScriptOutput) -> Option<usize> {
    std::str::from_utf8(&output.stdout).ok()?.trim().parse().ok()
}

fn was_restarted(pod: &Pod) -> bool {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses.into_iter().any(|container| container.restart_count > 0)
}

fn out_of_memory(rank: &RankRef, code: i32) -> String {
    format!(
        "OOMKilled: worker pod {} needed more memory than its limit, and rank {} ended with exit code {code}",
        rank.pod, rank.rank
    )
}
