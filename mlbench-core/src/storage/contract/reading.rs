use super::fixtures::{at, code, dated, finish, id, metric, new_run, ok, pod, pod_name, series, started};
use super::text_sink::TextSink;
use crate::error::ErrorCode;
use crate::metric::{Metric, MetricName, Owner, Series};
use crate::pod::PodPhase;
use crate::storage::points::{Downsampling, DownsamplingMethod, OwnerFilter, PointsQuery};
use crate::storage::read_points::read_page;
use crate::storage::storage_trait::Storage;

fn name(text: &str) -> MetricName {
    ok(MetricName::new(text))
}

async fn record(store: &dyn Storage, owner: &Owner, points: &[(&str, i64, &str)]) {
    let metrics = points.iter().map(|(name, date, value)| metric(owner, name, *date, value));
    ok(store.record_metrics(metrics.collect()).await);
}

/// Reads all pages as text without repeated names. Returns the arrival number of the snapshot too.
async fn read_as_text(store: &dyn Storage, query: &PointsQuery) -> (Vec<String>, i64) {
    let (mut sink, mut after) = (TextSink::default(), None);
    loop {
        let (read, as_of, next) = ok(read_page(store, query, after, sink).await);
        (sink, after) = (read, next);
        if after.is_none() {
            return (sink.0, as_of);
        }
    }
}

pub(super) async fn points_are_found_by_arrival_whatever_their_date(store: &dyn Storage) {
    let owner = Owner::Run(started(store).await.id);
    let all = PointsQuery::all(owner.clone());
    let (_, empty) = read_as_text(store, &all).await;
    record(store, &owner, &[("a", 10, "1"), ("a", 20, "2"), ("b", 10, "3")]).await;
    let (_, first) = read_as_text(store, &PointsQuery { arrived_after: Some(empty), ..all.clone() }).await;
    assert!(first > empty);
    // In order, in the same microsecond, three more in other orders, and a new series.
    let news = [("a", 30, "4"), ("a", 20, "5"), ("a", 5, "6"), ("a", 7, "7"), ("a", 31, "8"), ("c", 1, "9")];
    record(store, &owner, &news).await;
    let since = async |arrived_after: i64| {
        let query = PointsQuery { arrived_after: Some(arrived_after), ..all.clone() };
        (series(store, &query).await, read_as_text(store, &query).await.1)
    };
    let (found, second) = since(first).await;
    let expected = [
        ("a".to_owned(), dated(&[(5, "6"), (7, "7"), (20, "5"), (30, "4"), (31, "8")])),
        ("c".to_owned(), dated(&[(1, "9")])),
    ];
    assert_eq!(found, expected);
    assert_eq!(since(second).await, (vec![], second), "nothing new");
    assert_eq!(since(empty).await.0, series(store, &all).await, "all points are new to a first reader");
    let cut = PointsQuery { arrived_after: Some(first), since: at(7), until: at(20), ..all };
    assert_eq!(series(store, &cut).await, [("a".to_owned(), dated(&[(7, "7"), (20, "5")]))]);
}

pub(super) async fn a_snapshot_does_not_change_while_points_arrive(store: &dyn Storage) {
    let owner = Owner::Run(started(store).await.id);
    let all = PointsQuery::all(owner.clone());
    record(store, &owner, &[("a", 10, "1"), ("a", 20, "2")]).await;
    let before = series(store, &all).await;
    let (_, as_of) = read_as_text(store, &all).await;
    record(store, &owner, &[("a", 15, "3"), ("a", 30, "4"), ("b", 1, "5")]).await;
    let then = PointsQuery { as_of: Some(as_of), ..all };
    assert_eq!(series(store, &then).await, before);
    assert_eq!(read_as_text(store, &then).await.1, as_of);
    let halves = Downsampling { method: DownsamplingMethod::Summary, max_points: 1 };
    let then = PointsQuery { downsampling: Some(halves), ..then };
    assert_eq!(series(store, &then).await, [("a".to_owned(), dated(&[(20, "1.5")]))]);
}

pub(super) async fn a_list_names_the_runs_with_new_points(store: &dyn Storage) {
    let list = async |after: Option<i64>| {
        let list = ok(store.metric_owners(OwnerFilter::Runs, after).await);
        assert!(list.owners.iter().all(|listed| listed.arrived_after == after));
        let owners = list.owners.into_iter().map(|listed| (listed.owner, listed.has_points));
        (owners.collect::<Vec<_>>(), list.as_of)
    };
    let first = Owner::Run(started(store).await.id);
    let (owners, empty) = list(None).await;
    assert_eq!(owners, [(first.clone(), false)]);
    record(store, &first, &[("a", 1, "1")]).await;
    finish(store, id(1)).await;
    let (owners, one) = list(Some(empty)).await;
    assert_eq!(owners, [(first.clone(), true)]);
    assert_eq!(list(Some(one)).await, (vec![], one));

    let second = Owner::Run(ok(store.start_run_unless_active(new_run("second"), at(6)).await).id);
    record(store, &second, &[("a", 1, "1")]).await;
    let (owners, two) = list(Some(one)).await;
    assert_eq!(owners, [(second.clone(), true)]);
    record(store, &first, &[("a", 0, "2")]).await;
    let (owners, three) = list(Some(one)).await;
    assert_eq!(owners, [(first.clone(), true), (second.clone(), true)]);
    assert_eq!(list(Some(two)).await.0, [(first.clone(), true)]);
    let named = async |ids: &[i64], after: Option<i64>| {
        let filter = OwnerFilter::TheseRuns(ids.iter().map(|number| id(*number)).collect());
        let list = ok(store.metric_owners(filter, after).await);
        assert!(list.as_of >= three);
        list.owners.into_iter().map(|listed| (listed.owner, listed.has_points)).collect::<Vec<_>>()
    };
    assert_eq!(named(&[2, 9], None).await, [(second.clone(), true)], "run 9 does not exist");
    assert_eq!(named(&[1, 2], None).await, [(first.clone(), true), (second.clone(), true)]);
    assert_eq!(named(&[1, 2], Some(two)).await, [(first.clone(), true)]);
    assert_eq!(named(&[2], Some(two)).await, []);
    assert_eq!(named(&[], None).await, []);
    ok(store.delete_run(id(2)).await);
    assert_eq!(named(&[1, 2], None).await, [(first.clone(), true)]);
    assert_eq!(list(Some(empty)).await.0, [(first.clone(), true)]);
    assert_eq!(list(None).await.0, [(first, true)]);
}

pub(super) async fn a_pod_that_returns_shows_the_points_of_its_absence(store: &dyn Storage) {
    let (a, b) = (pod("a", PodPhase::Running), pod("b", PodPhase::Running));
    let owner = Owner::Pod(pod_name("b"));
    let list = async |after: i64| {
        let list = ok(store.metric_owners(OwnerFilter::Pods, Some(after)).await);
        let of_b = list.owners.into_iter().find(|listed| listed.owner == owner);
        (of_b.and_then(|listed| listed.arrived_after), list.as_of)
    };
    ok(store.set_pods(&[a.clone(), b.clone()], at(1)).await);
    record(store, &owner, &[("x", 1, "1")]).await;
    let (_, present) = list(0).await;
    ok(store.set_pods(std::slice::from_ref(&a), at(2)).await);
    record(store, &owner, &[("x", 2, "2")]).await;
    let (gone, absent) = list(present).await;
    assert_eq!(gone, None);
    ok(store.set_pods(&[a.clone(), b.clone()], at(3)).await);
    let (missed, returned) = list(absent).await;
    assert_eq!(missed, Some(present), "what arrived in its absence is new to a reader of that time");
    assert_eq!(list(returned).await.0, Some(returned), "and only once");
    assert_eq!(list(0).await.0, Some(0), "a reader of an earlier time misses nothing");

    // It leaves again. A reader of the first absence has still not read what arrived then.
    ok(store.set_pods(std::slice::from_ref(&a), at(4)).await);
    record(store, &owner, &[("x", 4, "4")]).await;
    let (_, again) = list(returned).await;
    ok(store.set_pods(&[a, b], at(5)).await);
    assert_eq!(list(absent).await.0, Some(present));
    assert_eq!(list(again).await.0, Some(returned));
}

pub(super) async fn details_hold_all_fields_of_a_point(store: &dyn Storage) {
    let owner = Owner::Run(started(store).await.id);
    record(store, &owner, &[("a", 1, "1.50")]).await;
    let bare = Metric {
        cumulative: false,
        metadata: String::new(),
        step: None,
        epoch: None,
        ..metric(&owner, "a", 2, "x")
    };
    ok(store.record_metric(bare, None, at(2)).await);
    let query = PointsQuery { details: true, ..PointsQuery::all(owner) };
    let expected =
        ["a:", r#"1 1.50 true "{rank: 0, epoch:1.5}" Some(-7) Some(1.5)"#, r#"2 x false "" None None"#];
    assert_eq!(read_as_text(store, &query).await.0, expected);
}

pub(super) async fn a_query_may_name_several_series(store: &dyn Storage) {
    let owner = Owner::Run(started(store).await.id);
    record(store, &owner, &[("a", 1, "1"), ("b", 1, "2"), ("c", 1, "3"), ("a", 2, "4")]).await;
    let names = vec![name("c"), name("a"), name("none"), name("a")];
    let found = series(store, &PointsQuery { names: names.into(), ..PointsQuery::all(owner) }).await;
    let expected = [("a".to_owned(), dated(&[(1, "1"), (2, "4")])), ("c".to_owned(), dated(&[(1, "3")]))];
    assert_eq!(found, expected);
}

pub(super) async fn a_series_is_downsampled_by_every_method(store: &dyn Storage) {
    let owner = Owner::Run(started(store).await.id);
    let values = ["0", "9", "-5", "1", "NaN", "2", "text", "4"];
    let points: Vec<_> = (0..).zip(values).map(|(date, value)| ("a", date, value)).collect();
    record(store, &owner, &points).await;
    record(store, &owner, &[("b", 3, "1.50")]).await;
    let downsampled = async |method, max_points| {
        let downsampling = Some(Downsampling { method, max_points });
        read_as_text(store, &PointsQuery { downsampling, ..PointsQuery::all(owner.clone()) }).await.0
    };
    assert_eq!(
        downsampled(DownsamplingMethod::MinMax, 2).await,
        [
            "a:",
            "0..3 4 Some(0.0) Some(1.0) Some(-5.0) Some(9.0) Some(-7) Some(1.5)",
            "4..7 2 Some(2.0) Some(4.0) Some(2.0) Some(4.0) Some(-7) Some(1.5)",
            "b:",
            "3..3 1 Some(1.5) Some(1.5) Some(1.5) Some(1.5) Some(-7) Some(1.5)",
        ]
    );
    assert_eq!(
        downsampled(DownsamplingMethod::Mean, 5).await,
        ["a:", "0 0", "2 2", "4 1", "6 2", "7 4", "b:", "3 1.50"]
    );
    let lttb = downsampled(DownsamplingMethod::Lttb, 4).await;
    assert_eq!((lttb.len(), lttb[1].as_str(), lttb[4].as_str()), (7, "0 0", "7 4"), "{lttb:?}");
    let gap = downsampled(DownsamplingMethod::Lttb, 8).await;
    assert_eq!((gap[5].as_str(), gap[7].as_str()), ("4 NaN", "6 text"), "{gap:?}");
}

pub(super) async fn a_point_that_downsampling_keeps_is_the_one_that_was_posted(store: &dyn Storage) {
    let owner = Owner::Run(started(store).await.id);
    let values = ["1.50", "-0", "1e400", "NaN", "0.1", "9007199254740993", "1E+2", "text", "0.10", "7"];
    let points: Vec<_> = (0..).zip(values).map(|(date, value)| ("a", date, value)).collect();
    record(store, &owner, &points).await;
    // Of equal numbers with one date, the first is kept in its own spelling.
    record(store, &owner, &[("b", 1, "0"), ("b", 2, "2.0"), ("b", 2, "2"), ("b", 3, "0")]).await;
    let read = async |method, max_points, details| {
        let downsampling = Some(Downsampling { method, max_points });
        let query = PointsQuery { downsampling, details, ..PointsQuery::all(owner.clone()) };
        read_as_text(store, &query).await.0
    };
    let raw: Vec<String> =
        (0..).zip(values).map(|(date, value): (i64, _)| format!("{date} {value}")).collect();
    for method in [DownsamplingMethod::Lttb, DownsamplingMethod::Mean, DownsamplingMethod::Summary] {
        for max_points in [10, 11] {
            assert_eq!(read(method, max_points, false).await[1..=10], raw, "{method:?}");
        }
    }
    for max_points in 1..10 {
        let kept = read(DownsamplingMethod::Lttb, max_points, false).await;
        let of_a = &kept[1..=max_points as usize];
        assert!(of_a.iter().all(|point| raw.contains(point)), "{of_a:?}");
        assert_eq!(of_a.last(), raw.last());
    }
    let with_details = read(DownsamplingMethod::Lttb, 3, true).await;
    let rest = r#"true "{rank: 0, epoch:1.5}" Some(-7) Some(1.5)"#;
    assert_eq!((&with_details[1], &with_details[6]), (&format!("0 1.50 {rest}"), &format!("2 2.0 {rest}")));
    // The ends of means, and means of one number.
    let mean = read(DownsamplingMethod::Mean, 9, false).await;
    assert_eq!(mean[1..3], ["0 1.50", "1 -0"]);
    assert_eq!(mean[9], "9 7");
}

pub(super) async fn the_summary_of_a_series_matches_its_points(store: &dyn Storage) {
    let owner = Owner::Run(started(store).await.id);
    assert_eq!(ok(store.series(&owner, None, 9).await), []);
    record(store, &owner, &[("loss", 20, "0.50"), ("loss", 10, "-3"), ("note", 7, "text")]).await;
    record(store, &owner, &[("loss", 15, "NaN")]).await;
    let loss = Series {
        name: name("loss"),
        count: 3,
        first_date: at(10),
        last_date: at(20),
        min: Some(-3.0),
        max: Some(0.5),
        last_value: "NaN".into(),
    };
    let note = Series {
        name: name("note"),
        count: 1,
        first_date: at(7),
        last_date: at(7),
        min: None,
        max: None,
        last_value: "text".into(),
    };
    let (first, second) = (std::slice::from_ref(&loss), std::slice::from_ref(&note));
    assert_eq!(ok(store.series(&owner, None, 1).await), first);
    assert_eq!(ok(store.series(&owner, Some(&loss.name), 1).await), second);
    assert_eq!(ok(store.series(&owner, Some(&note.name), 1).await), []);
    assert_eq!(ok(store.series(&owner, None, 9).await), [loss, note]);
    assert_eq!(code(store.series(&Owner::Run(id(99)), None, 9).await), ErrorCode::NotFound);
}
