use super::fixtures::{at, code, dated, finish, held, id, keyed, metric, ok, pod, pod_name, series, started};
use crate::error::{Error, ErrorCode};
use crate::metric::{Metric, MetricName, Owner};
use crate::pod::PodPhase;
use crate::storage::idempotency::{BatchKey, KeyHolder};
use crate::storage::metrics::{Batch, BatchOutcome, BatchPoint, BatchSeries, RejectedItem, SeriesName};
use crate::storage::points::{PointDetails, PointRef, PointsQuery, ValueRef};
use crate::storage::series_columns::SeriesColumns;
use crate::storage::storage_trait::Storage;

fn key(text: &str, body: u8, chunk: u32) -> Option<BatchKey> {
    Some(BatchKey { request: keyed(text, body), chunk })
}

fn batch(metrics: impl IntoIterator<Item = Metric>, key: Option<BatchKey>) -> Batch {
    let point = |(index, metric)| BatchPoint { index, metric: Ok(metric) };
    Batch { points: (0..).zip(metrics).map(point).collect(), key, ..Batch::default() }
}

/// Returns the number of stored points, and the index and code of each rejected one.
fn summary(outcome: &BatchOutcome) -> (u64, Vec<(u64, ErrorCode)>) {
    let result = &outcome.result;
    assert_eq!(result.rejected_count, result.rejected.len() as u64);
    (result.accepted, result.rejected.iter().map(|rejected| (rejected.index, rejected.code)).collect())
}

pub(super) async fn a_batch_stores_valid_points_and_reports_the_others(store: &dyn Storage) {
    ok(store.set_pods(&[pod("worker-a", PodPhase::Running)], at(1)).await);
    let (run, worker) = (Owner::Run(started(store).await.id), Owner::Pod(pod_name("worker-a")));
    let invalid = Error::invalid("value", "missing; every metric needs one");
    let points = [
        (3, Ok(metric(&run, "loss", 5, "NaN"))),
        (4, Ok(metric(&Owner::Run(id(99)), "loss", 5, "1"))),
        (7, Err(invalid)),
        (8, Ok(metric(&worker, "loss", 9, "2"))),
        (9, Ok(metric(&run, "loss", 1, "3"))),
        (10, Ok(metric(&Owner::Pod(pod_name("never-seen")), "loss", 5, "1"))),
        (11, Ok(metric(&run, "loss", 5, "4"))),
        (12, Ok(metric(&run, "a", 253_402_300_799_999_999, "-Infinity"))),
    ];
    let points = points.map(|(index, metric)| BatchPoint { index, metric });
    let outcome = ok(store.record_batch(Batch { points: points.into(), ..Batch::default() }, at(2)).await);
    let expected = vec![(4, ErrorCode::NotFound), (7, ErrorCode::InvalidField), (10, ErrorCode::NotFound)];
    assert_eq!((summary(&outcome), outcome.replayed), ((5, expected), false));
    assert_eq!(outcome.result.rejected[0].message, "run 99 does not exist");
    assert_eq!(outcome.result.rejected[1].message, "value: missing; every metric needs one");
    let of_run = [
        ("a".to_owned(), dated(&[(253_402_300_799_999_999, "-Infinity")])),
        ("loss".to_owned(), dated(&[(1, "3"), (5, "NaN"), (5, "4")])),
    ];
    assert_eq!(series(store, &PointsQuery::all(run)).await, of_run);
    assert_eq!(series(store, &PointsQuery::all(worker)).await, [("loss".to_owned(), dated(&[(9, "2")]))]);
    let empty = ok(store.record_batch(batch([], None), at(3)).await);
    assert_eq!(summary(&empty), (0, vec![]));
}

pub(super) async fn a_series_in_columns_is_stored_like_its_points(store: &dyn Storage) {
    let run = Owner::Run(started(store).await.id);
    let name = |owner: &Owner, name| SeriesName { owner: owner.clone(), name: ok(MetricName::new(name)) };
    let values = [(5, "NaN", Some(2)), (1, "0.5", None), (5, "1.50", Some(-7)), (2, "3", None)];
    let details = |step| PointDetails { cumulative: step == Some(2), metadata: "m", step, epoch: Some(0.5) };
    let points: SeriesColumns = values
        .iter()
        .map(|&(date, text, step)| PointRef {
            date: at(date),
            value: ValueRef::of_text(text),
            details: Some(details(step)),
        })
        .collect();
    let invalid = RejectedItem { item: 4, error: Error::invalid("step", "must be a whole number") };
    let series_of = |index, series| BatchSeries { index, series, points: points.clone(), rejected: vec![] };
    let batch = || Batch {
        series: vec![
            BatchSeries { rejected: vec![invalid.clone()], ..series_of(0, Ok(name(&run, "loss"))) },
            series_of(1, Ok(name(&Owner::Run(id(99)), "loss"))),
            series_of(2, Err(Error::invalid("name", "missing"))),
            series_of(3, Ok(name(&run, "loss"))),
            series_of(4, Ok(name(&run, "a"))),
        ],
        key: key("series", 1, 0),
        ..Batch::default()
    };
    let first = ok(store.record_batch(batch(), at(9)).await);
    let (result, listed) = (&first.result, &first.result.rejected);
    assert_eq!((result.accepted, result.rejected_count), (12, 9));
    let listed: Vec<_> = listed.iter().map(|one| (one.index, one.item, one.code)).collect();
    let (invalid, unknown) = (ErrorCode::InvalidField, ErrorCode::NotFound);
    assert_eq!(listed, [(0, Some(4), invalid), (1, None, unknown), (2, None, invalid)]);
    let second = ok(store.record_batch(batch(), at(9)).await);
    assert_eq!((second.result, second.replayed), (first.result, true));
    let once = [(1, "0.5"), (2, "3"), (5, "NaN"), (5, "1.50")];
    let twice = once[..2].iter().flat_map(|one| [*one; 2]).chain([once[2], once[3], once[2], once[3]]);
    let expected = [("a".to_owned(), dated(&once)), ("loss".to_owned(), dated(&twice.collect::<Vec<_>>()))];
    assert_eq!(series(store, &PointsQuery::all(run.clone())).await, expected);
    let stored = ok(store.series(&run, None, 10).await);
    assert_eq!(stored.iter().map(|series| series.count).collect::<Vec<_>>(), [4, 8]);
}

pub(super) async fn a_repeated_batch_replays_the_first_result(store: &dyn Storage) {
    let run = Owner::Run(started(store).await.id);
    let points = || {
        [metric(&run, "loss", 1, "1"), metric(&Owner::Run(id(99)), "loss", 1, "1"), metric(&run, "b", 1, "2")]
    };
    let first = ok(store.record_batch(batch(points(), key("k", 1, 0)), at(2)).await);
    assert_eq!((summary(&first), first.replayed), ((2, vec![(1, ErrorCode::NotFound)]), false));
    for now in [3, 4] {
        let again = ok(store.record_batch(batch(points(), key("k", 1, 0)), at(now)).await);
        assert_eq!((again.result, again.replayed), (first.result.clone(), true));
    }
    let other = store.record_batch(batch(points(), key("k", 2, 0)), at(5)).await;
    assert_eq!(code(other), ErrorCode::IdempotencyKeyReused);
    let stored = [("b".to_owned(), dated(&[(1, "2")])), ("loss".to_owned(), dated(&[(1, "1")]))];
    assert_eq!(series(store, &PointsQuery::all(run)).await, stored);
}

pub(super) async fn batch_chunks_and_single_metrics_have_separate_keys(store: &dyn Storage) {
    let run = Owner::Run(started(store).await.id);
    let single = ok(store.record_metric(metric(&run, "loss", 1, "1"), Some(keyed("k", 1)), at(1)).await);
    assert!(!single.replayed);
    for chunk in [0, 1, 2, 1] {
        let point = metric(&run, "loss", 10 + i64::from(chunk), "1");
        ok(store.record_batch(batch([point], key("k", 1, chunk)), at(2)).await);
    }
    let stored = dated(&[(1, "1"), (10, "1"), (11, "1"), (12, "1")]);
    assert_eq!(series(store, &PointsQuery::all(run)).await, [("loss".to_owned(), stored)]);
}

pub(super) async fn a_batch_key_belongs_to_its_holder(store: &dyn Storage) {
    let first = Owner::Run(started(store).await.id);
    finish(store, id(1)).await;
    let second = Owner::Run(started(store).await.id);
    for (run, owner) in [(1, &first), (2, &second)] {
        let key = BatchKey { request: held(KeyHolder::Run(id(run)), "step-1", 1), chunk: 0 };
        let outcome =
            ok(store.record_batch(batch([metric(owner, "loss", run, "1")], Some(key)), at(2)).await);
        assert_eq!((outcome.result.accepted, outcome.replayed), (1, false));
        let stored = [("loss".to_owned(), dated(&[(run, "1")]))];
        assert_eq!(series(store, &PointsQuery::all(owner.clone())).await, stored);
    }
}
