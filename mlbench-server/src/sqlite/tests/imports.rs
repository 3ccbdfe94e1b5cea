use mlbench_core::log::LogLine;
use mlbench_core::run::OutputStream;
use mlbench_core::storage::{ImportPart, ImportStore as _, collect_points};
use mlbench_core::{Owner, Point};

use super::*;
use crate::sqlite::upkeep;

const ALL_ROWS_OF_RUNS: &str = "SELECT (SELECT count(*) FROM point) + (SELECT count(*) FROM series) \
     + (SELECT count(*) FROM chunk) + (SELECT count(*) FROM log_line) + (SELECT count(*) FROM run_rank) \
     + (SELECT count(*) FROM imported_usage) + (SELECT count(*) FROM run_label) + (SELECT count(*) FROM run)";

/// Begins to import a copy of a run, and stores a part of each kind.
async fn half_imported(store: &Store) -> RunId {
    let original = store.finished_run().await;
    let tags = mlbench_core::Tags::new([("team".to_owned(), "a".to_owned())]).unwrap();
    let run = Run { tags, ..store.run(original).await.unwrap() };
    store.delete_run(original).await.unwrap();
    store.until_zero("SELECT count(*) FROM run WHERE deletion > 0").await;
    let id = store.begin_import(run).await.unwrap();
    let points = (0..200).map(|i| metric(id, "loss", i, "1.50")).collect();
    store.store_import(id, ImportPart::Points(points)).await.unwrap();
    let line =
        LogLine { seq: 0, date: at(1), rank: None, stream: OutputStream::Stderr, text: "a".to_owned() };
    store.store_import(id, ImportPart::Lines(vec![line])).await.unwrap();
    store.store_import(id, ImportPart::Usage(b"{}\n".to_vec())).await.unwrap();
    id
}

#[tokio::test]
async fn a_run_appears_when_it_is_whole() {
    let store = Store::new();
    let id = half_imported(&store).await;
    assert!(store.run(id).await.is_err() && store.runs().await.unwrap().is_empty());
    assert!(store.points_of(id).await.is_err(), "its points are hidden too");
    let run = store.finish_import(id, None, at(9)).await.unwrap();
    assert_eq!((run.id, store.runs().await.unwrap()), (id, vec![run.clone()]));
    assert_eq!(store.points_of(id).await.unwrap().len(), 200);
    assert_eq!(store.imported_usage(id, 0).await.unwrap().unwrap().1, b"{}\n");
    store.delete_run(id).await.unwrap();
    store.until_zero(ALL_ROWS_OF_RUNS).await;
}

#[tokio::test]
async fn a_start_deletes_what_an_interrupted_import_has_left() {
    let store = Store::new();
    half_imported(&store).await;
    assert!(store.number(ALL_ROWS_OF_RUNS).await > 3);
    let store = store.reopened();
    assert!(store.runs().await.unwrap().is_empty());
    store.until_zero(ALL_ROWS_OF_RUNS).await;
}

#[tokio::test]
async fn gc_deletes_what_an_interrupted_import_has_left() {
    let store = Store::new();
    half_imported(&store).await;
    let Store { storage, options, directory: _directory } = store;
    drop(storage);
    assert_eq!(upkeep::gc(&options.path, at(0)).unwrap().runs, 1);
    let left = Connection::open(&options.path).unwrap();
    let left: i64 = left.query_row(ALL_ROWS_OF_RUNS, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn damage_of_the_usage_of_an_imported_run_is_found() {
    let store = Store::new();
    let id = half_imported(&store).await;
    store.finish_import(id, None, at(9)).await.unwrap();
    let problems = || upkeep::check(&store.options.path).unwrap().problems;
    assert!(problems().is_empty(), "{:?}", problems());
    let other = Connection::open(&store.options.path).unwrap();
    other.execute("UPDATE imported_usage SET text = x'00'", []).unwrap();
    assert_eq!(problems(), [format!("run {id}: the usage of its imported pods is damaged")]);
    other.execute("UPDATE imported_usage SET run = 99", []).unwrap();
    assert!(problems().iter().any(|problem| problem.contains("usage of imported runs")), "{:?}", problems());
}

#[tokio::test]
async fn an_abandoned_import_is_deleted_and_cannot_go_on() {
    let store = Store::new();
    let id = half_imported(&store).await;
    store.abandon_import();
    store.until_zero(ALL_ROWS_OF_RUNS).await;
    let part = ImportPart::Usage(b"{}\n".to_vec());
    let refusal = store.store_import(id, part).await.unwrap_err();
    assert_eq!(refusal.code(), mlbench_core::ErrorCode::Unavailable);
    assert!(store.finish_import(id, None, at(9)).await.is_err());
}

impl Store {
    async fn points_of(&self, id: RunId) -> Result<Vec<Point>> {
        let query = PointsQuery::all(Owner::Run(id));
        Ok(collect_points(&**self, &query).await?.into_values().flatten().collect())
    }
}
