use std::collections::BTreeMap;

use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::downsample::{Groups, Summary};
use mlbench_core::storage::{
    Downsampling, DownsamplingMethod, PointRef, PointsByName, SeriesCursor, collect_points, read_page,
};
use mlbench_core::{MetricValue, Point};
use proptest::prelude::*;

use super::*;

/// A store of points without a database: series by name, points by date, then by arrival.
///
/// The second map has the value of each series that arrived last.
#[derive(Default)]
struct Model(BTreeMap<MetricName, Vec<Point>>, BTreeMap<MetricName, MetricValue>);

impl Model {
    fn add(&mut self, metric: &Metric) {
        let points = self.0.entry(metric.name.clone()).or_default();
        points.push(Point { date: metric.date, value: metric.value.clone() });
        points.sort_by_key(|point| point.date);
        self.1.insert(metric.name.clone(), metric.value.clone());
    }

    fn select(&self, query: &PointsQuery) -> PointsByName {
        let selected = |name: &MetricName| query.names.is_empty() || query.names.contains(name);
        let series = self.0.iter().filter(|(name, _)| selected(name)).map(|(name, points)| {
            let dates = query.since..=query.until;
            let mut points: Vec<Point> = points.iter().filter(|p| dates.contains(&p.date)).cloned().collect();
            if let Some(downsampling) = query.downsampling {
                points = summarize(points, downsampling.max_points as usize);
            }
            if let Some(last) = query.last_n {
                points.drain(..points.len().saturating_sub(last as usize));
            }
            (name.clone(), points)
        });
        series.filter(|(_, points)| !points.is_empty()).collect()
    }
}

fn metrics(max: usize) -> impl Strategy<Value = Vec<Metric>> {
    let name = prop_oneof![Just("a"), Just("b"), Just("é @ 0")];
    let value = prop_oneof![
        8 => (-50..50_i32).prop_map(|number| (f64::from(number) / 7.0).to_string()),
        2 => (0..1_000_i32).prop_map(|number| number.to_string()),
        1 => prop_oneof![Just("text"), Just("NaN"), Just("1e5"), Just("1e308")].prop_map(str::to_owned),
    ];
    let run = RunId::new(1).unwrap();
    prop::collection::vec((name, 0..20_i64, value), 0..max)
        .prop_map(move |all| all.iter().map(|(name, date, value)| metric(run, name, *date, value)).collect())
}

fn queries() -> impl Strategy<Value = PointsQuery> {
    let few = || prop::option::of(1..8_u32);
    let name = prop::option::of(prop_oneof![Just("a"), Just("é @ 0"), Just("none")]);
    let since = prop_oneof![3 => Just(0), 1 => 0..20_i64];
    let until = prop_oneof![3 => Just(i64::MAX), 1 => 0..20_i64];
    (since, until, name, few(), few()).prop_map(|(since, until, name, summarize, last_n)| PointsQuery {
        since: at(since),
        until: at(until),
        names: name.into_iter().map(|name| MetricName::new(name).unwrap()).collect(),
        downsampling: summarize
            .map(|max_points| Downsampling { method: DownsamplingMethod::Summary, max_points }),
        last_n,
        ..PointsQuery::all(Owner::Run(RunId::new(1).unwrap()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn pages_of_any_size_hold_the_same_points_as_one_large_page(
        batches in prop::collection::vec(metrics(30), 1..4),
        late in metrics(10),
        queries in prop::collection::vec(queries(), 6),
        page_points in 1..9_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::with(|options| options.page_points = page_points);
            store.started_run().await;
            let mut model = Model::default();
            for batch in batches {
                batch.iter().for_each(|metric| model.add(metric));
                store.record_metrics(batch).await.unwrap();
            }
            check_stats(&store, &model);
            for query in &queries {
                let found = collect_points(&store.storage, query).await.unwrap();
                prop_assert_eq!(found, model.select(query), "{:?}", query);
            }
            // No page holds points that arrived after the first page.
            let query = &queries[0];
            let first = read_page(&store.storage, query, None, Points::default()).await.unwrap();
            for metric in &late {
                store.record_metric(metric.clone(), None, at(0)).await.unwrap();
            }
            let rest = follow(&store, query, first).await;
            prop_assert_eq!(rest, model.select(query), "{:?} while points arrive", query);
            late.iter().for_each(|metric| model.add(metric));
            check_stats(&store, &model);
            Ok(())
        })?;
    }
}

/// A page and the number of its points.
#[derive(Default)]
struct Points {
    all: Vec<(MetricName, Vec<Point>)>,
    count: usize,
}

impl PointSink for Points {
    fn series(&mut self, name: &MetricName) {
        self.all.push((name.clone(), Vec::new()));
    }

    fn point(&mut self, point: PointRef<'_>) {
        self.count += 1;
        self.all.last_mut().unwrap().1.push(Point { date: point.date, value: point.value.into() });
    }

    fn bucket(&mut self, _: &Bucket) {
        panic!("the query asks for no buckets");
    }

    fn is_full(&self) -> bool {
        false
    }
}

async fn follow(
    store: &Store,
    query: &PointsQuery,
    first: (Points, i64, Option<PointsCursor>),
) -> PointsByName {
    let mut all = PointsByName::new();
    let (mut page, _, mut next) = first;
    loop {
        assert!(page.count <= store.options.page_points);
        for (name, points) in page.all {
            all.entry(name).or_default().extend(points);
        }
        if next.is_none() {
            return all;
        }
        (page, _, next) = read_page(&store.storage, query, next, Points::default()).await.unwrap();
    }
}

/// Checks that the stored statistics of every series are those of its points.
fn check_stats(store: &Store, model: &Model) {
    let sql =
        "SELECT count, numbers, first_date, last_date, min, max, last_value FROM series WHERE name = ?1";
    let connection = open::reader(&store.options).unwrap();
    for (name, points) in &model.0 {
        let numbers: Vec<f64> = points.iter().filter_map(|point| point.value.as_finite()).collect();
        let (first, last) = (points.first().unwrap(), points.last().unwrap());
        type Row = (i64, i64, i64, i64, Option<f64>, Option<f64>);
        let (row, value): (Row, MetricValue) = connection
            .query_row(sql, [name.as_str()], |row| {
                let value = metrics::value::SqlValue::read(row.get_ref(6)?)?.0.into();
                Ok(((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?), value))
            })
            .unwrap();
        let expected: Row = (
            points.len() as i64,
            numbers.len() as i64,
            first.date.as_micros(),
            last.date.as_micros(),
            numbers.iter().copied().reduce(f64::min),
            numbers.iter().copied().reduce(f64::max),
        );
        assert_eq!((row, &value), (expected, &model.1[name]), "{name}");
    }
}

#[tokio::test]
async fn cursor_of_a_deleted_series_continues_with_the_next_series() {
    let store = Store::new();
    let id = store.started_run().await;
    store.record_metrics(vec![metric(id, "a", 1, "1"), metric(id, "c", 1, "1")]).await.unwrap();
    let series = MetricName::new("b").unwrap();
    let as_of = store.number("SELECT last FROM arrival").await;
    let cursor = PointsCursor { series, progress: SeriesCursor::Points { after: (at(1), 1) }, as_of };
    let query = PointsQuery::all(Owner::Run(id));
    let (page, ..) = read_page(&store.storage, &query, Some(cursor), Points::default()).await.unwrap();
    assert_eq!(page.all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["c"]);
}

#[tokio::test]
async fn series_without_points_in_the_dates_of_a_query_fill_pages_too() {
    let store = Store::with(|options| options.page_points = 10);
    let id = store.started_run().await;
    let ends = (0..25).flat_map(|i| [1, 100].map(|date| metric(id, &format!("m{i:02}"), date, "1")));
    store.record_metrics(ends.collect()).await.unwrap();
    store.record_metrics(vec![metric(id, "m30", 55, "1")]).await.unwrap();
    let query = PointsQuery { since: at(50), until: at(60), ..PointsQuery::all(Owner::Run(id)) };
    let (mut next, mut pages, mut found) = (None, 0, Vec::new());
    loop {
        let (page, _, cursor) = read_page(&store.storage, &query, next, Points::default()).await.unwrap();
        (next, pages) = (cursor, pages + 1);
        found.extend(page.all);
        if next.is_none() {
            break;
        }
    }
    assert_eq!((pages, found.len(), found[0].0.as_str()), (3, 1, "m30"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever the dates of the points and the sizes of the batches.
    #[test]
    fn client_that_follows_cursors_sees_every_point_once(
        batches in prop::collection::vec(metrics(30), 1..6),
        page_points in 1..9_usize,
        since in prop_oneof![3 => Just(0), 1 => 0..20_i64],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::with(|options| options.page_points = page_points);
            store.started_run().await;
            let mut cursor = None;
            for batch in batches {
                let mut new = Model::default();
                batch.iter().for_each(|metric| new.add(metric));
                store.record_metrics(batch).await.unwrap();
                let query = PointsQuery {
                    arrived_after: cursor,
                    since: at(since),
                    ..PointsQuery::all(Owner::Run(RunId::new(1).unwrap()))
                };
                let first = read_page(&store.storage, &query, None, Points::default()).await.unwrap();
                cursor = Some(first.1);
                let found = follow(&store, &query, first).await;
                prop_assert_eq!(found, new.select(&PointsQuery { arrived_after: None, ..query }));
            }
            Ok(())
        })?;
    }
}

/// The sum of arrival number times date over all points that arrived after a later date.
const OUT_OF_ORDER: &str = "SELECT sum(seq * date) FROM (
    SELECT seq, date, min(seq) OVER (PARTITION BY series ORDER BY date DESC, seq DESC ROWS UNBOUNDED PRECEDING)
           AS first_seq
    FROM point) WHERE first_seq < seq";

#[tokio::test]
async fn points_that_arrive_after_a_later_date_are_listed() {
    let store = Store::new();
    let id = store.started_run().await;
    let last = store.number("SELECT last FROM arrival").await;
    for (date, value) in [(10, "1"), (30, "2"), (20, "3"), (20, "4"), (40, "5"), (5, "6")] {
        store.record_metric(metric(id, "a", date, value), None, at(0)).await.unwrap();
    }
    let detected = store.number("SELECT sum(seq * date) FROM out_of_order_point").await;
    let expected = (last + 3) * 20 + (last + 4) * 20 + (last + 6) * 5;
    assert_eq!((store.number(OUT_OF_ORDER).await, detected), (expected, expected));
}

#[tokio::test]
async fn a_point_takes_at_most_40_bytes_on_disk() {
    const POINTS: i64 = 30_000;
    let store = Store::new();
    let id = store.started_run().await;
    let before = store.number("SELECT page_count * 4096 FROM pragma_page_count").await;
    let start = 1_533_288_089_347_960;
    for batch in 0..POINTS / 1_000 {
        let points = (batch * 1_000..(batch + 1) * 1_000).map(|i| {
            let value = ((i as f64) * 0.618).sin();
            metric(id, &format!("train_loss @ {}", i % 10), start + i * 12_345, &value.to_string())
        });
        store.record_metrics(points.collect()).await.unwrap();
    }
    let after = store.number("SELECT page_count * 4096 FROM pragma_page_count").await;
    let each = (after - before) / POINTS;
    assert!(each <= 40, "{each} bytes per point");
}

/// Returns at most `max_points` means of consecutive points, each with the date of its last point.
///
/// A series with a value that is not a finite number is cut to its newest points.
fn summarize(mut points: Vec<Point>, max_points: usize) -> Vec<Point> {
    if points.len() <= max_points {
        return points;
    }
    if points.iter().any(|point| point.value.as_finite().is_none()) {
        return points.split_off(points.len() - max_points);
    }
    let mut summary = Summary::new(Groups::new(points.len() as u64, max_points as u64));
    let means = points.iter().filter_map(|point| {
        let is_alone = summary.size() == 1;
        let (date, mean) = summary.push(point.date, point.value.as_finite()?)?;
        // A group of one point stays that point.
        Some(if is_alone { point.clone() } else { Point { date, value: MetricValue::from(mean) } })
    });
    means.collect()
}

#[test]
fn short_series_stay_unchanged_and_series_with_text_keep_their_newest_points() {
    let check = |values: &[&str], max_points, expected: &[(i64, &str)]| {
        let points = (0..).zip(values).map(|(date, value)| Point::new(at(date), *value)).collect();
        let summary = summarize(points, max_points);
        let found: Vec<(i64, &str)> =
            summary.iter().map(|point| (point.date.as_micros(), point.value.as_str())).collect();
        assert_eq!(found, expected);
    };
    check(&["1.50", "x"], 2, &[(0, "1.50"), (1, "x")]);
    check(&["1", "x", "3", "4"], 2, &[(2, "3"), (3, "4")]);
    check(&["1", "NaN", "3"], 1, &[(2, "3")]);
}
