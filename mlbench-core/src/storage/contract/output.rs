use super::fixtures::{at, chunk, code, id, ok, started};
use crate::error::ErrorCode;
use crate::log::LogLine;
use crate::name::RunId;
use crate::run::OutputStream::{Stderr, Stdout};
use crate::storage::logs::{LogPart, LogQuery};
use crate::storage::storage_trait::Storage;

async fn texts(store: &dyn Storage, run: RunId, query: LogQuery) -> Vec<String> {
    ok(store.log_lines(run, query).await).iter().map(LogLine::labelled).collect()
}

const ALL: LogQuery = LogQuery { stream: None, rank: None, part: LogPart::After { seq: 0, limit: 1_000 } };

pub(super) async fn lines_are_read_in_order_and_in_parts(store: &dyn Storage) {
    let run = started(store).await.id;
    ok(store.append_server_message(run, "starting", at(2)).await);
    ok(store.append_output(run, vec![chunk(1, Stdout, 0, &["a", ""])]).await);
    ok(store.append_output(run, vec![chunk(0, Stderr, 0, &["warning: é"])]).await);
    ok(store.append_output(run, vec![chunk(1, Stdout, 3, &["b"])]).await);
    ok(store.append_output(run, vec![chunk(0, Stdout, 0, &["c"])]).await);
    let all = ["[mlbench] starting", "[1] a", "[1] ", "[0] warning: é", "[1] b", "[0] c"];
    assert_eq!(texts(store, run, ALL).await, all);
    assert_eq!(texts(store, run, LogQuery { stream: Some(Stderr), ..ALL }).await, [all[0], all[3]]);
    assert_eq!(texts(store, run, LogQuery { rank: Some(0), ..ALL }).await, [all[3], all[5]]);
    let both = LogQuery { stream: Some(Stdout), rank: Some(1), ..ALL };
    assert_eq!(texts(store, run, both).await, [all[1], all[2], all[4]]);

    assert_eq!(texts(store, run, LogQuery { part: LogPart::Last(3), ..ALL }).await, all[3..]);
    assert_eq!(texts(store, run, LogQuery { part: LogPart::Last(1), ..both }).await, [all[4]]);
    assert_eq!(texts(store, run, LogQuery { part: LogPart::Last(0), ..ALL }).await, [""; 0]);

    let lines = ok(store.log_lines(run, ALL).await);
    let before = |line: usize, limit| LogPart::Before { seq: lines[line].seq, limit };
    assert_eq!(texts(store, run, LogQuery { part: before(4, 2), ..ALL }).await, all[2..4]);
    assert_eq!(texts(store, run, LogQuery { part: before(2, 9), ..ALL }).await, all[..2]);
    assert_eq!(texts(store, run, LogQuery { part: before(4, 1), ..both }).await, [all[2]]);
    assert_eq!(texts(store, run, LogQuery { part: before(0, 9), ..ALL }).await, [""; 0]);
    assert!(lines.iter().map(|line| line.seq).is_sorted_by(|a, b| a < b) && lines[0].seq > 0);
    assert_eq!((lines[0].date, lines[0].rank, lines[0].stream), (at(2), None, Stderr));
    assert_eq!((lines[1].date, lines[1].rank, lines[1].stream), (at(5), Some(1), Stdout));
    let part = LogPart::After { seq: lines[1].seq, limit: 2 };
    assert_eq!(texts(store, run, LogQuery { part, ..ALL }).await, all[2..4]);
    assert_eq!(code(store.log_lines(id(99), ALL).await), ErrorCode::NotFound);
}

pub(super) async fn a_chunk_at_another_offset_has_no_effect(store: &dyn Storage) {
    let run = started(store).await.id;
    ok(store.append_output(run, vec![chunk(0, Stdout, 0, &["first"])]).await);
    for from in [0, 3, 7] {
        ok(store.append_output(run, vec![chunk(0, Stdout, from, &["again"])]).await);
    }
    assert_eq!(texts(store, run, ALL).await, ["[0] first"]);
    // The second of these chunks does not continue its stream.
    let chunks =
        vec![chunk(0, Stdout, 6, &["b"]), chunk(0, Stderr, 1, &["gap"]), chunk(0, Stdout, 8, &["c"])];
    assert_eq!(ok(store.append_output(run, chunks).await), []);
    assert_eq!(texts(store, run, ALL).await, ["[0] first", "[0] b", "[0] c"]);
    let ranks = ok(store.run(run).await).ranks;
    assert_eq!((ranks[0].stdout_offset, ranks[0].stderr_offset, ranks[1].stdout_offset), (10, 0, 0));
}
