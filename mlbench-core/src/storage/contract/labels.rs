use super::fixtures::{at, code, finish, id, new_run, ok};
use crate::error::ErrorCode;
use crate::labels::{ParamValue, Params, Tags, TagsPatch};
use crate::run::{NewRun, Run};
use crate::storage::changes::{Changed, ChangesQuery, Interest};
use crate::storage::runs::RunUpdate;
use crate::storage::storage_trait::Storage;

fn params(pairs: &[(&str, &str)]) -> Params {
    ok(Params::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), ParamValue::parse(value)))))
}

fn tags(pairs: &[(&str, Option<&str>)]) -> TagsPatch {
    let owned = pairs.iter().map(|(name, text)| ((*name).to_owned(), text.map(str::to_owned)));
    ok(TagsPatch::new(owned))
}

fn update(params: Params, tags: TagsPatch) -> RunUpdate {
    RunUpdate { params, tags, end: None }
}

async fn labelled(store: &dyn Storage) -> Run {
    let tags = ok(Tags::new([("team".to_owned(), "vision".to_owned())]));
    let new = NewRun { params: params(&[("lr", "0.1")]), tags, ..new_run("a run") };
    ok(store.start_run_unless_active(new, at(1)).await)
}

/// Returns the runs that changed after an arrival number, and the number up to which that is known.
async fn changed(store: &dyn Storage, after: i64) -> (Vec<Run>, i64) {
    let interest = Interest { runs: true, ..Interest::default() };
    let page = ok(store.changes(&ChangesQuery { interest, after, upto: None }).await);
    let runs = page.changes.into_iter().filter_map(|change| match change.what {
        Changed::Run(run) => Some(*run),
        _ => None,
    });
    (runs.collect(), page.upto)
}

pub(super) async fn parameters_are_added_and_tags_change(store: &dyn Storage) {
    let run = labelled(store).await;
    assert_eq!(serde_json::to_string(&run.params).ok().as_deref(), Some(r#"{"lr":0.1}"#));
    assert_eq!(run.tags.get("team"), Some("vision"));
    let (_, before) = changed(store, 0).await;

    let new = params(&[("lr", "0.10"), ("opt", "adam"), ("deep", "true")]);
    let updated =
        ok(store.update_run(run.id, update(new, tags(&[("team", None), ("host", Some("ü"))]))).await);
    let json = (serde_json::to_string(&updated.params).ok(), serde_json::to_string(&updated.tags).ok());
    let expected = (r#"{"deep":true,"lr":0.1,"opt":"adam"}"#, r#"{"host":"ü"}"#);
    assert_eq!((json.0.as_deref(), json.1.as_deref()), (Some(expected.0), Some(expected.1)));
    assert_eq!(ok(store.run(run.id).await), updated);
    assert_eq!(ok(store.runs().await), std::slice::from_ref(&updated));
    let (runs, before) = (changed(store, before).await.0, changed(store, before).await.1);
    assert_eq!(runs, std::slice::from_ref(&updated));

    let same =
        ok(store.update_run(run.id, update(params(&[("opt", "adam")]), tags(&[("host", Some("ü"))]))).await);
    assert_eq!(same, updated);
    assert_eq!(changed(store, before).await.0, [], "nothing changed");

    ok(store.run_started(run.id, 0, at(1)).await);
    let ended = finish(store, run.id).await;
    let tagged = ok(store.update_run(run.id, update(params(&[]), tags(&[("best", Some(""))]))).await);
    assert_eq!(
        (tagged.state, tagged.finished_at, tagged.tags.get("best")),
        (ended.state, ended.finished_at, Some(""))
    );
}

pub(super) async fn a_refused_update_changes_nothing(store: &dyn Storage) {
    let run = labelled(store).await;
    let other = store
        .update_run(run.id, update(params(&[("lr", "0.2"), ("opt", "adam")]), tags(&[("team", None)])))
        .await;
    assert_eq!(code(other), ErrorCode::ParamConflict);
    let long = "x".repeat(8_000);
    let many: Vec<String> = (0..9).map(|i| i.to_string()).collect();
    let large: Vec<(&str, Option<&str>)> =
        many.iter().map(|name| (name.as_str(), Some(long.as_str()))).collect();
    assert_eq!(
        code(store.update_run(run.id, update(params(&[("opt", "adam")]), tags(&large))).await),
        ErrorCode::InvalidField
    );
    assert_eq!(ok(store.run(run.id).await), run);
    assert_eq!(code(store.update_run(id(99), update(params(&[]), tags(&[]))).await), ErrorCode::NotFound);
    ok(store.delete_run(run.id).await);
    assert_eq!(code(store.update_run(run.id, update(params(&[]), tags(&[]))).await), ErrorCode::NotFound);
}
