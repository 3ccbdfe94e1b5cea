use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use mlbench_core::ErrorCode;
use mlbench_core::run::OutputStream;
use mlbench_core::storage::{OutputChunk, PointsQuery, collect_points};
use rusqlite::params;
use tokio::sync::oneshot;

use super::*;
use crate::sqlite::stats::MAX_NEWEST;

type Outcome<T> = Result<T, StoreError>;

fn add_pod(name: &'static str) -> impl FnOnce(&Connection) -> Outcome<()> + Send + 'static {
    move |c| {
        c.execute("INSERT INTO pod (name, first_seen_at) VALUES (?1, 0)", params![name])?;
        Ok(())
    }
}

/// Returns a job that blocks the writer until the sender sends, and a receiver of the start signal.
fn gate()
-> (oneshot::Receiver<()>, mpsc::Sender<()>, impl FnOnce(&Connection) -> Outcome<()> + Send + 'static) {
    let (inside, entered) = oneshot::channel();
    let (open, closed) = mpsc::channel();
    let wait = move |_: &Connection| {
        // Some tests drop the receiver.
        let _ = inside.send(());
        closed.recv().unwrap();
        Ok(())
    };
    (entered, open, wait)
}

/// Blocks the writer until `send` has queued its jobs, so that they share one transaction on any machine.
async fn in_one_transaction<T>(store: &Store, send: impl Future<Output = T>) -> T {
    let (entered, open, gate) = gate();
    let all = async {
        entered.await.unwrap();
        tokio::join!(send, async { open.send(()).unwrap() }).0
    };
    let (held, sent) = tokio::join!(store.writer.write(0, gate), all);
    held.unwrap();
    sent
}

fn broken(c: &Connection) -> Outcome<()> {
    add_pod("broken")(c)?;
    Ok(c.execute_batch("nonsense")?)
}

fn panicking(c: &Connection) -> Outcome<()> {
    add_pod("panicking")(c)?;
    panic!("expected panic of a job")
}

async fn pods(store: &Store) -> Vec<String> {
    store.pods().await.unwrap().iter().map(|pod| pod.name.to_string()).collect()
}

#[tokio::test]
async fn job_that_fails_or_panics_rolls_back_only_its_own_changes() {
    let store = Store::new();
    let refused = |c: &Connection| -> Outcome<()> {
        add_pod("refused")(c)?;
        Err(Error::new(ErrorCode::NotFound, "no").into())
    };
    let writer = &store.writer;
    let all = async {
        tokio::join!(
            writer.write(0, add_pod("first")),
            writer.write(0, refused),
            writer.write(0, broken),
            writer.write(0, panicking),
            writer.write(0, add_pod("last")),
        )
    };
    let (first, refused, failed, panicked, last) = in_one_transaction(&store, all).await;
    assert!(first.is_ok() && last.is_ok());
    assert_eq!(refused.unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!(failed.unwrap_err().code(), ErrorCode::Internal);
    assert_eq!(panicked.unwrap_err().code(), ErrorCode::Internal);
    assert_eq!(pods(&store).await, ["first", "last"]);
}

#[tokio::test]
async fn failed_job_alone_in_its_transaction_is_rolled_back() {
    let store = Store::new();
    assert_eq!(store.writer.write(0, broken).await.unwrap_err().code(), ErrorCode::Internal);
    assert_eq!(store.writer.write(0, panicking).await.unwrap_err().code(), ErrorCode::Internal);
    store.writer.write(0, add_pod("good")).await.unwrap();
    assert_eq!(pods(&store).await, ["good"]);
}

#[tokio::test]
async fn metric_that_cannot_be_stored_costs_no_other_metric() {
    let store = Store::new();
    let id = store.started_run().await;
    let trap = "CREATE TRIGGER trap BEFORE INSERT ON point WHEN new.value = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END";
    store.writer.write(0, |c| Ok(c.execute_batch(trap)?)).await.unwrap();
    let record = |date, value| store.record_metric(metric(id, "loss", date, value), None, at(date));
    // First alone in their transaction, then together with another job.
    let alone = async { tokio::join!(record(1, "1"), record(2, "bad"), record(3, "3")) };
    let (first, bad, last) = in_one_transaction(&store, alone).await;
    assert!(first.is_ok() && bad.is_err() && last.is_ok());
    let shared = async {
        tokio::join!(record(4, "4"), record(5, "bad"), store.writer.write(0, add_pod("a")), record(6, "bad"))
    };
    let (first, bad, pod, worse) = in_one_transaction(&store, shared).await;
    assert!(first.is_ok() && bad.is_err() && pod.is_ok() && worse.is_err());
    let stored = collect_points(&store.storage, &PointsQuery::all(Owner::Run(id))).await.unwrap();
    let values: Vec<&str> = stored.values().flatten().map(|point| point.value.as_str()).collect();
    assert_eq!(values, ["1", "3", "4"]);
    assert_eq!(store.number("SELECT count FROM series").await, 3);
}

#[tokio::test]
async fn no_job_of_a_lost_transaction_succeeds() {
    let store = Store::new();
    // As SQLite does after some disk errors.
    let lose = |c: &Connection| -> Outcome<()> { Ok(c.execute_batch("ROLLBACK")?) };
    let writer = &store.writer;
    let all = async {
        tokio::join!(
            writer.write(0, add_pod("before")),
            writer.write(0, lose),
            writer.write(0, add_pod("after")),
        )
    };
    let (before, lost, after) = in_one_transaction(&store, all).await;
    for failed in [before, lost] {
        assert_eq!(failed.unwrap_err().code(), ErrorCode::Internal);
    }
    assert!(after.is_ok());
    assert_eq!(pods(&store).await, ["after"]);
}

#[tokio::test]
async fn full_disk_is_reported_and_writes_work_again_afterwards() {
    let store = Store::new();
    let id = store.started_run().await;
    let limit = |pages: &'static str| {
        move |c: &Connection| -> Outcome<i64> { Ok(c.query_row(pages, [], |row| row.get(0))?) }
    };
    store.writer.write(0, limit("PRAGMA max_page_count = 1")).await.unwrap();
    let large = Metric { metadata: "x".repeat(1 << 20), ..metric(id, "loss", 1, "1") };
    let refused = store.record_metric(large.clone(), None, at(1)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unavailable);
    assert_eq!(refused.detail(), "the database cannot be written: disk full; nothing was stored");
    assert_eq!(store.number("SELECT count(*) FROM point").await, 0);
    store.writer.write(0, limit("PRAGMA max_page_count = 1000000")).await.unwrap();
    store.record_metric(large, None, at(1)).await.unwrap();
    assert_eq!(store.number("SELECT count(*) FROM point").await, 1);
}

#[tokio::test(start_paused = true)]
async fn jobs_beyond_the_memory_budget_are_rejected_after_a_timeout() {
    let store = Store::new();
    let (_, open, gate) = gate();
    let too_much = async {
        let refused = store.writer.write(0, add_pod("late")).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Overloaded);
        assert!(refused.retry_after().is_some());
        // From here on, the writer needs real time.
        tokio::time::resume();
        open.send(()).unwrap();
    };
    let (held, ()) = tokio::join!(store.writer.write(usize::MAX - 1, gate), too_much);
    held.unwrap();
    assert_eq!(store.number("SELECT count(*) FROM pod").await, 0);
    store.writer.write(0, add_pod("in-time")).await.unwrap();
}

#[tokio::test]
async fn close_writes_queued_jobs_and_rejects_later_ones() {
    let store = Store::new();
    let (_, open, gate) = gate();
    let close = async {
        open.send(()).unwrap();
        store.close().await.unwrap();
    };
    let (held, waiting, ()) =
        tokio::join!(store.writer.write(0, gate), store.writer.write(0, add_pod("waiting")), close);
    assert!(held.is_ok() && waiting.is_ok());
    assert_eq!(store.writer.write(0, add_pod("late")).await.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(store.pods().await.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(pods(&store.reopened()).await, ["waiting"]);
}

#[tokio::test]
async fn acknowledged_writes_survive_a_kill() {
    let store = Store::new();
    let id = store.started_run().await;
    for i in 0..20 {
        let key = keyed(&format!("key-{i}"));
        store.record_metric(metric(id, "loss", i, "0.5"), Some(key), at(i)).await.unwrap();
    }
    // The files as a kill leaves them, without a last checkpoint.
    let after_kill = tempfile::tempdir().unwrap();
    for name in ["mlbench.db", "mlbench.db-wal"] {
        fs::copy(store.directory.path().join(name), after_kill.path().join(name)).unwrap();
    }
    let options = Options { adopt: true, ..Options::new(after_kill.path().join("mlbench.db")) };
    let next = SqliteStorage::open(options).unwrap();
    assert_eq!(next.runs().await.unwrap(), store.runs().await.unwrap());
    let again = metric(id, "loss", 99, "0.5");
    let recorded = next.record_metric(again, Some(keyed("key-19")), at(99)).await.unwrap();
    assert_eq!((recorded.replayed, recorded.metric), (true, metric(id, "loss", 19, "0.5")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_repeats_with_the_same_key_store_each_metric_once() {
    let store = Arc::new(Store::new());
    let id = store.started_run().await;
    let callers: Vec<_> = (0..64)
        .map(|caller: i64| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for i in 0..10 {
                    // Callers 0 and 1 send the same metrics, and so do 2 and 3.
                    let key = keyed(&format!("{}-{i}", caller / 2));
                    let metric = metric(id, &format!("loss @ {}", caller % 4), i, "1");
                    store.record_metric(metric, Some(key), at(i)).await.unwrap();
                    collect_points(&store.storage, &PointsQuery::all(Owner::Run(id))).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(store.number("SELECT count(*) FROM point").await, 320);
    assert_eq!(store.number("SELECT count(DISTINCT seq) FROM point").await, 320);
    assert_eq!(store.number("SELECT sum(count) FROM series").await, 320);
}

#[tokio::test]
async fn idle_cluster_costs_no_commit() {
    let store = Store::new();
    let pod = Pod {
        name: mlbench_core::PodName::new("worker-0").unwrap(),
        labels: [("app".to_owned(), "mlbench".to_owned())].into(),
        phase: mlbench_core::PodPhase::Running,
        ip: String::new(),
    };
    store.set_pods(std::slice::from_ref(&pod), at(1)).await.unwrap();
    let before = fs::metadata(store.wal()).unwrap().len();
    for i in 2..10 {
        store.set_pods(std::slice::from_ref(&pod), at(i)).await.unwrap();
    }
    assert_eq!(fs::metadata(store.wal()).unwrap().len(), before);
}

#[tokio::test]
async fn newest_values_are_bounded() {
    let store = Store::new();
    let name = mlbench_core::PodName::new("worker-0").unwrap();
    let labels = std::collections::BTreeMap::new();
    let pod = Pod { name, labels, phase: mlbench_core::PodPhase::Running, ip: String::new() };
    store.set_pods(std::slice::from_ref(&pod), at(1)).await.unwrap();
    let of_pod = |i: u32| Metric {
        owner: Owner::Pod(pod.name.clone()),
        ..metric(RunId::new(1).unwrap(), &format!("m{i:05}"), 1, "1")
    };
    for (metrics, truncated) in [(0..MAX_NEWEST, false), (MAX_NEWEST..MAX_NEWEST + 1, true)] {
        store.record_metrics(metrics.map(of_pod).collect()).await.unwrap();
        let stats = store.stats().await.unwrap();
        assert_eq!((stats.newest.len(), stats.newest_truncated), (MAX_NEWEST as usize, truncated));
    }
}

/// A query that takes a while, but much less than the writer waits, also on a busy machine.
const SLOW: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) SELECT count(*) FROM n";

#[tokio::test]
async fn overlapping_readers_do_not_let_the_log_grow() {
    let store = Store::new();
    let id = store.started_run().await;
    let stop = Arc::new(AtomicBool::new(false));
    let readers = [open::reader(&store.options).unwrap(), open::reader(&store.options).unwrap()];
    let reading = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let begin =
                |reader: &Connection| reader.execute_batch("BEGIN; SELECT count(*) FROM run").unwrap();
            begin(&readers[0]);
            // One of the two is always in a transaction.
            for turn in 0_usize.. {
                begin(&readers[(turn + 1) % 2]);
                readers[(turn + 1) % 2].query_row(SLOW, [], |_| Ok(())).unwrap();
                readers[turn % 2].execute_batch("COMMIT").unwrap();
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
    });
    let mut highest = 0;
    for from in 0..80 {
        let lines = vec!["x".repeat(16 << 10); 64];
        let chunk =
            OutputChunk { rank: 0, stream: OutputStream::Stdout, from, to: from + 1, lines, date: at(1) };
        store.append_output(id, vec![chunk]).await.unwrap();
        highest = highest.max(fs::metadata(store.wal()).unwrap().len());
    }
    stop.store(true, Ordering::Relaxed);
    reading.join().unwrap();
    assert!(highest < 64 << 20, "the log grew to {highest} bytes");
}

#[tokio::test]
async fn a_write_is_given_up_when_the_file_system_does_not_respond() {
    let store = Store::new();
    let (release, released) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel();
    let write = store.writer.write(0, move |_| {
        begin.send(()).unwrap();
        // Until the sender is dropped.
        let _ = released.recv();
        Ok(())
    });
    let hang = async {
        tokio::task::yield_now().await;
        begun.recv().unwrap();
        store.writer.set_begun(Duration::from_secs(30));
    };
    let (error, ()) = tokio::join!(write, hang);
    let error = error.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    let detail = " s, and may still store this; repeat it with the same Idempotency-Key";
    assert!(error.detail().ends_with(detail), "{error}");
    drop(release);
    store.writer.write(0, |_| Ok(())).await.unwrap();
}
