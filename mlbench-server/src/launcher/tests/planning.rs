//! The planner, as a pure function.

use std::time::Duration;

use mlbench_core::run::{Backend, RankStatus, Run, RunEvent, RunOutcome};
use mlbench_core::{RunState, Timestamp};
use proptest::prelude::*;

use super::harness::sample_run;
use crate::cluster::{ProvisionStatus, Signal};
use crate::launcher::plan::{Action, Limits, Now, Observed, Signalled, plan};

const LIMITS: Limits = Limits {
    grace_period: Duration::from_secs(10),
    start_timeout: Duration::from_secs(600),
    time_limit: None,
    exit_grace: None,
};

fn at(seconds: u64) -> Now {
    let age = Duration::from_secs(seconds);
    Now { date: Timestamp::EPOCH.saturating_add(age), age, run_age: age }
}

fn planned(run: &Run, observed: &Observed, seconds: u64) -> Vec<Action> {
    plan(run, observed, &LIMITS, at(seconds))
}

fn outcome(event: RunEvent, reason: Option<&str>, seconds: u64) -> RunOutcome {
    RunOutcome { event, reason: reason.map(ToOwned::to_owned), at: at(seconds).date }
}

fn decided(event: RunEvent, reason: Option<&str>, seconds: u64) -> Vec<Action> {
    vec![Action::Decide(outcome(event, reason, seconds))]
}

/// Returns a run on two workers whose ranks have these exit codes (`None` while running).
fn started(exits: [Option<i32>; 2]) -> Run {
    let mut run = sample_run(2, "p");
    run.state = RunState::Started;
    let rank = |(rank, exit_code)| RankStatus { exit_code, ..RankStatus::new(rank) };
    run.ranks = (0..).zip(exits).map(rank).collect();
    run
}

#[test]
fn a_run_fails_at_its_time_limit_and_is_stopped() {
    let limits = Limits { time_limit: Some(Duration::from_secs(60)), ..LIMITS };
    let observed = Observed::default();
    let planned = |run: &Run, seconds| plan(run, &observed, &limits, at(seconds));
    let mut run = started([None, Some(0)]);
    assert_eq!(planned(&run, 59), [Action::Follow(vec![0])]);
    let why = "the run did not end within its time limit of 1 min";
    assert_eq!(planned(&run, 60), decided(RunEvent::Fail, Some(why), 60));
    run.outcome = Some(outcome(RunEvent::Fail, Some(why), 60));
    assert_eq!(planned(&run, 61), [Action::Follow(vec![0]), Action::Signal(Signal::Term, vec![0])]);
    assert_eq!(planned(&started([Some(0); 2]), 61), decided(RunEvent::Finish, None, 61));
    let mut waiting = sample_run(2, "p");
    let admitted = |seconds| Now { run_age: Duration::from_secs(seconds - 100), ..at(seconds) };
    assert_eq!(plan(&waiting, &observed, &limits, admitted(159)), [Action::Launch]);
    assert_eq!(plan(&waiting, &observed, &limits, admitted(160)), decided(RunEvent::Fail, Some(why), 160));
    waiting.admitted_at = None;
    assert_eq!(planned(&waiting, 1_000), [], "a queued run waits as long as it must");
}

#[test]
fn a_run_that_has_reached_its_goal_is_stopped_and_finishes() {
    let reached = Some(outcome(RunEvent::Finish, Some("goal reached: accuracy 80"), 5));
    let with = |exits| Run { outcome: reached.clone(), ..started(exits) };
    let observed = Observed::default();
    let stop = [Action::Follow(vec![0, 1]), Action::Signal(Signal::Term, vec![0, 1])];
    assert_eq!(planned(&with([None, None]), &observed, 6), stop);
    let by_sigterm = with([Some(143), Some(0)]);
    assert_eq!(planned(&by_sigterm, &observed, 7), [Action::Release]);
    let released = Observed { released: true, ..Observed::default() };
    assert_eq!(planned(&by_sigterm, &released, 8), [Action::End]);
}

#[test]
fn ranks_that_go_on_after_another_has_ended_fail_the_run() {
    let limits = Limits { exit_grace: Some(Duration::from_secs(30)), ..LIMITS };
    let mut observed = Observed::default();
    let run = started([Some(0), None]);
    assert_eq!(plan(&run, &observed, &limits, at(1_000)), [Action::Follow(vec![1])]);
    observed.first_exit = Some(Duration::from_secs(1_000));
    assert_eq!(plan(&run, &observed, &limits, at(1_029)), [Action::Follow(vec![1])]);
    let why = "rank 1 did not end within 30 s after another rank had ended";
    assert_eq!(plan(&run, &observed, &limits, at(1_030)), decided(RunEvent::Fail, Some(why), 1_030));
    assert_eq!(planned(&run, &observed, 9_999), [Action::Follow(vec![1])], "off by default");
    observed.held_up = [1].into();
    assert_eq!(plan(&run, &observed, &limits, at(9_999)), [Action::Follow(vec![1])], "it may have ended");
    let ended = started([Some(0); 2]);
    assert_eq!(plan(&ended, &observed, &limits, at(1_030)), decided(RunEvent::Finish, None, 1_030));
}

#[test]
fn a_new_run_is_provisioned_launched_recorded_and_followed() {
    let mut run = sample_run(2, "p");
    let workers = std::mem::take(&mut run.workers);
    let mut observed = Observed::default();
    assert_eq!(planned(&run, &observed, 0), [Action::Provision]);
    observed.provision =
        Some(ProvisionStatus::Ready { workers: workers.clone(), messages: vec!["n".to_owned()] });
    assert_eq!(
        planned(&run, &observed, 0),
        [Action::WriteMessage("n".to_owned()), Action::Assign(workers.clone())]
    );
    observed.messages.insert("n".to_owned());
    assert_eq!(planned(&run, &observed, 0), [Action::Assign(workers.clone())]);
    run.workers = workers;
    assert_eq!(planned(&run, &observed, 0), [Action::Launch]);
    observed.launched = 1;
    assert_eq!(planned(&run, &observed, 0), [Action::Launch]);
    observed.launched = 2;
    assert_eq!(planned(&run, &observed, 0), [Action::RecordStart { ranks: 2 }]);
    assert_eq!(planned(&started([None, None]), &observed, 0), [Action::Follow(vec![0, 1])]);
}

#[test]
fn with_mpi_one_rank_is_a_complete_start() {
    let mut run = sample_run(2, "p");
    run.spec.backend = Some(Backend::Mpi);
    let observed = Observed { launched: 1, ..Observed::default() };
    assert_eq!(planned(&run, &observed, 0), [Action::RecordStart { ranks: 1 }]);
}

#[test]
fn a_queued_run_has_no_actions_until_it_is_stopped() {
    let mut run = Run { workers: Vec::new(), admitted_at: None, ..sample_run(2, "p") };
    assert_eq!(planned(&run, &Observed::default(), 10_000), []);
    run.stop_requested_at = Some(at(1).date);
    assert_eq!(planned(&run, &Observed::default(), 2), decided(RunEvent::Stop, None, 2));
    run.outcome = Some(outcome(RunEvent::Stop, None, 2));
    assert_eq!(planned(&run, &Observed::default(), 3), [Action::End], "it holds no workers");
}

#[test]
fn the_start_timeout_counts_from_the_admission() {
    let run = Run { workers: Vec::new(), ..sample_run(2, "p") };
    let waiting = ProvisionStatus::Waiting { missing: Vec::new() };
    let observed = Observed { provision: Some(waiting), ..Observed::default() };
    let planned =
        |age| plan(&run, &observed, &LIMITS, Now { run_age: Duration::from_secs(age), ..at(9_999) });
    assert_eq!(planned(599), [Action::Provision]);
    assert!(matches!(planned(600)[..], [Action::Decide(_)]));
}

#[test]
fn missing_workers_are_logged_once_and_fail_at_the_timeout() {
    let mut run = sample_run(2, "p");
    run.workers.clear();
    let missing = vec!["worker 1: ImagePullBackOff".to_owned()];
    let mut observed = Observed {
        provision: Some(ProvisionStatus::Waiting { missing: missing.clone() }),
        ..Observed::default()
    };
    assert_eq!(planned(&run, &observed, 599), [Action::WriteMessage(missing[0].clone()), Action::Provision]);
    observed.messages.extend(missing);
    assert_eq!(planned(&run, &observed, 599), [Action::Provision]);
    let reason = "the workers were not ready within 10 min: worker 1: ImagePullBackOff";
    assert_eq!(planned(&run, &observed, 600), decided(RunEvent::Fail, Some(reason), 600));
}

#[test]
fn exit_codes_of_0_finish_a_run_and_the_first_failure_fails_it() {
    let observed = Observed::default();
    assert_eq!(planned(&started([Some(0), None]), &observed, 1), [Action::Follow(vec![1])]);
    assert_eq!(planned(&started([Some(0), Some(0)]), &observed, 1), decided(RunEvent::Finish, None, 1));
    let reason = Some("rank 1 exited with code 3");
    assert_eq!(planned(&started([None, Some(3)]), &observed, 1), decided(RunEvent::Fail, reason, 1));
    let mut lost = started([None, None]);
    lost.ranks[0].lost = Some("the machine was rebooted".to_owned());
    let reason = Some("the machine was rebooted");
    assert_eq!(planned(&lost, &observed, 1), decided(RunEvent::Fail, reason, 1));
}

#[test]
fn the_other_ranks_of_a_failed_run_get_sigterm_then_sigkills() {
    let mut run = started([None, Some(3)]);
    run.outcome = Some(outcome(RunEvent::Fail, Some("x"), 0));
    let mut observed = Observed::default();
    let signal = |signal| vec![Action::Follow(vec![0]), Action::Signal(signal, vec![0])];
    assert_eq!(planned(&run, &observed, 1), signal(Signal::Term));
    let term = Duration::from_secs(1);
    observed.signalled.insert(0, Signalled { term, kill: None });
    assert_eq!(planned(&run, &observed, 10), [Action::Follow(vec![0])]);
    assert_eq!(planned(&run, &observed, 11), signal(Signal::Kill));
    observed.signalled.insert(0, Signalled { term, kill: Some(Duration::from_secs(11)) });
    assert_eq!(planned(&run, &observed, 15), [Action::Follow(vec![0])]);
    assert_eq!(planned(&run, &observed, 16), signal(Signal::Kill));
    run.ranks[0].exit_code = Some(137);
    assert_eq!(planned(&run, &observed, 16), [Action::Release]);
    observed.released = true;
    assert_eq!(planned(&run, &observed, 16), [Action::End]);
}

#[test]
fn a_stop_request_decides_the_outcome_whatever_the_exit_codes() {
    let mut run = started([Some(143), Some(0)]);
    run.stop_requested_at = Some(Timestamp::EPOCH);
    assert_eq!(planned(&run, &Observed::default(), 1), decided(RunEvent::Stop, None, 1));
}

#[test]
fn a_run_stopped_before_its_launch_is_never_launched() {
    let mut run = sample_run(2, "p");
    run.stop_requested_at = Some(Timestamp::EPOCH);
    assert_eq!(planned(&run, &Observed::default(), 1), decided(RunEvent::Stop, None, 1));
    let half = Observed { launched: 1, ..Observed::default() };
    assert_eq!(planned(&run, &half, 1), [Action::RecordStart { ranks: 1 }]);
}

#[test]
fn a_refused_launch_fails_the_run_after_its_start_is_recorded() {
    let run = sample_run(2, "p");
    let reason = Some("rank 1 cannot start: no");
    let mut observed =
        Observed { launched: 1, refusal: reason.map(ToOwned::to_owned), ..Observed::default() };
    assert_eq!(planned(&run, &observed, 1), [Action::RecordStart { ranks: 1 }]);
    let mut half = started([None, None]);
    half.ranks.pop();
    assert_eq!(planned(&half, &observed, 1), decided(RunEvent::Fail, reason, 1));
    // A new supervisor does not know the reason, but detects that a rank is missing.
    let unknown = Some("the command started on only 1 of 2 ranks");
    assert_eq!(planned(&half, &Observed::default(), 1), decided(RunEvent::Fail, unknown, 1));
    observed.launched = 0;
    assert_eq!(planned(&run, &observed, 1), decided(RunEvent::Fail, reason, 1));
}

#[test]
fn an_ended_run_has_no_actions() {
    for state in [RunState::Finished, RunState::Failed, RunState::Stopped] {
        let run = Run { state, ..started([None, None]) };
        assert_eq!(planned(&run, &Observed::default(), 1), []);
    }
}

/// An event between two plans.
#[derive(Debug, Clone)]
enum Event {
    Exit(u32, i32),
    Lose(u32),
    RequestStop,
    Restart,
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..3u32, prop_oneof![3 => Just(0), 1 => 1..255i32]).prop_map(|(rank, code)| Event::Exit(rank, code)),
        (0..3u32).prop_map(Event::Lose),
        Just(Event::RequestStop),
        Just(Event::Restart),
        (0..400u64).prop_map(Event::Pass),
    ]
}

/// Applies an action to the stored run and the observations.
fn apply(run: &mut Run, observed: &mut Observed, action: Action, now: Now) {
    match action {
        Action::WriteMessage(text) => assert!(observed.messages.insert(text), "written twice"),
        Action::Provision => {
            let workers = sample_run(3, "p").workers;
            observed.provision = Some(match now.age.as_secs() {
                0..50 => ProvisionStatus::Waiting { missing: vec!["a worker".to_owned()] },
                _ => ProvisionStatus::Ready { workers, messages: vec!["a message".to_owned()] },
            });
        }
        Action::Assign(workers) => run.workers = workers,
        Action::Launch => {
            assert!(run.stop_requested_at.is_none() && run.outcome.is_none() && !run.workers.is_empty());
            observed.launched = 3;
        }
        Action::RecordStart { ranks } => {
            assert!(run.state == RunState::Initialized && ranks <= 3);
            run.state = RunState::Started;
            run.ranks = (0..ranks).map(RankStatus::new).collect();
        }
        Action::Follow(ranks) => assert!(!ranks.is_empty()),
        Action::Signal(signal, ranks) => {
            for rank in ranks {
                assert!(!run.ranks[rank as usize].has_ended(), "signal to an ended rank");
                let before = observed.signalled.get(&rank).copied();
                if signal == Signal::Kill {
                    let term = before.expect("SIGKILL without SIGTERM").term;
                    assert!(now.age >= term + LIMITS.grace_period, "SIGKILL within the grace period");
                    run.ranks[rank as usize].exit_code = Some(137);
                }
                let kill = (signal == Signal::Kill).then_some(now.age);
                let term = before.map_or(now.age, |before| before.term);
                observed.signalled.insert(rank, Signalled { term, kill });
            }
        }
        Action::Decide(outcome) => {
            assert!(run.outcome.is_none(), "decided twice");
            run.outcome = Some(outcome);
        }
        Action::Release => {
            assert!(run.outcome.is_some() && run.ranks.iter().all(RankStatus::has_ended));
            observed.released = true;
        }
        Action::End => {
            assert!(observed.released);
            let event = run.outcome.as_ref().unwrap().event;
            run.state = run.state.after(event).expect("a valid transition");
        }
    }
}

proptest! {
    #[test]
    fn every_sequence_of_events_leads_to_the_right_outcome(
        events in proptest::collection::vec(event(), 0..30),
    ) {
        let mut run = sample_run(3, "p");
        run.workers.clear();
        let (mut observed, mut seconds, mut steps) = (Observed::default(), 0, 0);
        let mut events = events.into_iter();
        while run.state.is_active() {
            steps += 1;
            prop_assert!(steps < 5_000, "no end: {run:?} {observed:?}");
            for action in planned(&run, &observed, seconds) {
                apply(&mut run, &mut observed, action, at(seconds));
            }
            let idle = events.len() == 0;
            match events.next() {
                Some(Event::Exit(rank, code)) => {
                    if let Some(rank) = run.ranks.get_mut(rank as usize).filter(|rank| !rank.has_ended()) {
                        rank.exit_code = Some(code);
                    }
                }
                Some(Event::Lose(rank)) => {
                    if let Some(rank) = run.ranks.get_mut(rank as usize).filter(|rank| !rank.has_ended()) {
                        rank.lost = Some("gone".to_owned());
                    }
                }
                Some(Event::RequestStop) => run.stop_requested_at = Some(at(seconds).date),
                Some(Event::Restart) => observed = Observed { messages: observed.messages, ..Observed::default() },
                Some(Event::Pass(passed)) => seconds += passed,
                None => seconds += 1,
            }
            // After the last event every rank exits sooner or later.
            if idle && steps % 50 == 0 {
                for rank in run.ranks.iter_mut().filter(|rank| !rank.has_ended()) {
                    rank.exit_code = Some(0);
                }
            }
        }
        let succeeded = run.ranks.len() == 3 && run.ranks.iter().all(|rank| rank.exit_code == Some(0));
        match run.state {
            RunState::Finished => prop_assert!(succeeded && run.reason().is_none()),
            RunState::Failed => prop_assert!(!succeeded && run.reason().is_some()),
            RunState::Stopped => prop_assert!(run.stop_requested_at.is_some() && run.reason().is_none()),
            active => prop_assert!(false, "{active}"),
        }
    }
}
