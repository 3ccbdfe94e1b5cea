//! A scripted cluster: its ranks write and exit as a test defines.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use mlbench_core::run::{Run, RunSpec, Worker};
use mlbench_core::{Error, Pod, PodName, PodPhase, Timestamp};
use tokio::sync::watch;

use super::process::{Exit, Process, Script};
use crate::cluster::{
    Cluster, ClusterError, DaemonReply, DaemonRequest, Offsets, OrphanSearch, Orphans, Output, PodSample,
    ProvisionRequest, ProvisionStatus, RankRef, ReleaseStatus, Remaining, Signal, Task,
};

#[derive(Default)]
struct State {
    scripts: Vec<Script>,
    processes: BTreeMap<u32, Process>,
    calls: Vec<String>,
    tasks: Vec<Task>,
    provisions: VecDeque<Result<Vec<String>, ClusterError>>,
    unreachable: bool,
    execs_refused: bool,
    failing_calls: Range<usize>,
    panics: bool,
    pending_releases: u32,
    released: bool,
    /// Ranks to which no signal gets through.
    held: BTreeSet<u32>,
    /// Why it refuses every run.
    refusal: Option<Error>,
    orphans: Orphans,
    orphan_searches: Vec<(Timestamp, bool)>,
    ended_at: Option<Timestamp>,
    /// What the command of rank 0 asks for, and the replies.
    requests: Vec<DaemonRequest>,
    replies: Vec<DaemonReply>,
}

/// A cluster whose workers follow scripts.
pub(crate) struct ScriptedCluster {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    pods: watch::Sender<Arc<[Pod]>>,
}

impl ScriptedCluster {
    pub(crate) fn new(scripts: Vec<Script>) -> Arc<Self> {
        let pods = (0..scripts.len()).map(|number| Pod {
            name: pod_name(number),
            labels: BTreeMap::new(),
            phase: PodPhase::Running,
            ip: "127.0.0.1".to_owned(),
        });
        Arc::new(Self {
            pods: watch::Sender::new(pods.collect()),
            state: Mutex::new(State { scripts, ..State::default() }),
            changed: watch::Sender::new(0),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut self.state());
        self.changed.send_modify(|count| *count += 1);
        outcome
    }

    /// Scripts the responses to the next requests for workers: what is missing, or a refusal.
    pub(crate) fn provisions(&self, responses: impl IntoIterator<Item = Result<Vec<String>, ClusterError>>) {
        self.change(|state| state.provisions.extend(responses));
    }

    pub(crate) fn set_unreachable(&self, unreachable: bool) {
        self.change(|state| state.unreachable = unreachable);
    }

    /// Makes launches, reads and signals fail as unreachable, as a cluster that allows no exec does.
    pub(crate) fn refuse_execs(&self) {
        self.change(|state| state.execs_refused = true);
    }

    /// Makes these calls, counted from 0, fail as unreachable.
    pub(crate) fn fail_calls(&self, calls: Range<usize>) {
        self.change(|state| state.failing_calls = calls);
    }

    /// Makes the next call panic.
    pub(crate) fn panic_once(&self) {
        self.change(|state| state.panics = true);
    }

    pub(crate) fn refuse_runs(&self, why: Error) {
        self.change(|state| state.refusal = Some(why));
    }

    pub(crate) fn hold_signals(&self, rank: u32, hold: bool) {
        self.change(|state| {
            if hold {
                state.held.insert(rank);
            } else {
                state.held.remove(&rank);
            }
        });
    }

    pub(crate) fn keep_releases_pending(&self, times: u32) {
        self.change(|state| state.pending_releases = times);
    }

    /// Reports with every exit code that the command ended at this date.
    pub(crate) fn set_ended_at(&self, date: Timestamp) {
        self.state().ended_at = Some(date);
    }

    pub(crate) fn write(&self, rank: u32, text: &str) {
        self.change(|state| state.process(rank).stdout.extend_from_slice(text.as_bytes()));
    }

    pub(crate) fn write_error(&self, rank: u32, text: &str) {
        self.change(|state| state.process(rank).stderr.extend_from_slice(text.as_bytes()));
    }

    pub(crate) fn exit(&self, rank: u32, code: i32) {
        self.change(|state| state.process(rank).exit_code = Some(code));
    }

    /// Lets the command of rank 0 ask for daemons on other workers.
    pub(crate) fn ask(&self, requests: Vec<DaemonRequest>) {
        self.change(|state| state.requests = requests);
    }

    /// Returns the replies to these requests so far.
    pub(crate) fn replies(&self) -> Vec<DaemonReply> {
        self.state().replies.clone()
    }

    /// Resets everything but the scripts, for another run.
    pub(crate) fn reset(&self) {
        self.change(|state| {
            *state = State { scripts: std::mem::take(&mut state.scripts), ..State::default() }
        });
    }

    /// Scripts what the next search for orphans finds.
    pub(crate) fn leave_orphans(&self, orphans: Orphans) {
        self.change(|state| state.orphans = orphans);
    }

    /// Returns the last write and the permission to purge of each search for orphans.
    pub(crate) fn orphan_searches(&self) -> Vec<(Timestamp, bool)> {
        self.state().orphan_searches.clone()
    }

    /// Replaces the worker pods.
    pub(crate) fn set_pods(&self, pods: Vec<Pod>) {
        self.pods.send_replace(pods.into());
    }

    /// Returns the calls so far, such as `signal 0 Term`, with repetitions in a row left out.
    pub(crate) fn calls(&self) -> Vec<String> {
        let mut calls = self.state().calls.clone();
        calls.dedup();
        calls
    }

    /// Returns how many signals of this name, such as `Term`, a rank has got.
    pub(crate) fn number_of_signals(&self, rank: u32, signal: &str) -> usize {
        let name = format!("signal {rank} {signal}");
        self.state().calls.iter().filter(|call| **call == name).count()
    }

    pub(crate) fn number_of_calls(&self) -> usize {
        self.state().calls.len()
    }

    pub(crate) fn tasks(&self) -> Vec<Task> {
        self.state().tasks.clone()
    }

    /// Returns whether all processes are gone and the workers are released.
    pub(crate) fn is_clean(&self) -> bool {
        let state = self.state();
        state.released && state.processes.is_empty()
    }

    /// Executes a call between two points at which its caller can be dropped: before its effect and after it.
    async fn call<T>(
        &self,
        name: String,
        effect: impl FnOnce(&mut State) -> Result<T, ClusterError>,
    ) -> Result<T, ClusterError> {
        tokio::task::yield_now().await;
        let outcome = {
            let mut state = self.state();
            let is_exec = ["launch", "follow", "signal"].iter().any(|method| name.starts_with(method));
            let unreachable = state.unreachable
                || state.execs_refused && is_exec
                || state.failing_calls.contains(&state.calls.len());
            state.calls.push(name.clone());
            if std::mem::take(&mut state.panics) {
                drop(state);
                panic!("scripted panic in {name}");
            }
            if unreachable { Err(connection_refused()) } else { effect(&mut state) }
        };
        // A reading changes nothing: two that wake one another never end.
        if !name.starts_with("follow") {
            self.changed.send_modify(|count| *count += 1);
        }
        tokio::task::yield_now().await;
        outcome
    }
}

impl State {
    fn process(&mut self, rank: u32) -> &mut Process {
        self.processes.get_mut(&rank).unwrap_or_else(|| panic!("rank {rank} was not launched"))
    }
}

fn connection_refused() -> ClusterError {
    ClusterError::Unreachable("connection refused".to_owned())
}

fn lost(rank: &RankRef) -> ClusterError {
    ClusterError::Lost(format!("the pod of rank {} is gone", rank.rank))
}

fn pod_name(number: usize) -> PodName {
    PodName::new(format!("worker-{number}")).unwrap()
}

#[async_trait]
impl Cluster for ScriptedCluster {
    fn refusal(&self, _spec: &RunSpec) -> Option<Error> {
        self.state().refusal.clone()
    }

    fn name(&self) -> &'static str {
        "scripted"
    }

    fn pods(&self) -> watch::Receiver<Arc<[Pod]>> {
        self.pods.subscribe()
    }

    fn max_workers(&self) -> u32 {
        u32::try_from(self.state().scripts.len()).unwrap()
    }

    async fn provision(&self, claim: &ProvisionRequest<'_>) -> Result<ProvisionStatus, ClusterError> {
        let count = claim.run.spec.num_workers as usize;
        let taken = claim.taken;
        let worker = |number: usize| Worker {
            pod: pod_name(number),
            host: "127.0.0.1".to_owned(),
            port: u16::try_from(4000 + number).unwrap(),
        };
        self.call("provision".to_owned(), |state| match state.provisions.front().cloned() {
            // The last response is repeated until a test adds another one.
            Some(Ok(missing)) if state.provisions.len() == 1 => Ok(ProvisionStatus::Waiting { missing }),
            Some(response) => {
                state.provisions.pop_front();
                Ok(ProvisionStatus::Waiting { missing: response? })
            }
            None => {
                state.released = false;
                let workers = (0..).map(worker).filter(|one| !taken.contains(&one.pod)).take(count).collect();
                Ok(ProvisionStatus::Ready { workers, messages: vec!["workers are scripted".to_owned()] })
            }
        })
        .await
    }

    async fn launch(&self, task: &Task) -> Result<(), ClusterError> {
        let rank = task.at.rank;
        self.call(format!("launch {rank}"), |state| {
            assert!(!state.released, "launched on released workers");
            let script = state.scripts[rank as usize].clone();
            if script.exit == Exit::LaunchRefused {
                return Err(ClusterError::Refused(format!("rank {rank} cannot start: no such program")));
            }
            if let Entry::Vacant(entry) = state.processes.entry(rank) {
                entry.insert(Process::launched(&script));
                state.tasks.push(task.clone());
            }
            Ok(())
        })
        .await
    }

    async fn follow(&self, rank: &RankRef, from: Offsets, timeout: Duration) -> Result<Output, ClusterError> {
        let mut changed = self.changed.subscribe();
        let deadline = tokio::time::Instant::now() + timeout;
        loop {
            let output = self
                .call(format!("follow {}", rank.rank), |state| {
                    let process = state.processes.get(&rank.rank).ok_or_else(|| lost(rank))?;
                    let mut output = process.output(from);
                    if rank.daemon.is_none() {
                        output.requests = u32::try_from(state.requests.len()).unwrap();
                    }
                    output.ended_at = state.ended_at.filter(|_| output.exit_code.is_some());
                    let is_empty = output.stdout.is_empty() && output.stderr.is_empty();
                    if is_empty && process.exit == Exit::PodLost { Err(lost(rank)) } else { Ok(output) }
                })
                .await?;
            changed.mark_unchanged();
            let is_empty = output.stdout.is_empty() && output.stderr.is_empty() && output.exit_code.is_none();
            if !is_empty || tokio::time::timeout_at(deadline, changed.changed()).await.is_err() {
                return Ok(output);
            }
        }
    }

    async fn daemon_requests(&self, rank: &RankRef, after: u32) -> Result<Vec<DaemonRequest>, ClusterError> {
        self.call(format!("requests of {}", rank.rank), |state| {
            Ok(state.requests.iter().filter(|request| request.number > after).cloned().collect())
        })
        .await
    }

    async fn reply_to(&self, rank: &RankRef, replies: &[DaemonReply]) -> Result<(), ClusterError> {
        self.call(format!("reply to {}", rank.rank), |state| {
            state.replies.extend_from_slice(replies);
            Ok(())
        })
        .await
    }

    async fn signal(&self, rank: &RankRef, signal: Signal) -> Result<Remaining, ClusterError> {
        let mut changed = self.changed.subscribe();
        while self.state().held.contains(&rank.rank) {
            let _ = changed.changed().await;
        }
        self.call(format!("signal {} {signal:?}", rank.rank), |state| {
            let Some(process) = state.processes.get_mut(&rank.rank) else {
                return Ok(Remaining::Processes(0));
            };
            if process.exit_code.is_none() {
                match (signal, process.exit) {
                    (Signal::Kill, Exit::Unstored) => return Ok(Remaining::Supervisor),
                    (_, Exit::Never) => {}
                    (Signal::Kill, _) => process.exit_code = Some(137),
                    (Signal::Term, Exit::OnTerm) => {
                        process.stdout.extend_from_slice(b"\nterminated\n");
                        process.exit_code = Some(143);
                    }
                    _ => {}
                }
            }
            Ok(Remaining::Processes(usize::from(process.exit_code.is_none())))
        })
        .await
    }

    async fn release(&self, _run: &Run) -> Result<ReleaseStatus, ClusterError> {
        self.call("release".to_owned(), |state| {
            if state.pending_releases > 0 {
                state.pending_releases -= 1;
                return Ok(ReleaseStatus::Pending);
            }
            state.processes.clear();
            state.released = true;
            Ok(ReleaseStatus::Complete)
        })
        .await
    }

    async fn remove_orphans(&self, search: &OrphanSearch<'_>) -> Result<Orphans, ClusterError> {
        let mut state = self.state();
        state.orphan_searches.push((search.last_write, search.purge));
        Ok(std::mem::take(&mut state.orphans))
    }

    async fn sample(&self) -> Vec<PodSample> {
        let count = {
            let mut state = self.state();
            state.calls.push("sample".to_owned());
            state.calls.iter().filter(|call| *call == "sample").count()
        };
        let pods = self.pods.borrow().to_vec();
        let sample = |pod: Pod| PodSample {
            pod: pod.name,
            date: Timestamp::from_micros(i64::try_from(count).unwrap()),
            values: vec![("container_cpu_usage_seconds_total", count as f64 / 10.0)],
        };
        pods.into_iter().map(sample).collect()
    }
}
