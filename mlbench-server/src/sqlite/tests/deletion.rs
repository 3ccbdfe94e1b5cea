use mlbench_core::run::OutputStream;
use mlbench_core::storage::OutputChunk;

use super::*;
use crate::sqlite::metrics::owner::OwnerRow;
use crate::sqlite::metrics::recent::RecentArrivals;

/// A chunk counts as its points.
const ALL_ROWS_OF_RUNS: &str = "SELECT (SELECT count(*) FROM point) + (SELECT count(*) FROM series) \
     + (SELECT coalesce(sum(count), 0) FROM chunk) \
     + (SELECT count(*) FROM out_of_order_point) \
     + (SELECT count(*) FROM log_line) + (SELECT count(*) FROM idempotency_key) + (SELECT count(*) FROM run_output) \
     + (SELECT count(*) FROM run_rank) + (SELECT count(*) FROM run)";

/// Stores an ended run with more points and lines than one purge step deletes.
async fn large_run(store: &Store) -> RunId {
    let id = store.started_run().await;
    // Two chunks, and rows: each batch is below the size of a chunk.
    for from in [0, 2_500] {
        store
            .record_metrics((from..from + 1_000).map(|i| metric(id, "loss", i, "1")).collect())
            .await
            .unwrap();
    }
    for from in (3_500..5_500).step_by(50) {
        store.record_metrics((from..from + 50).map(|i| metric(id, "rows", i, "1")).collect()).await.unwrap();
    }
    store
        .record_metrics((0..10).map(|i| metric(id, &format!("metric {i}"), i, "1")).collect())
        .await
        .unwrap();
    let key = KeyedRequest { holder: KeyHolder::Run(id), ..keyed("key") };
    store.record_metric(metric(id, "loss", 0, "1"), Some(key), at(1)).await.unwrap();
    let lines = vec!["a line".to_owned(); 1_200];
    let chunk = OutputChunk { rank: 0, stream: OutputStream::Stdout, from: 0, to: 8_400, lines, date: at(1) };
    store.append_output(id, vec![chunk]).await.unwrap();
    store.decide_outcome(id, RunOutcome { event: RunEvent::Finish, reason: None, at: at(2) }).await.unwrap();
    store.end_run(id).await.unwrap();
    id
}

#[tokio::test]
async fn deletion_removes_all_rows_of_the_run_and_no_others() {
    let store = Store::new();
    let kept = store.finished_run().await;
    store.record_metric(metric(kept, "loss", 1, "1"), None, at(1)).await.unwrap();
    store.append_server_message(kept, "kept", at(1)).await.unwrap();
    let before = store.number(ALL_ROWS_OF_RUNS).await;
    let id = large_run(&store).await;
    assert!(store.number(ALL_ROWS_OF_RUNS).await > before + 4_000);
    store.delete_run(id).await.unwrap();
    store.until_zero("SELECT count(*) FROM run WHERE deletion > 0").await;
    assert_eq!(store.number(ALL_ROWS_OF_RUNS).await, before);
}

#[tokio::test]
async fn restarted_server_continues_the_purge() {
    let store = Store::new();
    let id = large_run(&store).await;
    store.close().await.unwrap();
    // As if the server had died right after it acknowledged the deletion.
    Connection::open(&store.options.path).unwrap().execute("UPDATE run SET deletion = 2", []).unwrap();
    let store = store.reopened();
    assert_eq!(store.run(id).await.unwrap_err().code(), mlbench_core::ErrorCode::NotFound);
    store.until_zero(ALL_ROWS_OF_RUNS).await;
    assert_eq!(store.started_run().await.get(), id.get() + 1);
}

#[tokio::test]
async fn purge_step_deletes_a_bounded_number_of_rows() {
    let store = Store::new();
    large_run(&store).await;
    store.close().await.unwrap();
    let mut connection = Connection::open(&store.options.path).unwrap();
    connection.execute("UPDATE run SET deletion = 2", []).unwrap();
    let count = |c: &Connection| c.query_row(ALL_ROWS_OF_RUNS, [], |row| row.get::<_, i64>(0)).unwrap();
    let (mut steps, mut before) = (0, count(&connection));
    let recent = RecentArrivals::new(0);
    while runs::purge::step(&mut connection, &recent).unwrap() {
        let after = count(&connection);
        assert!(after < before && before - after <= 2_000, "{before} to {after}");
        (steps, before) = (steps + 1, after);
    }
    assert_eq!(before, 0);
    assert!(steps > 10, "{steps}");
}

#[tokio::test]
async fn series_of_a_deleted_run_are_forgotten_and_their_numbers_used_again() {
    let store = Store::new();
    let deleted = large_run(&store).await;
    let series = OwnerRow::run(deleted.get());
    assert!(!store.arrivals.recent.series_since(series, 0).unwrap().is_empty());
    store.delete_run(deleted).await.unwrap();
    store.until_zero(ALL_ROWS_OF_RUNS).await;
    // The series are removed in the transaction that deletes them, so they were when it was seen.
    assert_eq!(store.arrivals.recent.since(0), Some(vec![]));
    let next = store.started_run().await;
    store.record_metrics(vec![metric(next, "loss", 1, "1")]).await.unwrap();
    let found = |run: RunId| store.arrivals.recent.series_since(OwnerRow::run(run.get()), 0).unwrap();
    assert_eq!((found(deleted).len(), found(next).len()), (0, 1));
}

#[tokio::test]
async fn row_of_a_deleted_active_run_stays_until_its_teardown() {
    let store = Store::new();
    let id = store.started_run().await;
    store.record_metric(metric(id, "loss", 1, "1"), None, at(1)).await.unwrap();
    store.delete_run(id).await.unwrap();
    store.until_zero("SELECT count(*) FROM series").await;
    let store = store.reopened();
    assert_eq!(store.deleted_runs().await.unwrap()[0].ranks.len(), 2);
    store.finish_teardown(id).await.unwrap();
    store.until_zero(ALL_ROWS_OF_RUNS).await;
}
