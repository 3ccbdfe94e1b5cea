use std::collections::BTreeMap;

use mlbench_core::downsample::summarize;
use mlbench_core::storage::{PointsByName, PointsPosition, PointsQuery, collect_points};
use mlbench_core::{MetricValue, Point};
use proptest::prelude::*;

use super::*;

/// What a store of points is, without a database: series by name, in order of date and arrival.
#[derive(Default)]
struct Model(BTreeMap<MetricName, Vec<Point>>);

impl Model {
    fn add(&mut self, metric: &Metric) {
        let points = self.0.entry(metric.name.clone()).or_default();
        points.push(Point { date: metric.date, value: metric.value.clone() });
        points.sort_by_key(|point| point.date);
    }

    fn answer(&self, query: &PointsQuery) -> PointsByName {
        let wanted = |name: &MetricName| query.name.as_ref().is_none_or(|only| only == name);
        let series = self.0.iter().filter(|(name, _)| wanted(name)).map(|(name, points)| {
            let dates = query.since..=query.until;
            let mut points: Vec<Point> = points.iter().filter(|p| dates.contains(&p.date)).cloned().collect();
            if let Some(most) = query.summarize {
                points = summarize(points, most as usize);
            }
            if let Some(last) = query.last_n {
                points.drain(..points.len().saturating_sub(last as usize));
            }
            (name.clone(), points)
        });
        series.filter(|(_, points)| !points.is_empty()).collect()
    }
}

fn metrics(most: usize) -> impl Strategy<Value = Vec<Metric>> {
    let name = prop_oneof![Just("a"), Just("b"), Just("é @ 0")];
    let value = prop_oneof![
        8 => (-50..50_i32).prop_map(|number| (f64::from(number) / 7.0).to_string()),
        2 => (0..1_000_i32).prop_map(|number| number.to_string()),
        1 => prop_oneof![Just("text"), Just("NaN"), Just("1e5"), Just("1e308")].prop_map(str::to_owned),
    ];
    let run = RunId::new(1).unwrap();
    prop::collection::vec((name, 0..20_i64, value), 0..most)
        .prop_map(move |all| all.iter().map(|(name, date, value)| metric(run, name, *date, value)).collect())
}

fn queries() -> impl Strategy<Value = PointsQuery> {
    let few = || prop::option::of(1..8_u32);
    let name = prop::option::of(prop_oneof![Just("a"), Just("é @ 0"), Just("none")]);
    let since = prop_oneof![3 => Just(0), 1 => 0..20_i64];
    let until = prop_oneof![3 => Just(i64::MAX), 1 => 0..20_i64];
    (since, until, name, few(), few()).prop_map(|(since, until, name, summarize, last_n)| PointsQuery {
        owner: Owner::Run(RunId::new(1).unwrap()),
        since: at(since),
        until: at(until),
        name: name.map(|name| MetricName::new(name).unwrap()),
        summarize,
        last_n,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn pages_of_any_size_say_what_one_large_answer_says(
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
            check_figures(&store, &model);
            for query in &queries {
                let found = collect_points(&store.storage, query).await.unwrap();
                prop_assert_eq!(found, model.answer(query), "{:?}", query);
            }
            // What arrives between two pages is in none of them.
            let query = &queries[0];
            let first = store.points(query, None).await.unwrap();
            for metric in &late {
                store.record_metric(metric.clone(), None, at(0)).await.unwrap();
            }
            let rest = follow(&store, query, first).await;
            prop_assert_eq!(rest, model.answer(query), "{:?} while points arrive", query);
            late.iter().for_each(|metric| model.add(metric));
            check_figures(&store, &model);
            Ok(())
        })?;
    }
}

async fn follow(store: &Store, query: &PointsQuery, first: PointsPage) -> PointsByName {
    let mut all = PointsByName::new();
    let mut page = first;
    loop {
        let size: usize = page.series.iter().map(|(_, points)| points.len()).sum();
        assert!(size <= store.options.page_points);
        for (name, points) in page.series {
            all.entry(name).or_default().extend(points);
        }
        let Some(next) = page.next else { return all };
        page = store.points(query, Some(next)).await.unwrap();
    }
}

/// The running figures of every series are those of its points.
fn check_figures(store: &Store, model: &Model) {
    let sql =
        "SELECT count, numbers, first_date, last_date, min, max, last_value FROM series WHERE name = ?1";
    let connection = open::reader(&store.options).unwrap();
    for (name, points) in &model.0 {
        let numbers: Vec<f64> = points.iter().filter_map(|point| point.value.as_finite()).collect();
        let (first, last) = (points.first().unwrap(), points.last().unwrap());
        type Row = (i64, i64, i64, i64, Option<f64>, Option<f64>);
        let (row, value): (Row, MetricValue) = connection
            .query_row(sql, [name.as_str()], |row| {
                let value = value::Stored::read(row.get_ref(6)?)?.into_value();
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
        assert_eq!((row, &value), (expected, &last.value), "{name}");
    }
}

#[tokio::test]
async fn a_position_of_a_series_that_is_gone_goes_on_with_the_next() {
    let store = Store::new();
    let id = store.started_run().await;
    store.record_metrics(vec![metric(id, "a", 1, "1"), metric(id, "c", 1, "1")]).await.unwrap();
    let series = MetricName::new("b").unwrap();
    let position = PointsPosition { series, point: Some((at(1), 1)), groups: None, as_of: 2 };
    let page = store.points(&PointsQuery::all(Owner::Run(id)), Some(position)).await.unwrap();
    assert_eq!(page.series.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["c"]);
}

#[tokio::test]
async fn a_page_of_long_texts_holds_fewer_of_them() {
    let store = Store::new();
    let id = store.started_run().await;
    let text = "x".repeat(100_000);
    store.record_metrics((0..40).map(|i| metric(id, "note", i, &text)).collect()).await.unwrap();
    let query = PointsQuery::all(Owner::Run(id));
    let first = store.points(&query, None).await.unwrap();
    assert!(first.series[0].1.len() < 20, "{} points in a page", first.series[0].1.len());
    let all = follow(&store, &query, first).await;
    assert_eq!(all.values().map(Vec::len).sum::<usize>(), 40);
}

#[tokio::test]
async fn a_point_takes_at_most_40_bytes_of_the_disk() {
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
