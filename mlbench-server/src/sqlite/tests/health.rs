//! The writer after failures: of the disk, and of its own.

use mlbench_core::ErrorCode;

use super::*;

/// Panics when it is dropped, outside the job that made it.
struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("expected panic outside a job")
        }
    }
}

/// Has the thread of the writer panic, where no job catches it.
async fn fail(store: &Store) {
    let (started, running) = tokio::sync::oneshot::channel();
    let (abandoned, gone) = std::sync::mpsc::channel::<()>();
    let work = move |_: &Connection| -> Result<PanicsWhenDropped, StoreError> {
        started.send(()).unwrap();
        // Ends when the caller has dropped its side.
        let _ = gone.recv();
        Ok(PanicsWhenDropped)
    };
    let mut write = Box::pin(store.writer.write(0, work));
    tokio::select! {
        _ = &mut write => panic!("the write waits"),
        entered = running => entered.unwrap(),
    }
    drop(write);
    drop(abandoned);
}

#[tokio::test]
async fn a_writer_that_panics_goes_on() {
    let store = Store::new();
    for _ in 0..8 {
        fail(&store).await;
        store.finished_run().await;
    }
    assert_eq!(store.options.vitals.failure(), None);
}

#[tokio::test]
async fn a_writer_that_keeps_panicking_is_reported() {
    let store = Store::new();
    for _ in 0..5 {
        fail(&store).await;
    }
    let failure = store.options.vitals.failed().await;
    assert_eq!(failure, "the writer of the database has failed: panicked: expected panic outside a job");
    let refused = store.ping().await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unavailable);
    assert_eq!(refused.detail(), "the writer of the database has failed; nothing was stored");
}

async fn limit_pages(store: &Store, pragma: &'static str) {
    let limit =
        move |c: &Connection| -> Result<i64, StoreError> { Ok(c.query_row(pragma, [], |row| row.get(0))?) };
    store.writer.write(0, limit).await.unwrap();
}

#[tokio::test]
async fn a_ping_tells_of_a_write_that_failed_before() {
    let store = Store::new();
    let id = store.started_run().await;
    store.ping().await.unwrap();
    limit_pages(&store, "PRAGMA max_page_count = 1").await;
    let large = Metric { metadata: "x".repeat(1 << 20), ..metric(id, "loss", 1, "1") };
    store.record_metric(large.clone(), None, at(1)).await.unwrap_err();
    let full = store.ping().await.unwrap_err();
    assert_eq!(full.detail(), "the database cannot be written: disk full; nothing was stored");
    assert!(store.stats().await.unwrap().failing);
    limit_pages(&store, "PRAGMA max_page_count = 1000000").await;
    store.record_metric(large, None, at(1)).await.unwrap();
    assert!(!store.stats().await.unwrap().failing);
}

#[tokio::test]
async fn a_ping_writes_where_nobody_else_does() {
    let store = Store::new();
    store.ping().await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(store.stats().await.unwrap().writes_per_commit.sum, 1.0);
}

#[tokio::test]
async fn a_ping_fails_while_the_reserve_is_given_back() {
    let store = Store::new();
    store.take_reserve();
    assert!(store.writer.reserve().release());
    let mut reserve = store.options.path.clone().into_os_string();
    reserve.push("-reserve");
    // Instead of a full disk.
    std::fs::create_dir(reserve).unwrap();
    let refused = store.ping().await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unavailable);
    assert!(refused.detail().starts_with("the database cannot be written: "), "{}", refused.detail());
    assert!(store.stats().await.unwrap().failing);
}

#[tokio::test]
async fn a_database_that_was_replaced_is_not_written_until_it_is_back() {
    for name in ["x.db", "x.db-wal"] {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        let store = SqliteStorage::open(Options::new(&database)).unwrap();
        store.ping().await.unwrap();
        let (file, away) = (folder.path().join(name), folder.path().join("away"));
        std::fs::rename(&file, &away).unwrap();
        let write = || store.writer.write(0, |c| Ok(c.execute("UPDATE server SET instance = instance", [])?));
        for _ in ["deleted", "replaced"] {
            let error = write().await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::Unavailable);
            assert!(error.detail().contains("its file was deleted or replaced"), "{}", error.detail());
            assert_eq!(store.ping().await.unwrap_err().detail(), error.detail());
            std::fs::write(&file, "another").unwrap();
        }
        std::fs::rename(&away, &file).unwrap();
        assert_eq!(write().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn the_log_of_another_server_survives_the_end_of_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("x.db");
    let log = folder.path().join("x.db-wal");
    let store = SqliteStorage::open(Options::new(&database)).unwrap();
    std::fs::remove_file(&log).unwrap();
    std::fs::write(&log, "another").unwrap();
    store.close().await.unwrap();
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "another");
}
