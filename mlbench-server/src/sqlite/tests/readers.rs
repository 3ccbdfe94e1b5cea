//! Connections that are lent to reads.

use mlbench_core::ErrorCode;
use rusqlite::StatementStatus;

use super::*;

async fn a_read_that_panics_is_told_and_its_connection_serves_the_next() {
    let store = Store::with(|options| options.readers = 1);
    let id = store.started_run().await;
    let panicking = |c: &Connection| -> Result<(), StoreError> {
        c.query_row("SELECT count(*) FROM run", [], |_| Ok(()))?;
        panic!("this read panics, as it should in this test")
    };
    for _ in 0..3 {
        assert_eq!(store.readers.read(panicking).await.unwrap_err().code(), ErrorCode::Internal);
        // Not a state of before: the transaction of the read that panicked is over.
        store.append_server_message(id, "meanwhile", at(1)).await.unwrap();
        let notes = |c: &Connection| -> Result<i64, StoreError> {
            Ok(c.query_row("SELECT count(*) FROM log_line", [], |row| row.get(0))?)
        };
        assert_eq!(
            store.readers.read(notes).await.unwrap(),
            store.number("SELECT count(*) FROM log_line").await
        );
    }
    assert_eq!(store.number("SELECT count(*) FROM log_line").await, 3);
}

#[tokio::test]
async fn a_read_that_panics_is_told_on_a_thread_for_blocking_work() {
    a_read_that_panics_is_told_and_its_connection_serves_the_next().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_panics_is_told_on_the_thread_that_asks() {
    a_read_that_panics_is_told_and_its_connection_serves_the_next().await;
}

#[tokio::test]
async fn no_value_of_a_parameter_has_a_statement_prepared_anew() {
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
