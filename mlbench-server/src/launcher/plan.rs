//! What is to be done next for a run: a pure function of what is stored, what was seen, and the time.
//!
//! The stored run is the truth. [`Seen`] is what one supervisor has noticed in its own life; when it is lost, the
//! supervisor that follows sees it again, because everything that is asked of the cluster can be asked twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mlbench_core::run::{RankStatus, Run, RunEvent, RunOutcome, Worker};
use mlbench_core::{RunState, Timestamp};

use super::failure_reason;
use crate::cluster::{Provision, Signal};

/// After how long a SIGKILL that did not help is sent again.
const KILL_AGAIN: Duration = Duration::from_secs(5);

/// What a supervisor does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Write a sentence into the run's log.
    Note(String),
    /// Ask the cluster for workers.
    Provision,
    /// Keep the workers that the cluster gave.
    Assign(Vec<Worker>),
    /// Start the command of every rank that runs it.
    Launch,
    /// Record on how many ranks it was started.
    RecordStart {
        /// Ranks 0, 1, … below this number.
        ranks: u32,
    },
    /// Read the output of these ranks until their ends are recorded.
    Follow(Vec<u32>),
    /// Send a signal to these ranks.
    Signal(Signal, Vec<u32>),
    /// Decide how the run ends.
    Decide(RunOutcome),
    /// Leave nothing of the run on its workers.
    Release,
    /// Give the run its last state.
    End,
}

/// What a supervisor has seen in its own life.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// The notes that stand in the run's log.
    pub(super) noted: BTreeSet<String>,
    /// The cluster's last answer to being asked for workers.
    pub(super) provision: Option<Provision>,
    /// The command was started on ranks 0, 1, … below this number.
    pub(super) launched: u32,
    /// Why the run can never be started, in words.
    pub(super) refusal: Option<String>,
    /// Which ranks were sent a signal.
    pub(super) signalled: BTreeMap<u32, Signalled>,
    /// Whether nothing of the run is left on its workers.
    pub(super) released: bool,
}

/// When a rank was sent its signals, as the age of its supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signalled {
    /// The first SIGTERM.
    pub(super) term: Duration,
    /// The last SIGKILL.
    pub(super) kill: Option<Duration>,
}

/// How long what may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// From SIGTERM to SIGKILL.
    pub(super) grace_period: Duration,
    /// From the admission of a run until its workers must be there.
    pub(super) start_timeout: Duration,
}

/// Now: the date, and the age of the supervisor, which no change of the system's clock disturbs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// The date.
    pub(super) date: Timestamp,
    /// How long the supervisor has lived.
    pub(super) age: Duration,
}

/// What is to be done next for `run`; empty when it has ended.
pub(super) fn plan(run: &Run, seen: &Seen, limits: &Limits, now: Now) -> Vec<Action> {
    if !run.state.is_active() {
        return Vec::new();
    }
    let stopping = run.ending.is_some() || run.stop_requested_at.is_some();
    let wanted = run.spec.started_ranks();
    if run.state == RunState::Initialized && seen.launched > 0 {
        // What was started is recorded even when no more will be: it has output, and must be stopped.
        if stopping || seen.refusal.is_some() || seen.launched == wanted {
            return vec![Action::RecordStart { ranks: seen.launched }];
        }
    }
    let open: Vec<u32> = run.ranks.iter().filter(|rank| !rank.has_ended()).map(|rank| rank.rank).collect();
    if stopping && !open.is_empty() {
        return stop(open, seen, limits, now);
    }
    if run.ending.is_some() {
        // Who still waited in the queue holds nothing that could be released.
        return vec![if seen.released || run.is_queued() { Action::End } else { Action::Release }];
    }
    let decide = |event, reason| vec![Action::Decide(RunOutcome { event, reason, at: now.date })];
    if run.stop_requested_at.is_some() {
        return decide(RunEvent::Stop, None);
    }
    if let Some(reason) = failure(run, seen) {
        return decide(RunEvent::Fail, Some(reason));
    }
    match run.state {
        RunState::Started if open.is_empty() => decide(RunEvent::Finish, None),
        RunState::Started => vec![Action::Follow(open)],
        _ if run.is_queued() => Vec::new(),
        _ if !run.workers.is_empty() => vec![Action::Launch],
        _ => provision(run, seen, limits, now),
    }
}

fn stop(open: Vec<u32>, seen: &Seen, limits: &Limits, now: Now) -> Vec<Action> {
    let due = |&rank: &u32| match seen.signalled.get(&rank) {
        None => Some(Signal::Term),
        Some(Signalled { term, kill: None }) => {
            (now.age >= *term + limits.grace_period).then_some(Signal::Kill)
        }
        Some(Signalled { kill: Some(kill), .. }) => (now.age >= *kill + KILL_AGAIN).then_some(Signal::Kill),
    };
    let to = |signal| open.iter().copied().filter(|rank| due(rank) == Some(signal)).collect::<Vec<_>>();
    let signals = [Signal::Term, Signal::Kill].map(|signal| (signal, to(signal)));
    let signals = signals.into_iter().filter(|(_, ranks)| !ranks.is_empty());
    let signals: Vec<_> = signals.map(|(signal, ranks)| Action::Signal(signal, ranks)).collect();
    std::iter::once(Action::Follow(open)).chain(signals).collect()
}

fn provision(run: &Run, seen: &Seen, limits: &Limits, now: Now) -> Vec<Action> {
    let (sentences, next) = match &seen.provision {
        None => return vec![Action::Provision],
        Some(Provision::Ready { workers, notes }) => (notes, Action::Assign(workers.clone())),
        Some(Provision::Waiting { missing })
            if now.date.since(run.admitted_at.unwrap_or(run.created_at)) >= limits.start_timeout =>
        {
            let reason = Some(failure_reason::start_timeout(limits.start_timeout, missing));
            return vec![Action::Decide(RunOutcome { event: RunEvent::Fail, reason, at: now.date })];
        }
        Some(Provision::Waiting { missing }) => (missing, Action::Provision),
    };
    let mut noted = seen.noted.clone();
    let new = sentences.iter().filter(|text| noted.insert((*text).clone()));
    new.cloned().map(Action::Note).chain([next]).collect()
}

/// Why a run cannot end well any more; `None` while it can.
fn failure(run: &Run, seen: &Seen) -> Option<String> {
    if let Some(refusal) = &seen.refusal {
        return Some(refusal.clone());
    }
    let of_rank = |rank: &RankStatus| {
        let lost = rank.lost.clone();
        lost.or_else(|| {
            rank.exit_code.filter(|&code| code != 0).map(|code| failure_reason::exit(rank.rank, code))
        })
    };
    if let Some(reason) = run.ranks.iter().find_map(of_rank) {
        return Some(reason);
    }
    let (started, wanted) = (run.ranks.len(), run.spec.started_ranks());
    (run.state == RunState::Started && started < usize::try_from(wanted).unwrap_or(usize::MAX))
        .then(|| format!("the command was started on {started} of {wanted} ranks only"))
}
