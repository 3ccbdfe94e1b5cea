use super::fixtures::{at, code, dated, finish, held, id, keyed, metric, ok, pod, pod_name, series, started};
use crate::error::ErrorCode;
use crate::metric::{Metric, MetricName, Owner};
use crate::pod::PodPhase;
use crate::storage::idempotency::KeyHolder;
use crate::storage::points::{Downsampling, DownsamplingMethod, PointsQuery};
use crate::storage::read_points::collect_points;
use crate::storage::storage_trait::Storage;

pub(super) async fn pods_are_the_latest_set(store: &dyn Storage) {
    assert_eq!(ok(store.pods().await), []);
    let (a, b) = (pod("worker-a", PodPhase::Running), pod("worker-b", PodPhase::Pending));
    ok(store.set_pods(&[b.clone(), a.clone()], at(1)).await);
    assert_eq!(ok(store.pods().await), [a, b]);
    let b = pod("worker-b", PodPhase::Running);
    ok(store.set_pods(std::slice::from_ref(&b), at(2)).await);
    ok(store.set_pods(std::slice::from_ref(&b), at(3)).await);
    assert_eq!(ok(store.pods().await), std::slice::from_ref(&b));
    ok(store.set_pods(&[], at(4)).await);
    assert_eq!(ok(store.pods().await), []);
    ok(store.set_pods(std::slice::from_ref(&b), at(5)).await);
    assert_eq!(ok(store.pods().await), [b]);
}

pub(super) async fn a_pod_that_left_keeps_its_metrics(store: &dyn Storage) {
    ok(store.set_pods(&[pod("worker-a", PodPhase::Running)], at(1)).await);
    let owner = Owner::Pod(pod_name("worker-a"));
    ok(store.record_metrics(vec![metric(&owner, "cpu", 1, "0.1")]).await);
    ok(store.set_pods(&[], at(2)).await);
    ok(store.record_metric(metric(&owner, "cpu", 2, "0.2"), None, at(2)).await);
    assert_eq!(
        series(store, &PointsQuery::all(owner)).await,
        [("cpu".to_owned(), dated(&[(1, "0.1"), (2, "0.2")]))]
    );
}

pub(super) async fn unknown_owners_are_refused(store: &dyn Storage) {
    let run = started(store).await;
    let unknown = [Owner::Run(id(99)), Owner::Pod(pod_name("never-seen"))];
    let sentences = ["run 99 does not exist", "pod \"never-seen\" does not exist"];
    for (owner, sentence) in unknown.iter().zip(sentences) {
        let Err(refusal) = store.record_metric(metric(owner, "x", 1, "1"), None, at(1)).await else {
            panic!("a metric of {owner} was stored");
        };
        assert_eq!((refusal.code(), refusal.detail()), (ErrorCode::NotFound, sentence));
        assert_eq!(code(collect_points(store, &PointsQuery::all(owner.clone())).await), ErrorCode::NotFound);
    }
    let known = Owner::Run(run.id);
    let many =
        vec![metric(&unknown[0], "x", 1, "1"), metric(&known, "x", 2, "2"), metric(&unknown[1], "x", 3, "3")];
    ok(store.record_metrics(many).await);
    assert_eq!(series(store, &PointsQuery::all(known)).await, [("x".to_owned(), dated(&[(2, "2")]))]);
}

pub(super) async fn values_are_preserved_byte_for_byte(store: &dyn Storage) {
    let owner = Owner::Run(started(store).await.id);
    let values = [
        "0.7845",
        "1.50",
        "NaN",
        "-Infinity",
        "",
        " 1",
        "+1",
        "01",
        "-0",
        "0",
        "-7",
        "1e5",
        "1E-5",
        "0.1e1",
        "inf",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "0.30000000000000004",
        "1.0000000000",
        "123456789.125",
        "-0.00000012345678901234",
        "12345678901234567890.5",
        "0.18823681300000001",
        "1723946505500986.2",
        "1723946505500986.3",
        "80% Top 1 Validation Accuracy reached in 12.3 seconds",
        "é\0\u{1f600}",
        "1\0",
    ];
    for (i, value) in (0..).zip(values) {
        let stored = ok(store.record_metric(metric(&owner, "é @ 0\0", i, value), None, at(1)).await);
        assert_eq!((stored.metric.value.as_str(), stored.replayed), (value, false));
    }
    let expected: Vec<(i64, String)> = (0..).zip(values.map(str::to_owned)).collect();
    assert_eq!(series(store, &PointsQuery::all(owner)).await, [("é @ 0\0".to_owned(), expected)]);
}

pub(super) async fn points_are_ordered_by_name_date_and_arrival(store: &dyn Storage) {
    let owner = Owner::Run(started(store).await.id);
    let metrics = [("b", 2, "1"), ("a", 5, "2"), ("b", 1, "3"), ("B", 1, "4"), ("b", 2, "5"), ("é", 0, "6")];
    ok(store
        .record_metrics(metrics.map(|(name, date, value)| metric(&owner, name, date, value)).into())
        .await);
    ok(store.record_metric(metric(&owner, "b", 2, "7"), None, at(9)).await);
    let expected = [
        ("B".to_owned(), dated(&[(1, "4")])),
        ("a".to_owned(), dated(&[(5, "2")])),
        ("b".to_owned(), dated(&[(1, "3"), (2, "1"), (2, "5"), (2, "7")])),
        ("é".to_owned(), dated(&[(0, "6")])),
    ];
    assert_eq!(series(store, &PointsQuery::all(owner.clone())).await, expected);
    // The end of the run changes none of its points.
    finish(store, id(1)).await;
    assert_eq!(series(store, &PointsQuery::all(owner)).await, expected);
}

pub(super) async fn queries_filter_summarize_and_limit(store: &dyn Storage) {
    let owner = Owner::Run(started(store).await.id);
    let numbers = (0..8).map(|i| metric(&owner, "loss", 10 * i, &i.to_string()));
    let texts = (0..4).map(|i| metric(&owner, "note", 10 * i, if i == 1 { "text" } else { "1" }));
    ok(store.record_metrics(numbers.chain(texts).collect()).await);
    let all = PointsQuery::all(owner);
    let loss = PointsQuery { names: [ok(MetricName::new("loss"))].into(), ..all.clone() };
    let check = async |query: PointsQuery, expected: &[(i64, &str)]| {
        assert_eq!(series(store, &query).await, [("loss".to_owned(), dated(expected))], "{query:?}");
    };
    check(PointsQuery { since: at(60), ..loss.clone() }, &[(60, "6"), (70, "7")]).await;
    check(PointsQuery { until: at(10), ..loss.clone() }, &[(0, "0"), (10, "1")]).await;
    check(PointsQuery { last_n: Some(1), ..loss.clone() }, &[(70, "7")]).await;
    check(PointsQuery { last_n: Some(1), until: at(45), ..loss.clone() }, &[(40, "4")]).await;
    let halves = PointsQuery { downsampling: summary(2), ..loss.clone() };
    check(halves.clone(), &[(30, "1.5"), (70, "5.5")]).await;
    check(PointsQuery { last_n: Some(1), ..halves.clone() }, &[(70, "5.5")]).await;
    check(PointsQuery { since: at(40), ..halves }, &[(50, "4.5"), (70, "6.5")]).await;
    check(PointsQuery { since: at(70), downsampling: summary(3), ..loss.clone() }, &[(70, "7")]).await;

    let newest = series(store, &PointsQuery { downsampling: summary(2), since: at(10), ..all.clone() }).await;
    assert_eq!(newest[1], ("note".to_owned(), dated(&[(20, "1"), (30, "1")])), "a text has no mean");
    let numbers_only =
        series(store, &PointsQuery { downsampling: summary(1), since: at(20), ..all.clone() }).await;
    assert_eq!(
        numbers_only[1],
        ("note".to_owned(), dated(&[(30, "1")])),
        "the series has a mean without the text"
    );
    assert_eq!(series(store, &PointsQuery { since: at(71), ..all.clone() }).await, []);
    assert_eq!(series(store, &PointsQuery { names: [ok(MetricName::new("los"))].into(), ..all }).await, []);
}

pub(super) async fn a_repeated_metric_is_stored_once(store: &dyn Storage) {
    let run = started(store).await.id;
    let owner = Owner::Run(run);
    let sent = metric(&owner, "loss", 3, "0.50");
    let stored = ok(store.record_metric(sent.clone(), Some(keyed("k", 1)), at(4)).await);
    assert_eq!((&stored.metric, stored.replayed), (&sent, false));
    // The same body, whose date the server chooses.
    let repeated = Metric { date: at(5), ..sent.clone() };
    for _ in 0..2 {
        let again = ok(store.record_metric(repeated.clone(), Some(keyed("k", 1)), at(5)).await);
        assert_eq!((&again.metric, again.replayed), (&sent, true));
    }
    let other = metric(&owner, "other", 3, "1");
    let reused = store.record_metric(other.clone(), Some(keyed("k", 2)), at(6)).await;
    assert_eq!(code(reused), ErrorCode::IdempotencyKeyReused);
    let unknown = metric(&Owner::Run(id(99)), "loss", 3, "1");
    assert_eq!(code(store.record_metric(unknown, Some(keyed("new", 1)), at(6)).await), ErrorCode::NotFound);
    assert!(!ok(store.record_metric(other.clone(), Some(keyed("new", 2)), at(6)).await).replayed);
    // A key belongs to its holder.
    let own = || Some(held(KeyHolder::Run(run), "k", 3));
    assert!(!ok(store.record_metric(other.clone(), own(), at(7)).await).replayed);
    assert!(ok(store.record_metric(other, own(), at(7)).await).replayed);
    let expected =
        [("loss".to_owned(), dated(&[(3, "0.50")])), ("other".to_owned(), dated(&[(3, "1"), (3, "1")]))];
    assert_eq!(series(store, &PointsQuery::all(owner)).await, expected);
}

const fn summary(max_points: u32) -> Option<Downsampling> {
    Some(Downsampling { method: DownsamplingMethod::Summary, max_points })
}
