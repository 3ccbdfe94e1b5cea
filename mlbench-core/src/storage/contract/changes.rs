use super::fixtures::{at, chunk, finish, id, metric, new_run, ok, pod, pod_name, started};
use crate::metric::Owner;
use crate::name::RunId;
use crate::pod::PodPhase;
use crate::queue::QueueEntry;
use crate::run::OutputStream::{Stderr, Stdout};
use crate::storage::changes::{Changed, Changes, ChangesQuery, Interest};
use crate::storage::storage_trait::Storage;

fn of_run(run: RunId) -> Interest {
    Interest { of_runs: [run].into(), ..Interest::default() }
}

async fn page(store: &dyn Storage, interest: &Interest, after: i64, upto: Option<i64>) -> Changes {
    ok(store.changes(&ChangesQuery { interest: interest.clone(), after, upto }).await)
}

async fn last(store: &dyn Storage) -> i64 {
    page(store, &Interest::default(), 0, None).await.last
}

/// Describes the changes of a page.
fn texts(page: &Changes) -> Vec<String> {
    assert!(page.is_known);
    assert!(page.changes.iter().map(|change| change.seq).is_sorted_by(|a, b| a < b));
    let text = |what: &Changed| match what {
        Changed::Run(run) => format!("run {} {}", run.id, run.state),
        Changed::Deleted(id) => format!("run {id} deleted"),
        Changed::Pods(pods) => format!("{} pods", pods.len()),
        Changed::Line(id, line) => format!("run {id} {}", line.labelled()),
        Changed::Point(point) => {
            let (owner, name) = &page.series[point.series];
            let step = point.step.unwrap_or_default();
            format!("{} {name}={} at {} step {step}", owner.label(), point.value, point.date.as_micros())
        }
    };
    page.changes.iter().map(|change| text(&change.what)).collect()
}

pub(super) async fn changes_have_one_order(store: &dyn Storage) {
    ok(store.set_pods(&[pod("w-0", PodPhase::Running)], at(1)).await);
    let run = started(store).await.id;
    let begin = last(store).await;
    let point = |name, date| metric(&Owner::Run(run), name, date, "0.5");
    ok(store.record_metric(point("loss", 9), None, at(2)).await);
    ok(store.append_output(run, vec![chunk(0, Stdout, 0, &["a"])]).await);
    ok(store.append_output(run, vec![chunk(0, Stderr, 0, &["b"])]).await);
    // The second one is out of order.
    ok(store.record_metrics(vec![point("acc", 5), point("loss", 8)]).await);
    ok(store.record_metric(metric(&Owner::Pod(pod_name("w-0")), "cpu", 7, "1"), None, at(2)).await);
    ok(store.set_pods(&[pod("w-0", PodPhase::Failed)], at(3)).await);
    finish(store, run).await;
    let mut all = of_run(run);
    all.add(&Interest { pods: true, usage: true, ..Interest::default() });
    let (loss, pods) = ("1 loss=0.5 at 9 step -7", "1 pods");
    let expected = [
        loss,
        "run 1 [0] a",
        "run 1 [0] b",
        "1 acc=0.5 at 5 step -7",
        "1 loss=0.5 at 8 step -7",
        "w-0 cpu=1 at 7 step -7",
        pods,
        "run 1 FINISHED",
    ];
    let found = page(store, &all, begin, None).await;
    assert_eq!(texts(&found), expected);
    assert_eq!((found.upto, found.last), (last(store).await, last(store).await));
    // Each step of one arrival number has what the whole has.
    let mut steps = Vec::new();
    for seq in begin..found.upto {
        let step = page(store, &all, seq, Some(seq + 1)).await;
        assert_eq!(step.upto, seq + 1);
        steps.extend(texts(&step));
    }
    assert_eq!(steps, expected);
    let after = |change: usize| found.changes[change].seq;
    assert_eq!(texts(&page(store, &all, after(3), Some(after(6))).await), expected[4..7]);
    assert_eq!(texts(&page(store, &of_run(id(9)), begin, None).await), [""; 0]);
    let pod = Interest { of_pods: [pod_name("w-0")].into(), ..Interest::default() };
    assert_eq!(texts(&page(store, &pod, begin, None).await), [expected[5]]);
    let runs = Interest { runs: true, ..Interest::default() };
    assert_eq!(texts(&page(store, &runs, 0, None).await), ["run 1 FINISHED"]);
    let unknown = page(store, &all, found.last + 1, None).await;
    assert_eq!((unknown.is_known, unknown.upto, unknown.changes.len()), (false, found.last, 0));
}

pub(super) async fn a_deletion_is_a_change(store: &dyn Storage) {
    let run = started(store).await.id;
    finish(store, run).await;
    let begin = last(store).await;
    ok(store.append_server_message(run, "gone", at(2)).await);
    ok(store.delete_run(run).await);
    for interest in [of_run(run), Interest { runs: true, ..Interest::default() }] {
        assert_eq!(texts(&page(store, &interest, begin, None).await), ["run 1 deleted"]);
    }
}

pub(super) async fn a_change_of_a_run_names_the_queue(store: &dyn Storage) {
    let runs = Interest { runs: true, ..Interest::default() };
    let first = ok(store.queue_run(new_run("first"), 2, at(1)).await);
    assert_eq!(page(store, &runs, 0, None).await.queue, None, "no run waits");
    let begin = last(store).await;
    ok(store.queue_run(new_run("second"), 2, at(1)).await);
    let found = page(store, &runs, begin, None).await;
    assert_eq!(texts(&found), ["run 2 INITIALIZED"]);
    let Some(queue) = found.queue else { panic!("no queue") };
    let ids =
        |runs: Vec<QueueEntry>| runs.iter().map(|run| (run.id.get(), run.num_workers)).collect::<Vec<_>>();
    assert_eq!((ids(queue.holders), ids(queue.waiting)), (vec![(1, Some(2))], vec![(2, Some(2))]));
    assert_eq!(page(store, &runs, found.upto, None).await.queue, None, "nothing changed");
    let queue = Interest { queue: true, ..Interest::default() };
    for after in [0, found.upto, i64::MAX] {
        let found = page(store, &queue, after, None).await;
        assert_eq!(
            (found.queue.map(|queue| ids(queue.waiting)), found.changes),
            (Some(vec![(2, Some(2))]), vec![])
        );
    }
    ok(store.delete_run(first.id).await);
    assert!(page(store, &runs, found.upto, None).await.queue.is_some());
    let before_teardown = last(store).await;
    ok(store.finish_teardown(first.id).await);
    assert!(page(store, &runs, before_teardown, None).await.queue.is_some());
}
