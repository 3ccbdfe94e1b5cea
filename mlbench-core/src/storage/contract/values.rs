use super::fixtures::{finish, id, metric, ok, started};
use crate::metric::{MeasuredValue, MetricName, Owner, RunValues, RunValuesPage};
use crate::name::RunId;
use crate::storage::run_values::RunValuesQuery;
use crate::storage::storage_trait::Storage;

fn name(text: &str) -> MetricName {
    ok(MetricName::new(text))
}

fn measured(text: &str, value: Option<f64>) -> Option<MeasuredValue> {
    Some(MeasuredValue { name: name(text), value })
}

fn query(names: &[&str], after: Option<RunId>, limit: u32) -> RunValuesQuery {
    RunValuesQuery { names: names.iter().copied().map(name).collect(), after, limit }
}

/// Stores an ended run with these points, in this order.
async fn run_with(store: &dyn Storage, points: &[(&str, i64, &str)]) -> RunId {
    let run = started(store).await.id;
    for (name, date, value) in points {
        ok(store.record_metrics(vec![metric(&Owner::Run(run), name, *date, value)]).await);
    }
    finish(store, run).await;
    run
}

pub(super) async fn newest_values_of_all_runs_are_one_read(store: &dyn Storage) {
    let words = [("train_loss @ 0", 1, "none yet"), ("val_loss @ 0", 1, "0.25"), ("acc @ 1", 1, "0.9")];
    let first = run_with(store, &words).await;
    // The last one to arrive counts, whatever its date.
    let late =
        [("val_global_Prec@1 @ 0", 9, "80"), ("val_global_Prec@1 @ 0", 5, "81.5"), ("accuracy", 1, "1")];
    let second = run_with(store, &late).await;
    let third = run_with(store, &[("loss", 1, "3"), ("loss", 2, "NaN"), ("steps", 1, "7")]).await;
    let deleted = run_with(store, &[("loss", 1, "4")]).await;
    ok(store.delete_run(deleted).await);
    run_with(store, &[("agg @ 0", 1, "4")]).await;

    let runs = vec![
        RunValues { loss: measured("val_loss @ 0", Some(0.25)), ..RunValues::of(first) },
        RunValues { accuracy: measured("val_global_Prec@1 @ 0", Some(81.5)), ..RunValues::of(second) },
        RunValues { loss: measured("loss", None), ..RunValues::of(third) },
    ];
    assert_eq!(ok(store.run_values(query(&[], None, 100)).await), RunValuesPage { runs, next: None });

    let named = ok(store.run_values(query(&["steps", "train_loss @ 0", "nothing"], None, 100)).await);
    let metrics = |metric, value| [(name(metric), value)].into();
    let runs = vec![
        RunValues { metrics: metrics("train_loss @ 0", None), ..RunValues::of(first) },
        RunValues { metrics: metrics("steps", Some(7.0)), ..RunValues::of(third) },
    ];
    assert_eq!(named, RunValuesPage { runs, next: None });
}

pub(super) async fn pages_of_values_end_at_their_limit(store: &dyn Storage) {
    for value in ["1", "2", "3"] {
        run_with(store, &[("loss", 1, value)]).await;
    }
    let mut found = Vec::new();
    let mut after = None;
    for expected in [Some(id(2)), None] {
        let page = ok(store.run_values(query(&[], after, 2)).await);
        found.extend(page.runs.iter().map(|run| run.run_id));
        after = page.next;
        assert_eq!(after, expected);
    }
    assert_eq!(found, [id(1), id(2), id(3)]);
    assert_eq!(ok(store.run_values(query(&["loss"], Some(id(2)), 1)).await).next, None);
}
