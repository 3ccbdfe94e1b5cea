//! Starting, following and signalling ranks in pods, and telling a connection that was cut from a worker that is lost.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use super::exec::{Answered, ExecError, run_script};
use super::script::{self, Answer, State};
use super::{KubernetesCluster, events, reasons, unreachable};
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
    pub(super) async fn start(&self, task: &Task) -> Result<(), ClusterError> {
        let answered = self.ask(&task.at, self.scripts.launch(task)?, Duration::from_secs(20)).await?;
        let Answered { exit_code, stderr, .. } = answered;
        match exit_code {
            0 => Ok(()),
            3 => Err(ClusterError::Unreachable(stderr)),
            5 => Err(self.diagnosed(&task.at, Symptom::Vanished, "").await),
            code @ (1 | 2 | 126 | 127) => Err(ClusterError::Refused(format!(
                "the command of rank {} could not be started in {}: {stderr} (exit code {code})",
                task.at.rank, task.at.pod
            ))),
            // The shell itself was ended: the container goes, or somebody was there.
            code => Err(self.diagnosed(&task.at, Symptom::Silent, &format!("exit code {code}")).await),
        }
    }

    pub(super) async fn read_on(
        &self,
        rank: &RankRef,
        from: Offsets,
        patience: Duration,
    ) -> Result<Output, ClusterError> {
        let patience = patience.min(LONGEST_WAIT);
        let script = self.scripts.follow(rank, from, LIMIT, patience.as_secs());
        let answered = self.ask(rank, script, patience).await?;
        let Some(answer) = script::answer(&answered.stdout) else {
            return Err(self.diagnosed(rank, Symptom::Silent, "the exec stream was cut").await);
        };
        let Answer { state, stdout, stderr, oom_kills } = answer;
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
            State::Killed if nothing => return Err(self.diagnosed(rank, Symptom::Killed, "").await),
            State::Missing if nothing => return Err(self.diagnosed(rank, Symptom::Vanished, "").await),
            _ => None,
        };
        Ok(Output { stdout, stderr, exit_code })
    }

    pub(super) async fn send_signal(&self, rank: &RankRef, signal: Signal) -> Result<usize, ClusterError> {
        let answered = self.ask(rank, self.scripts.signal(rank, signal), Duration::from_secs(10)).await?;
        left(&answered).ok_or_else(|| ClusterError::Unreachable(format!("no answer from {}", rank.pod)))
    }

    /// Executes a script in the pod of a rank.
    async fn ask(
        &self,
        rank: &RankRef,
        script: String,
        patience: Duration,
    ) -> Result<Answered, ClusterError> {
        let pod = rank.pod.as_str();
        let described = self.watch.described().into_iter().find(|described| reasons::name(described) == pod);
        let container = described.as_deref().and_then(reasons::worker_container);
        match run_script(&self.pods, pod, container, script, patience).await {
            Ok(answered) => Ok(answered),
            Err(ExecError::NoShell(why) | ExecError::Cut(why) | ExecError::Refused { message: why, .. }) => {
                Err(self.diagnosed(rank, Symptom::Silent, &why).await)
            }
        }
    }

    /// Whether a rank is lost, and why; or whether it only cannot be reached now.
    async fn diagnosed(&self, rank: &RankRef, symptom: Symptom, said: &str) -> ClusterError {
        let pod = match self.pods.get_opt(rank.pod.as_str()).await {
            Ok(Some(pod)) => pod,
            Ok(None) => {
                return self.lost_with_last_words(rank, "was deleted while the run was going on").await;
            }
            Err(error) => return unreachable(&error),
        };
        if reasons::is_leaving(&pod) {
            let why = reasons::lost(&pod).unwrap_or_default();
            let words = events::last_words(&self.events, rank.pod.as_str()).await;
            return ClusterError::Lost(words.map_or(why.clone(), |words| format!("{why} ({words})")));
        }
        match symptom {
            Symptom::Silent if reasons::runs(&pod) => {
                ClusterError::Unreachable(format!("{}: {said}", rank.pod))
            }
            Symptom::Vanished if !was_restarted(&pod) => {
                self.lost_with_last_words(rank, "was deleted and made anew while the run was going on").await
            }
            _ => ClusterError::Lost(reasons::lost(&pod).unwrap_or_else(|| {
                format!(
                    "the supervisor of rank {} in worker pod {} was killed from outside",
                    rank.rank, rank.pod
                )
            })),
        }
    }

    async fn lost_with_last_words(&self, rank: &RankRef, what: &str) -> ClusterError {
        let words = events::last_words(&self.events, rank.pod.as_str()).await;
        let words = words.map(|words| format!(" ({words})")).unwrap_or_default();
        ClusterError::Lost(format!("worker pod {} {what}{words}", rank.pod))
    }
}

/// The number that a script printed: how many processes are left.
pub(super) fn left(answered: &Answered) -> Option<usize> {
    std::str::from_utf8(&answered.stdout).ok()?.trim().parse().ok()
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
