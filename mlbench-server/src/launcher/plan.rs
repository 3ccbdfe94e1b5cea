//! Plans the next actions for a run, as a pure function of its stored state, observations and the time.
//!
//! The stored run is the truth. [`Observed`] holds what one supervisor has observed since its start. When a supervisor
//! is lost, its successor observes the same again, because every request to the cluster is idempotent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mlbench_core::needs::TimeLimit;
use mlbench_core::run::{RankStatus, Run, RunEvent, RunOutcome, Worker};
use mlbench_core::{RunState, Timestamp};

use super::deps::LauncherSettings;
use super::failure_reason;
use crate::cluster::{ProvisionStatus, Signal};

/// Time between two SIGKILLs to a rank that does not exit.
const KILL_REPEAT_INTERVAL: Duration = Duration::from_secs(5);

/// The next step of a supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Write a server message into the run's log.
    WriteMessage(String),
    /// Request workers from the cluster.
    Provision,
    /// Record the workers that the cluster provided.
    Assign(Vec<Worker>),
    /// Start the command on every rank that runs it.
    Launch,
    /// Record on how many ranks the command was started.
    RecordStart {
        /// Ranks 0, 1, … below this number.
        ranks: u32,
    },
    /// Store the output of these ranks until their exits are recorded.
    Follow(Vec<u32>),
    /// Send a signal to these ranks.
    Signal(Signal, Vec<u32>),
    /// Record the outcome of the run.
    Decide(RunOutcome),
    /// Release the workers.
    Release,
    /// Set the final state of the run.
    End,
}

/// What a supervisor has observed since its start.
#[derive(Debug, Clone, Default)]
pub(super) struct Observed {
    /// The server messages in the run's log.
    pub(super) messages: BTreeSet<String>,
    /// The cluster's last response to a request for workers.
    pub(super) provision: Option<ProvisionStatus>,
    /// Number of ranks (0, 1, …) on which the command was started.
    pub(super) launched: u32,
    /// Why the run can never start.
    pub(super) refusal: Option<String>,
    /// The ranks whose ends this server cannot know, because its store has no room for their output.
    pub(super) held_up: BTreeSet<u32>,
    /// The age at which the first rank had ended.
    pub(super) first_exit: Option<Duration>,
    /// The ranks that were sent a signal.
    pub(super) signalled: BTreeMap<u32, Signalled>,
    /// Whether the workers are released.
    pub(super) released: bool,
}

impl Observed {
    /// Notes how long ago ranks got SIGTERM.
    pub(super) fn note_terminations(&mut self, sent: Vec<(u32, Duration)>, now: Now) {
        for (rank, ago) in sent {
            let term = now.age.saturating_sub(ago);
            self.signalled.entry(rank).or_insert(Signalled { term, kill: None });
        }
    }
}

/// When a rank was sent its signals, as ages of the supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signalled {
    /// The first SIGTERM.
    pub(super) term: Duration,
    /// The last SIGKILL.
    pub(super) kill: Option<Duration>,
}

/// Time limits of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Time between SIGTERM and SIGKILL.
    pub(super) grace_period: Duration,
    /// Time that the workers have to become ready, counted from the admission of the run.
    pub(super) start_timeout: Duration,
    /// Time from the admission of a run to its end.
    pub(super) time_limit: Option<Duration>,
    /// Time that ranks may go on after another one has ended.
    pub(super) exit_grace: Option<Duration>,
}

impl Limits {
    /// Returns the limits of a run, the shorter one where both it and the server limit its time.
    pub(super) fn of(run: &Run, settings: &LauncherSettings) -> Self {
        let of_run = run.spec.needs.time_limit.map(TimeLimit::duration);
        Self {
            grace_period: settings.grace_period,
            start_timeout: settings.start_timeout,
            time_limit: of_run.into_iter().chain(settings.time_limit).min(),
            exit_grace: settings.exit_grace,
        }
    }
}

/// The current time, as a date and as ages, which clock changes do not affect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// The current date.
    pub(super) date: Timestamp,
    /// Time since the start of the supervisor.
    pub(super) age: Duration,
    /// Time since the admission of the run.
    pub(super) run_age: Duration,
}

/// Returns the next actions for `run`, or none if it has ended.
pub(super) fn plan(run: &Run, observed: &Observed, limits: &Limits, now: Now) -> Vec<Action> {
    if !run.state.is_active() {
        return Vec::new();
    }
    let stopping = run.outcome.is_some() || run.stop_requested_at.is_some();
    let wanted = run.spec.started_ranks();
    if run.state == RunState::Initialized && observed.launched > 0 {
        // Ranks that were started are recorded even if no more will be: they have output, and must be stopped.
        if stopping || observed.refusal.is_some() || observed.launched == wanted {
            return vec![Action::RecordStart { ranks: observed.launched }];
        }
    }
    let open: Vec<u32> = run.ranks.iter().filter(|rank| !rank.has_ended()).map(|rank| rank.rank).collect();
    if stopping && !open.is_empty() {
        return stop(open, observed, limits, now);
    }
    if run.outcome.is_some() {
        // A queued run holds no workers.
        return vec![if observed.released || run.is_queued() { Action::End } else { Action::Release }];
    }
    let decide = |event, reason| vec![Action::Decide(RunOutcome { event, reason, at: now.date })];
    if run.stop_requested_at.is_some() {
        return decide(RunEvent::Stop, None);
    }
    if let Some(reason) = failure(run, observed) {
        return decide(RunEvent::Fail, Some(reason));
    }
    let late: Vec<u32> = open.iter().copied().filter(|rank| !observed.held_up.contains(rank)).collect();
    let has_finished = run.state == RunState::Started && late.is_empty();
    if let Some(reason) = overdue(run, &late, observed, limits, now).filter(|_| !has_finished) {
        return decide(RunEvent::Fail, Some(reason));
    }
    match run.state {
        RunState::Started if open.is_empty() => decide(RunEvent::Finish, None),
        RunState::Started => vec![Action::Follow(open)],
        _ if run.is_queued() => Vec::new(),
        _ if !run.workers.is_empty() => vec![Action::Launch],
        _ => provision(observed, limits, now),
    }
}

fn stop(open: Vec<u32>, observed: &Observed, limits: &Limits, now: Now) -> Vec<Action> {
    let due = |&rank: &u32| match observed.signalled.get(&rank) {
        None => Some(Signal::Term),
        Some(Signalled { term, kill: None }) => {
            (now.age >= *term + limits.grace_period).then_some(Signal::Kill)
        }
        Some(Signalled { kill: Some(kill), .. }) => {
            (now.age >= *kill + KILL_REPEAT_INTERVAL).then_some(Signal::Kill)
        }
    };
    let to = |signal| open.iter().copied().filter(|rank| due(rank) == Some(signal)).collect::<Vec<_>>();
    let signals = [Signal::Term, Signal::Kill].map(|signal| (signal, to(signal)));
    let signals = signals.into_iter().filter(|(_, ranks)| !ranks.is_empty());
    let signals: Vec<_> = signals.map(|(signal, ranks)| Action::Signal(signal, ranks)).collect();
    std::iter::once(Action::Follow(open)).chain(signals).collect()
}

fn provision(observed: &Observed, limits: &Limits, now: Now) -> Vec<Action> {
    let (messages, next) = match &observed.provision {
        None => return vec![Action::Provision],
        Some(ProvisionStatus::Ready { workers, messages }) => (messages, Action::Assign(workers.clone())),
        Some(ProvisionStatus::Waiting { missing }) if now.run_age >= limits.start_timeout => {
            let reason = Some(failure_reason::start_timeout(limits.start_timeout, missing));
            return vec![Action::Decide(RunOutcome { event: RunEvent::Fail, reason, at: now.date })];
        }
        Some(ProvisionStatus::Waiting { missing }) => (missing, Action::Provision),
    };
    let mut written = observed.messages.clone();
    let new = messages.iter().filter(|text| written.insert((*text).clone()));
    new.cloned().map(Action::WriteMessage).chain([next]).collect()
}

/// Returns which limit an admitted run has exceeded, whose ranks `late` go on.
fn overdue(run: &Run, late: &[u32], observed: &Observed, limits: &Limits, now: Now) -> Option<String> {
    if run.is_queued() {
        return None;
    }
    if let Some(limit) = limits.time_limit.filter(|&limit| now.run_age >= limit) {
        return Some(failure_reason::time_limit(limit));
    }
    let limit = limits.exit_grace?;
    let is_over = now.age.checked_sub(observed.first_exit?)? >= limit;
    is_over.then(|| failure_reason::exit_grace(late, limit))
}

/// Returns why the run has failed, or `None` while it can still finish.
fn failure(run: &Run, observed: &Observed) -> Option<String> {
    if let Some(refusal) = &observed.refusal {
        return Some(refusal.clone());
    }
    let of_rank = |rank: &RankStatus| {
        let lost = rank.lost.clone();
        lost.or_else(|| {
            rank.exit_code.filter(|&code| code != 0).map(|code| failure_reason::rank_exit(rank.rank, code))
        })
    };
    if let Some(reason) = run.ranks.iter().find_map(of_rank) {
        return Some(reason);
    }
    let (started, wanted) = (run.ranks.len(), run.spec.started_ranks());
    (run.state == RunState::Started && started < usize::try_from(wanted).unwrap_or(usize::MAX))
        .then(|| failure_reason::partial_start(started, wanted))
}
