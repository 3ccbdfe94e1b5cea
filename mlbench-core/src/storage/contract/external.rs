use std::collections::BTreeMap;

use super::fixtures::{at, chunk, code, id, keyed, metric, new_run, ok, started};
use crate::error::ErrorCode;
use crate::log::LogLine;
use crate::metric::Owner;
use crate::name::RunId;
use crate::run::{NewRun, OutputStream, Run, RunEvent, RunOutcome, RunSpec, RunState};
use crate::storage::logs::{LogPart, LogQuery};
use crate::storage::runs::{Admission, ExternalEnd, RunStart, RunUpdate, SentLine, SentLines};
use crate::storage::storage_trait::Storage;

async fn external(store: &dyn Storage) -> Run {
    admitted(store, Admission::External { watched: true }).await
}

async fn admitted(store: &dyn Storage, admission: Admission) -> Run {
    let new = new_run("elsewhere");
    let spec = RunSpec { external: true, ..new.spec.clone() };
    let start = RunStart { new: NewRun { spec, ..new }, admission, key: None };
    ok(store.start_run(start, at(1)).await).run
}

fn outcome(event: RunEvent) -> RunOutcome {
    let reason = (event == RunEvent::Fail).then(|| "out of memory".to_owned());
    RunOutcome { event, reason, at: at(7) }
}

fn end(event: RunEvent, code: i32) -> RunUpdate {
    let end = ExternalEnd { outcome: outcome(event), exit_codes: BTreeMap::from([(0, code)]) };
    RunUpdate { end: Some(end), ..RunUpdate::default() }
}

fn lines(texts: &[&str], key: Option<&str>) -> SentLines {
    let line = |text: &&str| SentLine {
        rank: 3,
        stream: if text.starts_with('!') { OutputStream::Stderr } else { OutputStream::Stdout },
        date: at(5),
        text: (*text).to_owned(),
    };
    SentLines { lines: texts.iter().map(line).collect(), key: key.map(|key| keyed(key, 1)) }
}

async fn texts(store: &dyn Storage, run: RunId) -> Vec<String> {
    let query = LogQuery { stream: None, rank: None, part: LogPart::After { seq: 0, limit: 100 } };
    ok(store.log_lines(run, query).await).iter().map(LogLine::labelled).collect()
}

pub(super) async fn an_external_run_is_started_beside_others_and_ends_as_it_says(store: &dyn Storage) {
    let launched = started(store).await;
    let (first, second) = (external(store).await, external(store).await);
    assert_eq!((first.state, first.finished_at, first.is_queued()), (RunState::Started, None, false));
    for active in [store.active_runs().await, store.supervised_runs().await] {
        assert_eq!(ok(active), std::slice::from_ref(&launched), "the launcher leaves external runs alone");
    }
    assert_eq!(ok(store.update_run(first.id, RunUpdate::default()).await), first);
    let failed = ok(store.update_run(first.id, end(RunEvent::Fail, 3)).await);
    assert_eq!(
        (failed.state, failed.finished_at, failed.reason()),
        (RunState::Failed, Some(at(7)), Some("out of memory"))
    );
    assert_eq!(failed.exit_codes(), [(0, 3)].into());
    assert_eq!(ok(store.update_run(first.id, end(RunEvent::Fail, 4)).await), failed, "it ended so before");
    assert_eq!(code(store.update_run(first.id, end(RunEvent::Finish, 0)).await), ErrorCode::RunEnded);
    assert_eq!(ok(store.run(first.id).await), failed);
    assert_eq!(ok(store.update_run(second.id, end(RunEvent::Finish, 0)).await).state, RunState::Finished);
    assert_eq!(code(store.update_run(launched.id, end(RunEvent::Finish, 0)).await), ErrorCode::RunLaunched);
    assert_eq!(ok(store.external_activity().await), []);
}

pub(super) async fn an_external_run_is_stopped_and_deleted_at_once(store: &dyn Storage) {
    let run = external(store).await;
    let stopped = ok(store.request_stop(run.id, at(3)).await);
    assert_eq!((stopped.state, stopped.finished_at), (RunState::Stopped, Some(at(3))));
    assert_eq!(
        code(store.append_sent_lines(run.id, lines(&["late"], None), at(4)).await),
        ErrorCode::RunEnded
    );
    let other = external(store).await;
    ok(store.delete_run(other.id).await);
    assert_eq!(ok(store.deleted_runs().await), []);
    assert_eq!(ok(store.start_run_unless_active(new_run("next"), at(5)).await).id, id(3));
}

pub(super) async fn sent_lines_are_stored_once(store: &dyn Storage) {
    let run = external(store).await.id;
    assert!(!ok(store.append_sent_lines(run, lines(&["a", "!b", "c"], Some("k")), at(4)).await));
    assert!(ok(store.append_sent_lines(run, lines(&["a", "!b", "c"], Some("k")), at(4)).await));
    assert!(!ok(store.append_sent_lines(run, lines(&["d"], None), at(4)).await));
    assert_eq!(texts(store, run).await, ["[3] a", "[3] !b", "[3] c", "[3] d"]);
    let launched = started(store).await.id;
    assert_eq!(
        code(store.append_sent_lines(launched, lines(&["x"], None), at(4)).await),
        ErrorCode::RunLaunched
    );
    ok(store.append_output(launched, vec![chunk(0, OutputStream::Stdout, 0, &["own"])]).await);
    assert_eq!(texts(store, launched).await, ["[0] own"]);
    assert_eq!(code(store.append_sent_lines(id(99), lines(&["x"], None), at(4)).await), ErrorCode::NotFound);
}

pub(super) async fn a_silent_run_ends_unless_something_arrived(store: &dyn Storage) {
    let run = external(store).await.id;
    let activity = async || {
        let all = ok(store.external_activity().await);
        assert_eq!((all.len(), all[0].0), (1, run));
        all[0].1
    };
    let mut before = activity().await;
    assert_eq!(activity().await, before);
    for step in 0..3 {
        match step {
            0 => drop(ok(store.record_metric(metric(&Owner::Run(run), "loss", 1, "1"), None, at(1)).await)),
            1 => drop(ok(store.append_sent_lines(run, lines(&["!a"], None), at(4)).await)),
            _ => drop(ok(store.update_run(run, RunUpdate::default()).await)),
        }
        let fail = outcome(RunEvent::Fail);
        assert_eq!(ok(store.end_silent_run(run, before, fail).await), None, "step {step}");
        let now = activity().await;
        assert!(now > before, "step {step}");
        before = now;
    }
    let ended = ok(store.end_silent_run(run, before, outcome(RunEvent::Fail)).await);
    assert_eq!(ended.map(|run| run.state), Some(RunState::Failed));
    assert_eq!(ok(store.end_silent_run(run, before, outcome(RunEvent::Fail)).await), None);
}

pub(super) async fn a_run_that_is_not_watched_is_never_silent(store: &dyn Storage) {
    let run = admitted(store, Admission::External { watched: false }).await;
    assert_eq!((run.state, run.spec.external), (RunState::Started, true));
    assert_eq!(ok(store.external_activity().await), []);
    assert_eq!(ok(store.end_silent_run(run.id, 0, outcome(RunEvent::Fail)).await), None);
    assert_eq!(ok(store.active_runs().await), [], "the launcher leaves it alone");
    assert_eq!(ok(store.update_run(run.id, end(RunEvent::Finish, 0)).await).state, RunState::Finished);
}
