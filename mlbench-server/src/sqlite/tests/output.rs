use mlbench_core::run::OutputStream::{self, Stderr, Stdout};
use mlbench_core::storage::{LogPart, LogQuery, OutputChunk};

use super::*;

const ALL: LogQuery = LogQuery { stream: None, rank: None, part: LogPart::Last(u32::MAX) };

async fn append(store: &Store, run: RunId, stream: OutputStream, from: u64, lines: &[&str]) {
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let to = from + lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>();
    let chunk = OutputChunk { rank: 0, stream, from, to, lines, date: at(5) };
    store.append_output(run, vec![chunk]).await.unwrap();
}

async fn texts(store: &Store, run: RunId, query: LogQuery) -> Vec<String> {
    store.log_lines(run, query).await.unwrap().iter().map(LogLine::labelled).collect()
}

#[tokio::test]
async fn lines_beyond_the_limit_are_discarded_with_one_message() {
    let store = Store::with(|options| options.log_limit_bytes = 10);
    let run = store.started_run().await;
    append(&store, run, Stdout, 0, &["12345", "1234567", "1"]).await;
    append(&store, run, Stdout, 16, &["1"]).await;
    append(&store, run, Stderr, 0, &["still kept"]).await;
    append(&store, run, Stderr, 11, &["123456789"]).await;
    // The launcher may repeat it.
    for _ in 0..2 {
        store.append_server_message(run, "a message of the server is always stored", at(6)).await.unwrap();
    }
    let expected = [
        "[0] 12345",
        "[mlbench] output limit of 10 bytes reached; later lines on standard output are discarded",
        "[mlbench] output limit of 10 bytes reached; later lines on standard error are discarded",
        "[mlbench] a message of the server is always stored",
    ];
    assert_eq!(texts(&store, run, ALL).await, expected);
    let ranks = store.run(run).await.unwrap().ranks;
    assert_eq!((ranks[0].stdout_offset, ranks[0].stderr_offset), (18, 21));

    let store = store.reopened();
    append(&store, run, Stdout, 18, &["x"]).await;
    assert_eq!(texts(&store, run, ALL).await, expected);
    assert_eq!(store.append_output(run, Vec::new()).await.unwrap(), [Stdout, Stderr], "the full streams");
    assert_eq!(store.run(run).await.unwrap().ranks[0].stdout_offset, 20);
}

#[tokio::test]
async fn whole_mebibytes_are_named_as_such_in_the_message() {
    let store = Store::with(|options| options.log_limit_bytes = 1 << 20);
    let run = store.started_run().await;
    append(&store, run, Stdout, 0, &[&"x".repeat(1 << 20)]).await;
    let expected = "[mlbench] output limit of 1 MiB reached; later lines on standard output are discarded";
    assert_eq!(texts(&store, run, ALL).await, [expected]);
}

#[tokio::test]
async fn lines_of_a_silent_rank_are_found_through_the_index() {
    let store = Store::new();
    let run = store.started_run().await;
    append(&store, run, Stdout, 0, &vec!["a line"; 1_000]).await;
    store.append_server_message(run, "a message", at(1)).await.unwrap();
    for (rank, part) in [(1, LogPart::Last(10)), (1, LogPart::After { seq: 0, limit: 10 })] {
        assert!(texts(&store, run, LogQuery { rank: Some(rank), part, ..ALL }).await.is_empty());
    }
    let plan = "EXPLAIN QUERY PLAN SELECT seq FROM log_line INDEXED BY log_line_rank \
                WHERE run = 1 AND stream = 0 AND seq > 0 AND rank = 1 ORDER BY seq DESC LIMIT 10";
    let connection = open::reader(&store.options).unwrap();
    let step: String = connection.query_row(plan, [], |row| row.get(3)).unwrap();
    assert!(step.contains("(run=? AND stream=? AND rank=? AND seq>?)"), "{step}");
}
