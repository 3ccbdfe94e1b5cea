use std::sync::Arc;

use super::fixtures::{at, code, finish, id, join_all, keyed, metric, new_run, ok, started, workers};
use crate::error::ErrorCode;
use crate::metric::Owner;
use crate::name::RunId;
use crate::run::{Run, RunEvent, RunOutcome, RunState};
use crate::storage::logs::{LogPart, LogQuery};
use crate::storage::points::PointsQuery;
use crate::storage::read_points::collect_points;
use crate::storage::runs::{Admission, RankExit, RunEntry, RunStart};
use crate::storage::storage_trait::Storage;

pub(super) async fn a_run_passes_through_its_lifecycle(store: &dyn Storage) {
    let new = new_run("Name of the run");
    let run = ok(store.start_run_unless_active(new.clone(), at(1)).await);
    assert_eq!((run.id, run.state, run.created_at), (id(1), RunState::Initialized, at(1)));
    assert_eq!((&run.name, run.job_id, &run.spec), (&new.name, new.job_id, &new.spec));
    assert_eq!(ok(store.assign_workers(run.id, workers()).await).workers, workers());

    let run = ok(store.run_started(run.id, 2, at(1)).await);
    assert_eq!((run.state, run.ranks.len()), (RunState::Started, 2));
    assert_eq!(ok(store.active_runs().await), std::slice::from_ref(&run));

    ok(store.record_rank_exit(run.id, 0, RankExit::Exited(0)).await);
    let run = ok(store.record_rank_exit(run.id, 1, RankExit::Lost("the pod is gone".to_owned())).await);
    assert_eq!(run.exit_codes(), [(0, 0)].into());
    assert_eq!(run.ranks[1].lost.as_deref(), Some("the pod is gone"));

    let outcome = RunOutcome { event: RunEvent::Fail, reason: Some("rank 1 was lost".to_owned()), at: at(7) };
    let run = ok(store.decide_outcome(run.id, outcome.clone()).await);
    assert_eq!((run.state, run.finished_at, run.outcome.as_ref()), (RunState::Started, None, Some(&outcome)));
    let run = ok(store.end_run(run.id).await);
    assert_eq!((run.state, run.finished_at), (RunState::Failed, Some(at(7))));
    assert_eq!(ok(store.run(run.id).await), run);
    assert_eq!(ok(store.active_runs().await), []);

    let second = ok(store.start_run_unless_active(new, at(8)).await);
    let page = async |after, limit, cached: Option<RunId>| {
        ok(store.runs_after(after, limit, Arc::new(move |id| Some(id) == cached)).await)
    };
    let loaded = |run: &Run| RunEntry::Loaded(Box::new(run.clone()));
    assert_eq!(page(None, 1, None).await, [loaded(&run)]);
    assert_eq!(page(None, 9, None).await, [loaded(&run), loaded(&second)]);
    assert_eq!(page(Some(run.id), 9, None).await, [loaded(&second)]);
    assert_eq!(page(Some(second.id), 9, None).await, []);
    assert_eq!(page(None, 9, Some(run.id)).await, [RunEntry::Cached(run.id), loaded(&second)]);
    assert_eq!(page(None, 9, Some(second.id)).await, [loaded(&run), RunEntry::Cached(second.id)]);
    assert_eq!(ok(store.runs().await), [run, second]);
}

/// The system clock may be set back while a run waits or goes on.
pub(super) async fn no_date_of_a_run_is_before_its_start(store: &dyn Storage) {
    let first = ok(store.queue_run(new_run("first"), 2, at(90)).await);
    let queued = ok(store.queue_run(new_run("queued"), 2, at(100)).await);
    assert_eq!((first.admitted_at, queued.admitted_at), (Some(at(90)), None));
    let finish = RunOutcome { event: RunEvent::Fail, reason: None, at: at(30) };
    ok(store.decide_outcome(first.id, finish).await);
    assert_eq!(ok(store.end_run(first.id).await).finished_at, Some(at(90)));
    assert_eq!(ok(store.admit_runs(2, at(40)).await)[0].admitted_at, Some(at(100)));
    assert_eq!(ok(store.request_stop(queued.id, at(50)).await).stop_requested_at, Some(at(100)));
    let stop = RunOutcome { event: RunEvent::Stop, reason: None, at: at(60) };
    ok(store.decide_outcome(queued.id, stop).await);
    assert_eq!(ok(store.end_run(queued.id).await).finished_at, Some(at(100)));
}

pub(super) async fn first_decisions_are_final(store: &dyn Storage) {
    let run = started(store).await;
    assert_eq!(ok(store.run_started(run.id, 1, at(1)).await), run);
    assert_eq!(ok(store.assign_workers(run.id, Vec::new()).await).workers, workers());

    let asked = ok(store.request_stop(run.id, at(3)).await);
    assert_eq!(asked.stop_requested_at, Some(at(3)));
    assert_eq!(ok(store.request_stop(run.id, at(4)).await), asked);

    ok(store.record_rank_exit(run.id, 0, RankExit::Exited(143)).await);
    let again = ok(store.record_rank_exit(run.id, 0, RankExit::Lost("too late".to_owned())).await);
    assert_eq!((again.ranks[0].exit_code, &again.ranks[0].lost), (Some(143), &None));

    let stop = RunOutcome { event: RunEvent::Stop, reason: None, at: at(5) };
    ok(store.decide_outcome(run.id, stop.clone()).await);
    let fail = RunOutcome { event: RunEvent::Fail, reason: Some("too late".to_owned()), at: at(6) };
    assert_eq!(ok(store.decide_outcome(run.id, fail.clone()).await).outcome, Some(stop));
    let ended = ok(store.end_run(run.id).await);
    assert_eq!((ended.state, ended.finished_at), (RunState::Stopped, Some(at(5))));

    for unchanged in [
        store.end_run(run.id).await,
        store.decide_outcome(run.id, fail).await,
        store.request_stop(run.id, at(9)).await,
        store.run_started(run.id, 2, at(1)).await,
        store.record_rank_exit(run.id, 1, RankExit::Exited(0)).await,
    ] {
        assert_eq!(ok(unchanged), ended);
    }
}

pub(super) async fn one_of_many_concurrent_starts_succeeds(store: &dyn Storage) {
    let starts =
        (0..50).map(|i| store.start_run_unless_active(new_run(&format!("run of caller {i}")), at(1)));
    let results = join_all(starts).await;
    let started: Vec<&Run> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    let [winner] = started.as_slice() else { panic!("{} of 50 starts succeeded", started.len()) };
    for refusal in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(refusal.code(), ErrorCode::RunActive);
        for word in [&format!("run {}", winner.id), winner.name.as_str(), "INITIALIZED"] {
            assert!(refusal.detail().contains(word), "{refusal} lacks {word}");
        }
    }
    assert_eq!(ok(store.runs().await), [(*winner).clone()]);
}

pub(super) async fn a_deleted_run_is_gone_and_its_id_is_not_reused(store: &dyn Storage) {
    let run = started(store).await;
    let owner = Owner::Run(run.id);
    ok(store.record_metric(metric(&owner, "loss", 1, "1"), None, at(1)).await);
    ok(store.append_server_message(run.id, "a message", at(1)).await);
    finish(store, run.id).await;
    ok(store.delete_run(run.id).await);

    assert_eq!(ok(store.runs().await), []);
    assert_eq!(ok(store.deleted_runs().await), []);
    let lines = LogQuery { stream: None, rank: None, part: LogPart::Last(1) };
    assert_eq!(code(store.run(run.id).await), ErrorCode::NotFound);
    assert_eq!(code(store.delete_run(run.id).await), ErrorCode::NotFound);
    assert_eq!(code(store.log_lines(run.id, lines).await), ErrorCode::NotFound);
    assert_eq!(code(collect_points(store, &PointsQuery::all(owner.clone())).await), ErrorCode::NotFound);
    assert_eq!(
        code(store.record_metric(metric(&owner, "loss", 2, "1"), None, at(2)).await),
        ErrorCode::NotFound
    );
    assert_eq!(code(store.append_server_message(run.id, "late", at(2)).await), ErrorCode::NotFound);
    assert_eq!(code(store.request_stop(run.id, at(2)).await), ErrorCode::NotFound);

    let next = ok(store.start_run_unless_active(new_run("next"), at(3)).await);
    assert_eq!(next.id, id(2));
    let nothing = ok(collect_points(store, &PointsQuery::all(Owner::Run(next.id))).await);
    assert!(nothing.is_empty(), "{nothing:?}");
}

pub(super) async fn a_deleted_active_run_holds_its_workers_until_teardown(store: &dyn Storage) {
    let run = started(store).await;
    ok(store.delete_run(run.id).await);
    assert_eq!(code(store.run(run.id).await), ErrorCode::NotFound);
    assert_eq!((ok(store.runs().await), ok(store.active_runs().await)), (Vec::new(), Vec::new()));
    let deleted_runs = ok(store.deleted_runs().await);
    assert_eq!(deleted_runs, std::slice::from_ref(&run));

    let Err(refusal) = store.start_run_unless_active(new_run("too early"), at(2)).await else {
        panic!("a run started on workers that another run holds");
    };
    assert_eq!(
        (refusal.code(), refusal.detail()),
        (ErrorCode::RunDeleting, "run 1 is being deleted; try again in a moment")
    );
    assert!(refusal.retry_after().is_some());

    ok(store.finish_teardown(run.id).await);
    ok(store.finish_teardown(run.id).await);
    assert_eq!(ok(store.deleted_runs().await), []);
    assert_eq!(ok(store.start_run_unless_active(new_run("now"), at(3)).await).id, id(2));
}

pub(super) async fn a_repeated_start_starts_one_run(store: &dyn Storage) {
    let start = async |key: &str, body, admission, now| {
        let start = RunStart { new: new_run("a run"), admission, key: Some(keyed(key, body)) };
        store.start_run(start, at(now)).await
    };
    let queue = Admission::Queue { capacity: 2 };
    let first = ok(start("k", 1, Admission::UnlessActive, 1).await);
    assert!(!first.replayed);
    // The policy may have changed meanwhile.
    for admission in [Admission::UnlessActive, queue] {
        let again = ok(start("k", 1, admission, 2).await);
        assert_eq!((&again.run, again.replayed), (&first.run, true));
    }
    assert_eq!(ok(store.find_started_run(keyed("k", 1)).await), Some(first.run));
    assert_eq!(ok(store.find_started_run(keyed("other", 1)).await), None);
    assert_eq!(code(start("k", 2, queue, 3).await), ErrorCode::IdempotencyKeyReused);
    assert_eq!(code(store.find_started_run(keyed("k", 2)).await), ErrorCode::IdempotencyKeyReused);
    // A refused start leaves its key free.
    assert_eq!(code(start("new", 1, Admission::UnlessActive, 4).await), ErrorCode::RunActive);
    assert!(!ok(start("new", 1, queue, 5).await).replayed);
    assert_eq!(ok(store.runs().await).len(), 2);
    ok(store.delete_run(id(1)).await);
    assert_eq!(code(start("k", 1, queue, 6).await), ErrorCode::NotFound);
}
