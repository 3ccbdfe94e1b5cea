//! Supervises one run, from its current state to its end.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::FuturesUnordered;
use mlbench_core::run::{RankStatus, Run, RunEvent};
use mlbench_core::storage::RankExit;
use mlbench_core::{ErrorCode, Result, RunId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::backoff::Backoff;
use super::deps::LauncherDeps;
use super::end_date::end_date;
use super::failure_reason;
use super::outage::Caller;
use super::plan::{Action, Limits, Now, Observed, Signalled, plan};
use super::rank::{follow, rank_ref, task};
use super::run_context::RunContext;
use crate::cluster::{ClusterError, ProvisionRequest, ProvisionStatus, ReleaseStatus, Remaining, Signal};

/// Longest pause before a waiting run is planned again.
const MAX_WAIT: Duration = Duration::from_millis(500);
/// Longest pause between two attempts to reach the cluster.
const MAX_OUTAGE_PAUSE: Duration = Duration::from_secs(10);
/// How long a run waits for a sample of its pods.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long, beyond the grace period, a rank may survive its signals before its worker is released.
const SIGNAL_TIMEOUT: Duration = Duration::from_secs(30);

/// How to continue after an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    /// Something changed: plan again without a pause.
    PlanAgain,
    /// Plan again after a short pause.
    Wait,
    /// The cluster does not respond: plan again after a longer pause.
    WaitLonger,
}

/// Supervises run `id` until it has ended or is deleted. A change of `wakeup` cuts a pause short.
///
/// # Errors
/// Any error of the store. The caller starts another supervisor later.
pub(super) async fn supervise(deps: &LauncherDeps, id: RunId, wakeup: watch::Receiver<u64>) -> Result<()> {
    let context = RunContext::new(deps, id);
    let outcome = Supervisor::new(&context).run(id, wakeup).await;
    match outcome {
        // A deleted run needs no supervisor: its teardown is a task of its own.
        Err(error) if error.code() == ErrorCode::NotFound => match deps.storage.run(id).await {
            Err(gone) if gone.code() == ErrorCode::NotFound => Ok(()),
            _ => Err(error),
        },
        outcome => outcome,
    }
}

struct Supervisor<'a> {
    context: &'a RunContext<'a>,
    observed: Observed,
    started_at: Instant,
    sampled_at_end: bool,
    /// When this supervisor first tried to launch the command.
    launching_since: Option<Instant>,
    /// When each rank that does not take signals, or survives them, was first sent one.
    deaf_since: BTreeMap<u32, Instant>,
}

type Followers<'a> = FuturesUnordered<BoxFuture<'a, Result<u32>>>;

impl<'a> Supervisor<'a> {
    fn new(context: &'a RunContext<'a>) -> Self {
        Self {
            context,
            observed: Observed::default(),
            started_at: Instant::now(),
            sampled_at_end: false,
            launching_since: None,
            deaf_since: BTreeMap::new(),
        }
    }

    async fn run(mut self, id: RunId, mut wakeup: watch::Receiver<u64>) -> Result<()> {
        let deps = self.context.deps;
        let settings = &deps.settings;
        let mut followers = Followers::new();
        let mut followed = HashSet::new();
        let mut waits = Backoff::up_to(MAX_WAIT);
        let mut outage_pauses = Backoff::up_to(MAX_OUTAGE_PAUSE);
        self.observed.messages = self.context.recorder.server_messages().await?;
        loop {
            // Read before the run: later it may be stored, and forgotten, in between.
            let requested = deps.handle.end_requests().date(id);
            let mut run = self.context.recorder.run().await?;
            let limits = Limits::of(&run, settings);
            if !run.state.is_active() {
                tracing::info!(run = %id, state = %run.state, reason = run.reason(), "run ended");
                return Ok(());
            }
            // One that cannot be stored must not keep the ranks from being signalled.
            run.stop_requested_at = run.stop_requested_at.or(requested);
            let now = self.now(&run);
            // An earlier supervisor may have begun.
            self.observed.note_terminations(deps.handle.terminations().of(id), now);
            self.observed.held_up = self.context.held_up();
            if run.ranks.iter().any(RankStatus::has_ended) {
                self.observed.first_exit.get_or_insert(now.age);
            }
            let mut actions = plan(&run, &self.observed, &limits, now);
            if let Some(Action::Follow(ranks)) = actions.first() {
                let new = run.ranks.iter().filter(|rank| ranks.contains(&rank.rank));
                for status in new.filter(|rank| followed.insert(rank.rank)) {
                    if let Some(at) = rank_ref(&run, status.rank) {
                        let (context, run, status) = (self.context, run.clone(), status.clone());
                        followers.push(Box::pin(async move { follow(context, &run, at, status).await }));
                    }
                }
                actions.remove(0);
            }
            let next = while_following(&mut followers, self.execute_all(&run, actions)).await?;
            let pause = match next {
                Next::PlanAgain => {
                    waits.reset();
                    outage_pauses.reset();
                    continue;
                }
                Next::Wait => {
                    outage_pauses.reset();
                    waits.pause()
                }
                Next::WaitLonger => outage_pauses.pause(),
            };
            tokio::select! {
                Some(ended) = followers.next() => { ended?; }
                Ok(()) = wakeup.changed() => {}
                () = sleep(pause) => {}
            }
        }
    }

    fn now(&self, run: &Run) -> Now {
        let deps = self.context.deps;
        let date = deps.clock.now();
        let run_age = deps.handle.ages().of(run, date, deps.settings.last_write);
        Now { date, age: self.started_at.elapsed(), run_age }
    }

    async fn execute_all(&mut self, run: &Run, actions: Vec<Action>) -> Result<Next> {
        let mut next = if actions.is_empty() { Next::Wait } else { Next::PlanAgain };
        for action in actions {
            next = next.max(self.execute(run, action).await?);
        }
        Ok(next)
    }

    async fn execute(&mut self, run: &Run, action: Action) -> Result<Next> {
        let recorder = self.context.recorder;
        match action {
            Action::WriteMessage(text) => {
                recorder.append_server_message(&text).await?;
                self.observed.messages.insert(text);
            }
            Action::Provision => return self.provision(run).await,
            Action::Assign(workers) => {
                if recorder.assign_workers(&workers).await?.workers.is_empty() {
                    // Another run was faster: request other workers.
                    self.observed.provision = None;
                    return Ok(Next::Wait);
                }
            }
            Action::Launch => return self.launch(run).await,
            Action::RecordStart { ranks } => {
                recorder.record_start(ranks).await?;
                self.sample().await;
            }
            Action::Follow(_) => {}
            Action::Signal(signal, ranks) => return self.signal(run, signal, ranks).await,
            Action::Decide(mut outcome) => {
                let by_ranks = outcome.event == RunEvent::Finish || run.ranks.iter().any(has_failed);
                let last_end = self.context.last_end().filter(|_| by_ranks);
                let now = self.now(run);
                let is_set_back = self.context.deps.handle.ages().is_set_back(run.id);
                outcome.at = end_date(run, now, is_set_back, last_end);
                tracing::info!(run = %run.id, event = ?outcome.event, reason = outcome.reason, "outcome decided");
                if let Some(date) = self.context.deps.handle.end_requests().date(run.id) {
                    recorder.request_stop(date).await?;
                }
                recorder.decide_outcome(&outcome).await?;
            }
            Action::Release => return self.release(run).await,
            Action::End => recorder.end_run().await?,
        }
        Ok(Next::PlanAgain)
    }

    async fn provision(&mut self, run: &Run) -> Result<Next> {
        let deps = self.context.deps;
        // The server may have other settings, or another cluster, than when it accepted the run.
        if let Some(error) = deps.cluster.refusal(&run.spec) {
            self.observed.refusal = Some(error.detail().to_owned());
            return Ok(Next::PlanAgain);
        }
        let taken = self.context.recorder.workers_of_other_runs().await?;
        let token = self.context.token().await?;
        match deps.cluster.provision(&ProvisionRequest { run, taken: &taken, token: token.as_ref() }).await {
            Ok(status) => {
                self.context.responded(Caller::Supervisor);
                // A repeated request is followed by a pause even when `missing` changes, so as not to flood the cluster.
                let again =
                    self.observed.provision.is_some() && matches!(status, ProvisionStatus::Waiting { .. });
                self.observed.provision = Some(status);
                Ok(if again { Next::Wait } else { Next::PlanAgain })
            }
            Err(error @ ClusterError::Unreachable(_)) => {
                let limit = deps.settings.start_timeout;
                if self.now(run).run_age >= limit {
                    let why = failure_reason::start_timeout(limit, &[error.to_string()]);
                    self.observed.refusal = Some(why);
                    return Ok(Next::PlanAgain);
                }
                self.unreachable(&error).await
            }
            Err(ClusterError::Refused(why) | ClusterError::Lost(why)) => {
                self.observed.refusal = Some(why);
                Ok(Next::PlanAgain)
            }
        }
    }

    async fn launch(&mut self, run: &Run) -> Result<Next> {
        let deps = self.context.deps;
        let ranks = self.observed.launched..run.spec.started_ranks();
        let token = self.context.token().await?;
        let began = *self.launching_since.get_or_insert_with(Instant::now);
        let launches = join_all(ranks.map(|rank| {
            let task = task(run, rank, &deps.settings, token.as_ref());
            async move { deps.cluster.launch(&task.map_err(ClusterError::Refused)?).await }
        }));
        for launch in launches.await {
            match launch {
                Ok(()) => self.observed.launched += 1,
                Err(error @ ClusterError::Unreachable(_)) => {
                    let limit = deps.settings.start_timeout;
                    if began.elapsed() < limit {
                        return self.unreachable(&error).await;
                    }
                    let why = failure_reason::launch_timeout(limit, &error.to_string());
                    self.observed.refusal = Some(why);
                    break;
                }
                Err(ClusterError::Refused(why) | ClusterError::Lost(why)) => {
                    self.observed.refusal = Some(why);
                    break;
                }
            }
        }
        self.context.responded(Caller::Supervisor);
        Ok(Next::PlanAgain)
    }

    async fn signal(&mut self, run: &Run, signal: Signal, ranks: Vec<u32>) -> Result<Next> {
        let cluster = &self.context.deps.cluster;
        let refs = ranks.into_iter().filter_map(|rank| rank_ref(run, rank));
        let terminations = self.context.deps.handle.terminations();
        let sent = join_all(refs.map(|at| async move {
            let outcome = cluster.signal(&at, signal).await;
            // At once: a deletion may drop the rest of this.
            if outcome.is_ok() {
                terminations.note(run.id, at.rank);
            }
            (at.rank, outcome)
        }))
        .await;
        let age = self.started_at.elapsed();
        let mut unreachable = None;
        for (rank, outcome) in sent {
            let obstacle = match &outcome {
                Err(error @ ClusterError::Unreachable(_)) => Some(error.to_string()),
                Ok(Remaining::Processes(left @ 1..)) if signal == Signal::Kill => {
                    Some(format!("processes that survive SIGKILL: {left}"))
                }
                Ok(Remaining::Supervisor) => Some("its exit code cannot be stored".to_owned()),
                _ => None,
            };
            match obstacle {
                Some(obstacle) => self.resist(run.id, rank, &obstacle).await?,
                None => drop(self.deaf_since.remove(&rank)),
            }
            if let Err(error @ ClusterError::Unreachable(_)) = outcome {
                unreachable = Some(error);
                continue;
            }
            // A lost worker needs no signal: its follower records the loss.
            let entry = self.observed.signalled.entry(rank).or_insert(Signalled { term: age, kill: None });
            if signal == Signal::Kill {
                entry.kill = Some(age);
            }
        }
        match unreachable {
            Some(error) => self.unreachable(&error).await,
            None => {
                self.context.responded(Caller::Supervisor);
                Ok(Next::Wait)
            }
        }
    }

    /// Notes that a rank does not end, and gives it up after some time.
    ///
    /// The release deletes the worker itself, or goes on killing the processes.
    async fn resist(&mut self, run: RunId, rank: u32, obstacle: &str) -> Result<()> {
        let time = self.deaf_since.entry(rank).or_insert_with(Instant::now).elapsed();
        if time >= self.context.deps.settings.grace_period.saturating_add(SIGNAL_TIMEOUT) {
            let why = failure_reason::unreachable_rank(rank, time, obstacle);
            tracing::warn!(%run, "giving up a rank: {why}");
            self.context.recorder.record_rank_exit(rank, &RankExit::Lost(why)).await?;
        }
        Ok(())
    }

    async fn release(&mut self, run: &Run) -> Result<Next> {
        if !run.ranks.is_empty() && !self.sampled_at_end {
            self.sample().await;
            self.sampled_at_end = true;
        }
        match self.context.deps.cluster.release(run).await {
            Ok(status) => {
                self.context.responded(Caller::Supervisor);
                self.observed.released = status == ReleaseStatus::Complete;
                Ok(if self.observed.released { Next::PlanAgain } else { Next::Wait })
            }
            // Every error is retried: a run that may hold workers has not ended.
            Err(error) => self.unreachable(&error).await,
        }
    }

    async fn unreachable(&self, error: &ClusterError) -> Result<Next> {
        self.context.unreachable(Caller::Supervisor, error).await?;
        Ok(Next::WaitLonger)
    }

    /// Samples the pods, so that even the shortest run has a sample at its start and one at its end.
    async fn sample(&self) {
        self.context.deps.monitor.sample_within(SAMPLE_TIMEOUT).await;
    }
}

fn has_failed(rank: &RankStatus) -> bool {
    rank.exit_code.is_some_and(|code| code != 0)
}

/// Completes `work` while the followers make progress.
async fn while_following<T>(
    followers: &mut Followers<'_>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            Some(ended) = followers.next() => { ended?; }
        }
    }
}
