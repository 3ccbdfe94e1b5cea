//! One run, from where it stands to its end.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::FuturesUnordered;
use mlbench_core::run::{OutputStream, Run};
use mlbench_core::storage::{LogPart, LogQuery};
use mlbench_core::{ErrorCode, PodName, Result, RunId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::LauncherDeps;
use super::backoff::Backoff;
use super::failure_reason;
use super::outage::{Caller, Outages};
use super::plan::{Action, Limits, Now, Seen, Signalled, plan};
use super::rank::{follow, rank_ref, task};
use super::recorder::Records;
use crate::cluster::{Claim, ClusterError, Provision, Release, Signal};
use crate::token::Token;

/// The longest pause before a run is looked at again that waits for something.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// The longest pause between two attempts to reach the cluster.
const LONGEST_OUTAGE_PAUSE: Duration = Duration::from_secs(10);
/// How long a run waits for its pods to be measured.
const SAMPLE_PATIENCE: Duration = Duration::from_secs(2);

/// What the supervisor of a run and the followers of its ranks share.
pub(super) struct Context<'a> {
    pub(super) deps: &'a LauncherDeps,
    pub(super) records: Records<'a>,
    outages: Outages,
}

impl Context<'_> {
    pub(super) fn answer(&self, caller: Caller) {
        self.outages.answer(caller);
    }

    /// Takes notice of a call that was not answered.
    pub(super) async fn no_answer(&self, caller: Caller, error: &ClusterError) -> Result<()> {
        tracing::debug!(?caller, %error, "no answer");
        match self.outages.no_answer(caller) {
            Some(lasting) => self.records.note(&failure_reason::outage(lasting, &error.to_string())).await,
            None => Ok(()),
        }
    }
}

/// How to go on after an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    /// Something is different now: plan again at once.
    Plan,
    /// Look again soon.
    Wait,
    /// The cluster does not answer: look again later.
    WaitLonger,
}

/// Brings run `id` to its end. Returns early when it is deleted. `nudge` makes it look at its run at once.
///
/// # Errors
/// What the store refuses: start another supervisor later.
pub(super) async fn supervise(deps: &LauncherDeps, id: RunId, nudge: watch::Receiver<u64>) -> Result<()> {
    let context = Context { deps, records: Records::new(deps, id), outages: Outages::default() };
    let outcome = Supervisor::new(&context).run(id, nudge).await;
    match outcome {
        Err(error) if error.code() == ErrorCode::NotFound => match deps.storage.run(id).await {
            Err(gone) if gone.code() == ErrorCode::NotFound => Ok(()),
            _ => Err(error),
        },
        outcome => outcome,
    }
}

struct Supervisor<'a> {
    context: &'a Context<'a>,
    seen: Seen,
    born: Instant,
    sampled_at_end: bool,
    /// What the workers show when they post metrics, once it is needed.
    token: Option<Token>,
}

type Followers<'a> = FuturesUnordered<BoxFuture<'a, Result<u32>>>;

impl<'a> Supervisor<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        Self { context, seen: Seen::default(), born: Instant::now(), sampled_at_end: false, token: None }
    }

    async fn run(mut self, id: RunId, mut nudge: watch::Receiver<u64>) -> Result<()> {
        let deps = self.context.deps;
        let limits =
            Limits { grace_period: deps.settings.grace_period, start_timeout: deps.settings.start_timeout };
        let mut followers = Followers::new();
        let mut followed = HashSet::new();
        let mut waits = Backoff::up_to(LONGEST_WAIT);
        let mut outage_pauses = Backoff::up_to(LONGEST_OUTAGE_PAUSE);
        self.seen.noted = notes_of(deps, id).await?;
        loop {
            let run = deps.storage.run(id).await?;
            if !run.state.is_active() {
                tracing::info!(run = %id, state = %run.state, reason = run.reason(), "run ended");
                return Ok(());
            }
            let now = Now { date: deps.clock.now(), age: self.born.elapsed() };
            let mut actions = plan(&run, &self.seen, &limits, now);
            if let Some(Action::Follow(ranks)) = actions.first() {
                let new = run.ranks.iter().filter(|rank| ranks.contains(&rank.rank));
                for status in new.filter(|rank| followed.insert(rank.rank)) {
                    if let Some(at) = rank_ref(&run, status.rank) {
                        followers.push(Box::pin(follow(self.context, at, status.clone())));
                    }
                }
                actions.remove(0);
            }
            let next = beside(&mut followers, self.act(&run, actions)).await?;
            let pause = match next {
                Next::Plan => {
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
                Ok(()) = nudge.changed() => {}
                () = sleep(pause) => {}
            }
        }
    }

    async fn act(&mut self, run: &Run, actions: Vec<Action>) -> Result<Next> {
        let mut worst = if actions.is_empty() { Next::Wait } else { Next::Plan };
        for action in actions {
            worst = worst.max(self.act_once(run, action).await?);
        }
        Ok(worst)
    }

    async fn act_once(&mut self, run: &Run, action: Action) -> Result<Next> {
        let records = self.context.records;
        match action {
            Action::Note(text) => {
                records.note(&text).await?;
                self.seen.noted.insert(text);
            }
            Action::Provision => return self.provision(run).await,
            Action::Assign(workers) => {
                if records.workers(&workers).await?.workers.is_empty() {
                    // Another run was faster: ask for others.
                    self.seen.provision = None;
                    return Ok(Next::Wait);
                }
            }
            Action::Launch => return self.launch(run).await,
            Action::RecordStart { ranks } => {
                records.started(ranks).await?;
                self.sample().await;
            }
            Action::Follow(_) => {}
            Action::Signal(signal, ranks) => return self.signal(run, signal, ranks).await,
            Action::Decide(ending) => {
                tracing::info!(run = %run.id, event = ?ending.event, reason = ending.reason, "end decided");
                records.ending(&ending).await?;
            }
            Action::Release => return self.release(run).await,
            Action::End => records.end().await?,
        }
        Ok(Next::Plan)
    }

    async fn provision(&mut self, run: &Run) -> Result<Next> {
        let (deps, taken) = (self.context.deps, self.taken(run.id).await?);
        let token = self.token(run.id).await?;
        match deps.cluster.provision(&Claim { run, taken: &taken, token: token.as_ref() }).await {
            Ok(answer) => {
                self.context.answer(Caller::Supervisor);
                // A cluster whose words change all the time must not be asked all the time.
                let again = self.seen.provision.is_some() && matches!(answer, Provision::Waiting { .. });
                self.seen.provision = Some(answer);
                Ok(if again { Next::Wait } else { Next::Plan })
            }
            Err(error @ ClusterError::Unreachable(_)) => self.no_answer(&error).await,
            Err(ClusterError::Refused(why) | ClusterError::Lost(why)) => {
                self.seen.refusal = Some(why);
                Ok(Next::Plan)
            }
        }
    }

    /// The workers that other runs hold.
    async fn taken(&self, id: RunId) -> Result<Vec<PodName>> {
        let storage = &self.context.deps.storage;
        let mut holders = storage.active_runs().await?;
        holders.extend(storage.deleted_runs().await?);
        let others = holders.into_iter().filter(|run| run.id != id);
        Ok(others.flat_map(|run| run.workers).map(|worker| worker.pod).collect())
    }

    /// What the workers show when they post metrics. After a restart nobody knows the one before any more, so each
    /// supervisor makes its own when it needs one; all are good until the run ends.
    async fn token(&mut self, id: RunId) -> Result<Option<Token>> {
        if self.token.is_none() && self.context.deps.settings.run_tokens {
            let token = Token::random()?;
            self.context.records.token(token.hash()).await?;
            tracing::debug!(run = %id, "its workers have a token");
            self.token = Some(token);
        }
        Ok(self.token.clone())
    }

    async fn launch(&mut self, run: &Run) -> Result<Next> {
        let deps = self.context.deps;
        let ranks = self.seen.launched..run.spec.started_ranks();
        let token = self.token(run.id).await?;
        let launches = join_all(ranks.map(|rank| {
            let task = task(run, rank, &deps.settings, token.as_ref());
            async move { deps.cluster.launch(&task.map_err(ClusterError::Refused)?).await }
        }));
        for launch in launches.await {
            match launch {
                Ok(()) => self.seen.launched += 1,
                Err(error @ ClusterError::Unreachable(_)) => return self.no_answer(&error).await,
                Err(ClusterError::Refused(why) | ClusterError::Lost(why)) => {
                    self.seen.refusal = Some(why);
                    break;
                }
            }
        }
        self.context.answer(Caller::Supervisor);
        Ok(Next::Plan)
    }

    async fn signal(&mut self, run: &Run, signal: Signal, ranks: Vec<u32>) -> Result<Next> {
        let cluster = &self.context.deps.cluster;
        let refs = ranks.into_iter().filter_map(|rank| rank_ref(run, rank));
        let sent = join_all(refs.map(|at| async move { (at.rank, cluster.signal(&at, signal).await) })).await;
        let age = self.born.elapsed();
        let mut unanswered = None;
        for (rank, outcome) in sent {
            if let Err(error @ ClusterError::Unreachable(_)) = outcome {
                unanswered = Some(error);
                continue;
            }
            // A worker that is gone needs no signal; its follower learns that it is lost.
            let entry = self.seen.signalled.entry(rank).or_insert(Signalled { term: age, kill: None });
            if signal == Signal::Kill {
                entry.kill = Some(age);
            }
        }
        match unanswered {
            Some(error) => self.no_answer(&error).await,
            None => {
                self.context.answer(Caller::Supervisor);
                Ok(Next::Wait)
            }
        }
    }

    async fn release(&mut self, run: &Run) -> Result<Next> {
        if !run.ranks.is_empty() && !self.sampled_at_end {
            self.sample().await;
            self.sampled_at_end = true;
        }
        match self.context.deps.cluster.release(run).await {
            Ok(answer) => {
                self.context.answer(Caller::Supervisor);
                self.seen.released = answer == Release::Complete;
                Ok(if self.seen.released { Next::Plan } else { Next::Wait })
            }
            // Whatever the cluster says: a run that may hold workers is not over.
            Err(error) => self.no_answer(&error).await,
        }
    }

    async fn no_answer(&self, error: &ClusterError) -> Result<Next> {
        self.context.no_answer(Caller::Supervisor, error).await?;
        Ok(Next::WaitLonger)
    }

    /// Measures the pods, so that however short a run is, there is one measurement at its start and one at its end.
    async fn sample(&self) {
        self.context.deps.monitor.sample_within(SAMPLE_PATIENCE).await;
    }
}

/// Does `work` while the followers go on.
async fn beside<T>(followers: &mut Followers<'_>, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            Some(ended) = followers.next() => { ended?; }
        }
    }
}

/// The server's notes in the log of a run, so that another supervisor does not repeat them.
async fn notes_of(deps: &LauncherDeps, id: RunId) -> Result<BTreeSet<String>> {
    // Sentences of provisioning are written before the first output: they are among the first lines.
    let part = LogPart::After { seq: 0, limit: 1_000 };
    let query = LogQuery { stream: Some(OutputStream::Stderr), rank: None, part };
    let lines = deps.storage.log_lines(id, query).await?;
    Ok(lines.into_iter().filter(|line| line.rank.is_none()).map(|line| line.text).collect())
}
