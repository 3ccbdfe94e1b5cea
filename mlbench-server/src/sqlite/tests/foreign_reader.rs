//! Another program that reads the database for long.

use std::fs;

use mlbench_core::run::OutputStream;
use mlbench_core::storage::OutputChunk;

use super::*;

async fn append_mebibyte(store: &Store, id: RunId, from: u64) {
    let lines = vec!["x".repeat(16 << 10); 64];
    let chunk = OutputChunk { rank: 0, stream: OutputStream::Stdout, from, to: from + 1, lines, date: at(1) };
    store.append_output(id, vec![chunk]).await.unwrap();
}

#[tokio::test]
async fn a_foreign_reader_lets_the_log_grow_and_stalls_no_write() {
    let store = Store::new();
    let id = store.started_run().await;
    let reader = open::reader(&store.options).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM run").unwrap();
    let began = Instant::now();
    for from in 0..96 {
        append_mebibyte(&store, id, from).await;
    }
    // Waiting 5 s for every 4 MiB beyond 48 would take a minute.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(fs::metadata(store.wal()).unwrap().len() > 90 << 20);
    reader.execute_batch("COMMIT").unwrap();
    for from in 96..144 {
        append_mebibyte(&store, id, from).await;
    }
    let length = fs::metadata(store.wal()).unwrap().len();
    assert!(length <= 64 << 20, "the log still has {length} bytes");
}
