//! The pool of read-only connections.

use mlbench_core::ErrorCode;
use rusqlite::StatementStatus;

use super::*;
use crate::in_place;

async fn check_that_a_panic_fails_one_read_only() {
    let store = Store::with(|options| options.readers = 1);
    let id = store.started_run().await;
    let panicking = |c: &Connection| -> Result<(), StoreError> {
        c.query_row("SELECT count(*) FROM run", [], |_| Ok(()))?;
        panic!("expected panic of a read")
    };
    for second in 0..3 {
        assert_eq!(store.readers.read(panicking).await.unwrap_err().code(), ErrorCode::Internal);
        // The next read sees this message, because the transaction of the read that panicked has ended.
        store.append_server_message(id, "meanwhile", at(second)).await.unwrap();
        let messages = |c: &Connection| -> Result<i64, StoreError> {
            Ok(c.query_row("SELECT count(*) FROM log_line", [], |row| row.get(0))?)
        };
        assert_eq!(
            store.readers.read(messages).await.unwrap(),
            store.number("SELECT count(*) FROM log_line").await
        );
    }
    assert_eq!(store.number("SELECT count(*) FROM log_line").await, 3);
}

#[tokio::test]
async fn panic_of_a_read_on_the_blocking_pool_fails_only_that_read() {
    check_that_a_panic_fails_one_read_only().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panic_of_a_read_on_its_own_thread_fails_only_that_read() {
    in_place::allow(check_that_a_panic_fails_one_read_only()).await;
}

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_is_given_up_in_time() {
    let store = Store::with(|options| options.readers = 1);
    let (release, released) = std::sync::mpsc::channel::<()>();
    let read = store.readers.read(move |_| {
        // Until the sender is dropped.
        let _ = released.recv();
        Ok(())
    });
    let (error, ()) = tokio::join!(read, async {
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_secs(20)).await;
    });
    assert_eq!(error.unwrap_err().detail(), "the database has not responded for 20 s; try again");
    drop(release);
    store.readers.read(|_| Ok(())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_task_that_may_block_reads_on_its_own_thread() {
    let store = Store::new();
    let own = || std::thread::current().id();
    let thread = |_: &Connection| Ok(std::thread::current().id());
    assert_ne!(store.readers.read(thread).await.unwrap(), own());
    let (read, own) = in_place::allow(async { (store.readers.read(thread).await.unwrap(), own()) }).await;
    assert_eq!(read, own);
    let (read, own) = in_place::allow(async {
        (store.readers.read_elsewhere(thread).await.unwrap(), std::thread::current().id())
    })
    .await;
    assert_ne!(read, own);
}

#[tokio::test]
async fn new_parameter_values_do_not_reprepare_a_statement() {
    let store = Store::new();
    let reader = open::reader(&store.options).unwrap();
    let writer = open::writer(&store.options).unwrap();
    for connection in [reader, writer] {
        let sql = "SELECT seq FROM point WHERE series = ?1 AND date BETWEEN ?2 AND ?3 ORDER BY date LIMIT 1 OFFSET ?4";
        let mut statement = connection.prepare(sql).unwrap();
        for value in 0..5 {
            assert!(!statement.exists([value, value, value + 7, value]).unwrap());
            statement.clear_bindings();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
