//! Sealing in the background: it comes to rest, survives crashes, and finds what was left.

use mlbench_core::storage::collect_points;
use mlbench_core::{ErrorCode, Point};

use super::*;
use crate::sqlite::seal::{Sizes, seal_step};

const SIZES: Sizes = Sizes { full: 1_000, small: 300 };
const AT_ONCE: SealOptions = SealOptions { full: 1_000, small: 300, idle: Duration::ZERO };
/// Zero once every point is in a packed chunk.
const UNSEALED: &str = "SELECT (SELECT count(*) FROM point) + (SELECT count(*) FROM chunk WHERE state = 0) \
     + (SELECT count(*) FROM out_of_order_point)";

async fn read(store: &Store, id: RunId) -> Vec<Point> {
    let all = collect_points(&store.storage, &PointsQuery::all(Owner::Run(id))).await.unwrap();
    all.into_values().flatten().collect()
}

fn loss(id: RunId, dates: impl Iterator<Item = i64>) -> Vec<Metric> {
    dates.map(|date| metric(id, "loss", date, &format!("{}", 1.0 / (date + 2) as f64))).collect()
}

/// Stores rows, small chunks and late points.
async fn mixed(store: &Store, id: RunId) {
    for from in (0..1_000).step_by(50) {
        store.record_metrics(loss(id, from * 2..from * 2 + 50)).await.unwrap();
    }
    for from in [4_000, 6_000, 5_000, 500_000] {
        store.record_metrics(loss(id, from..from + 700)).await.unwrap();
    }
    for late in [3, 4_001, 5_999, 6_500] {
        store.record_metrics(loss(id, std::iter::once(late))).await.unwrap();
    }
}

#[tokio::test]
async fn everything_comes_to_rest_and_reads_the_same() {
    let store = Store::with(|options| options.seal = NEVER);
    let id = store.finished_run().await;
    mixed(&store, id).await;
    let before = read(&store, id).await;
    assert_eq!(before.len(), 3_804);
    let Store { storage, mut options, directory } = store;
    drop(storage);
    // The next server finds what this one left.
    options.seal = AT_ONCE;
    let store = Store { storage: SqliteStorage::open(options.clone()).unwrap(), options, directory };
    store.until_zero(UNSEALED).await;
    assert_eq!(read(&store, id).await, before);
    assert_eq!(store.number("SELECT sum(count) FROM chunk").await, 3_804);
    let few = store.number("SELECT count(*) FROM chunk").await;
    assert!(few <= 6, "{few} chunks");
    // What comes later is sealed too.
    store.record_metrics(loss(id, 600_000..600_010)).await.unwrap();
    store.until_zero(UNSEALED).await;
    assert_eq!(read(&store, id).await.len(), 3_814);
}

/// The state after a transaction is what a server finds that was killed before the next one.
#[tokio::test]
async fn a_crash_between_any_two_steps_loses_and_doubles_nothing() {
    let mut store = Store::with(|options| options.seal = NEVER);
    let id = store.finished_run().await;
    mixed(&store, id).await;
    let before = read(&store, id).await;
    let mut steps = 0;
    loop {
        // A step that is cut off before its end leaves nothing.
        let cut: Result<()> = store
            .writer
            .write(0, |c| {
                seal_step(c, 1, true, SIZES)?;
                Err(StoreError::corrupt("step", "cut off"))
            })
            .await;
        assert_eq!(cut.unwrap_err().code(), ErrorCode::Internal);
        assert_eq!(read(&store, id).await, before, "cut in step {steps}");
        if !store.writer.write(0, |c| seal_step(c, 1, true, SIZES)).await.unwrap() {
            break;
        }
        steps += 1;
        // As after a kill: another process opens what is on disk.
        let copy = tempfile::tempdir().unwrap();
        for file in ["mlbench.db", "mlbench.db-wal"] {
            std::fs::copy(store.directory.path().join(file), copy.path().join(file)).unwrap();
        }
        let options = Options { path: copy.path().join("mlbench.db"), ..store.options.clone() };
        let killed =
            Store { storage: SqliteStorage::open(options.clone()).unwrap(), options, directory: copy };
        assert_eq!(read(&killed, id).await, before, "killed after step {steps}");
        store = store.reopened();
    }
    assert!(steps >= 3, "{steps}");
    assert_eq!(store.number(UNSEALED).await, 0);
}

#[tokio::test]
async fn a_damaged_chunk_is_an_error_that_names_its_series() {
    let store = Store::with(|options| options.seal = NEVER);
    let id = store.finished_run().await;
    store.record_metrics(loss(id, 0..1_000)).await.unwrap();
    store.record_metrics((0..10).map(|date| metric(id, "other", date, "1")).collect()).await.unwrap();
    store
        .writer
        .write(0, |c| Ok(c.execute("UPDATE chunk SET body = zeroblob(length(body))", []).map(drop)?))
        .await
        .unwrap();
    let all = PointsQuery::all(Owner::Run(id));
    let error = collect_points(&store.storage, &all).await.unwrap_err();
    let text = error.internal_text().unwrap();
    assert_eq!(error.code(), ErrorCode::Internal);
    assert!(text.contains(r#"series "loss" of run 1"#) && text.contains("checksum"), "{text}");
    // The others can be read, and the server goes on.
    let others = PointsQuery { names: [MetricName::new("other").unwrap()].into(), ..all };
    assert_eq!(collect_points(&store.storage, &others).await.unwrap().len(), 1);
    let sealed: Result<bool> = store.writer.write(0, |c| seal_step(c, 1, true, SIZES)).await;
    assert!(sealed.unwrap_err().internal_text().unwrap().contains(r#""loss" of run 1"#));
}

#[tokio::test]
async fn freed_pages_are_given_back() {
    let store = Store::with(|options| options.seal = SealOptions { full: 16_384, ..AT_ONCE });
    let id = store.finished_run().await;
    let pages = async || store.number("SELECT page_count FROM pragma_page_count").await;
    for from in (0..200_000).step_by(20_000) {
        store.record_metrics(loss(id, from..from + 20_000)).await.unwrap();
    }
    store.until_zero(UNSEALED).await;
    let used = store.number("SELECT sum(length(body)) / 4096 FROM chunk").await;
    let deadline = Instant::now() + Duration::from_secs(30);
    while pages().await > used * 3 / 2 + 300 {
        assert!(Instant::now() < deadline, "{} pages for {used}", pages().await);
    }
    assert_eq!(read(&store, id).await.len(), 200_000);
}

#[tokio::test]
async fn a_database_from_before_chunks_is_sealed_while_it_serves() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mlbench.db");
    std::fs::write(&path, include_bytes!("fixtures/before-chunks.db")).unwrap();
    let options = Options { seal: AT_ONCE, ..Options::new(&path) };
    let store = Store { storage: SqliteStorage::open(options.clone()).unwrap(), options, directory };
    let id = RunId::new(1).unwrap();
    let before = read(&store, id).await;
    assert_eq!(
        (before.len(), before[0].value.as_str(), before[1].value.as_str()),
        (3_804, "0.5", "0.3333333333333333")
    );
    store.until_zero(UNSEALED).await;
    assert_eq!(read(&store, id).await, before);
    assert_eq!(store.number("SELECT sum(count) FROM chunk").await, 3_804);
}

#[tokio::test]
async fn more_late_points_than_one_plan_takes_are_sealed() {
    const LATE: i64 = 17_000;
    let store = Store::with(|options| options.seal = NEVER);
    let id = store.finished_run().await;
    store.record_metrics(loss(id, (0..1_000).map(|i| i * 100))).await.unwrap();
    while store.writer.write(0, |c| seal_step(c, 1, true, SIZES)).await.unwrap() {}
    for from in (0..LATE).step_by(50) {
        store.record_metrics(loss(id, (from..from + 50).map(|i| i * 5 + 1))).await.unwrap();
    }
    let before = read(&store, id).await;
    while store.writer.write(0, |c| seal_step(c, 1, true, SIZES)).await.unwrap() {}
    assert_eq!(store.number(UNSEALED).await, 0);
    assert_eq!(read(&store, id).await, before);
    assert_eq!(before.len() as i64, 1_000 + LATE);
}

#[tokio::test]
async fn long_texts_are_sealed_and_read_in_bounded_parts() {
    let store = Store::with(|options| options.seal = NEVER);
    let id = store.finished_run().await;
    let text = |i: i64| format!("{i} ").repeat(100_000);
    for from in (0..60).step_by(20) {
        let points = (from..from + 20).map(|i| metric(id, "loss", i, &text(i)));
        store.record_metrics(points.collect()).await.unwrap();
    }
    while store.writer.write(0, |c| seal_step(c, 1, true, SIZES)).await.unwrap() {}
    assert_eq!(store.number(UNSEALED).await, 0);
    let most = store.number("SELECT max(count) FROM chunk").await;
    assert!(most < 30, "{most} texts of 0.3 MB in a chunk");
    let found = read(&store, id).await;
    assert!(found.iter().enumerate().all(|(i, point)| point.value.as_str() == text(i as i64)));
    assert_eq!(found.len(), 60);
}

#[tokio::test]
async fn a_series_at_rest_is_not_found_again() {
    let store = Store::with(|options| options.seal = NEVER);
    let id = store.finished_run().await;
    store.record_metrics(loss(id, 0..50)).await.unwrap();
    let found = async || store.writer.write(0, |c| seal::search::some(c, 0)).await.unwrap();
    assert_eq!(found().await, [1]);
    while store.writer.write(0, |c| seal_step(c, 1, true, SIZES)).await.unwrap() {}
    assert!(found().await.is_empty());
    store.record_metrics(loss(id, 50..150)).await.unwrap();
    assert_eq!(found().await, [1]);
}

#[tokio::test]
async fn no_page_is_free_at_rest() {
    let store = Store::with(|options| options.seal = AT_ONCE);
    let id = store.finished_run().await;
    for from in (0..10_000).step_by(50) {
        store.record_metrics(loss(id, from..from + 50)).await.unwrap();
    }
    store.until_zero(UNSEALED).await;
    store.until_zero("SELECT freelist_count FROM pragma_freelist_count").await;
    assert_eq!(read(&store, id).await.len(), 10_000);
}
