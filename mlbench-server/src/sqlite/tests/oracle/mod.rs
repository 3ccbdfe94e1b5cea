//! The store against a list of points in memory.
//!
//! Both get the same random requests, with sealing and restarts in between, and every kind of read is compared.

mod model;
mod noise;

use mlbench_core::Result;
use mlbench_core::storage::contract::TextSink;
use mlbench_core::storage::{
    BatchPoint, Changed, Downsampling, DownsamplingMethod, Interest, OwnerFilter, read_page,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::sqlite::seal::{Sizes, seal_step};
use model::Model;
use noise::Noise;

const NAMES: [&str; 3] = ["a", "b", "c"];
const SIZES: Sizes = Sizes { full: 600, small: 200 };

/// What happens to the store.
#[derive(Debug, Clone)]
enum Step {
    /// A batch for a series: how many points, how far apart, and the first date against the newest one.
    Batch {
        series: usize,
        count: usize,
        apart: i64,
        from: i64,
        salt: u64,
    },
    /// One point for each series.
    Singles {
        from: i64,
        salt: u64,
    },
    Seal {
        series: usize,
        is_idle: bool,
    },
    /// A restart, perhaps until the series are known that the store had before.
    Reopen {
        is_waited_for: bool,
    },
    Delete,
    Read {
        salt: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let from = prop_oneof![4 => Just(0_i64), 2 => -50..50_i64, 1 => -20_000..20_000_i64];
    let count = prop_oneof![1..20_usize, 50..900_usize];
    prop_oneof![
        6 => (0..3_usize, count, 0..3_i64, from.clone(), any::<u64>())
            .prop_map(|(series, count, apart, from, salt)| Step::Batch { series, count, apart, from, salt }),
        2 => (from, any::<u64>()).prop_map(|(from, salt)| Step::Singles { from, salt }),
        4 => (0..3_usize, any::<bool>()).prop_map(|(series, is_idle)| Step::Seal { series, is_idle }),
        1 => any::<bool>().prop_map(|is_waited_for| Step::Reopen { is_waited_for }),
        1 => Just(Step::Delete),
        4 => any::<u64>().prop_map(|salt| Step::Read { salt }),
    ]
}

async fn read(store: &Store, query: &PointsQuery) -> Vec<String> {
    let (mut sink, mut after) = (TextSink::default(), None);
    loop {
        (sink, _, after) = read_page(&store.storage, query, after, sink).await.unwrap();
        if after.is_none() {
            return sink.0;
        }
    }
}

/// Chooses a query of any kind.
fn query(model: &Model, run: RunId, noise: &mut Noise) -> PointsQuery {
    let mut query = PointsQuery { details: noise.below(2) == 0, ..PointsQuery::all(Owner::Run(run)) };
    if noise.below(3) == 0 {
        query.names = [MetricName::new(NAMES[noise.below(3) as usize]).unwrap()].into();
    }
    let newest = model.newest("a");
    if noise.below(2) == 0 {
        query.since = at(newest - noise.below(3_000) as i64);
    }
    if noise.below(2) == 0 {
        query.until = at(query.since.as_micros().max(newest - 3_000) + noise.below(4_000) as i64);
    }
    let position = model.cursors.get(noise.below(model.cursors.len() as u64) as usize).copied();
    match noise.below(8) {
        0 | 1 => query.arrived_after = position,
        2 => query.as_of = position,
        3 | 4 => query.last_n = Some(1 + noise.below(700) as u32),
        5 => {}
        _ => {
            use DownsamplingMethod::{Lttb, Mean, MinMax, Summary};
            let method = [Summary, MinMax, Lttb, Mean][noise.below(4) as usize];
            let most = [8, 500][noise.below(2) as usize];
            let max_points = 1 + noise.below(most) as u32;
            query.downsampling = Some(Downsampling { method, max_points });
            if method == Summary && noise.below(2) == 0 {
                query.last_n = Some(1 + noise.below(40) as u32);
            }
            query.as_of = position.filter(|_| noise.below(3) == 0);
        }
    }
    query
}

fn metrics(run: RunId, name: &str, dates: impl Iterator<Item = i64>, salt: u64) -> Vec<Metric> {
    let mut noise = Noise(salt);
    let (is_finite, has_steps) = (noise.below(2) == 0, noise.below(2) == 0);
    let points = dates.enumerate().map(|(index, date)| {
        let value = if is_finite { noise.finite() } else { noise.value() };
        let mut metric = metric(run, name, date, &value);
        if has_steps && noise.below(10) > 0 {
            (metric.step, metric.epoch) = (Some(index as i64), Some(index as f64 / 7.0));
        }
        metric.cumulative = noise.below(20) == 0;
        metric.metadata = if noise.below(30) == 0 { format!("note {index}") } else { String::new() };
        metric
    });
    points.collect()
}

async fn store_batch(store: &Store, model: &mut Model, added: Vec<Metric>) {
    let points = added
        .iter()
        .enumerate()
        .map(|(index, metric)| BatchPoint { index: index as u64, metric: Ok(metric.clone()) });
    let batch = Batch { points: points.collect(), series: Vec::new(), key: None };
    assert_eq!(store.record_batch(batch, at(0)).await.unwrap().result.accepted, added.len() as u64);
    let last = store.number("SELECT last FROM arrival").await;
    model.add(added, last);
    model.cursors.push(last);
}

/// Compares what follows the changes after a position.
async fn compare_changes(store: &Store, model: &Model, run: RunId, after: i64) {
    let interest = Interest { of_runs: [run].into(), ..Interest::default() };
    let (mut position, mut seen) = (after, Vec::new());
    loop {
        let query = ChangesQuery { interest: interest.clone(), after: position, upto: None };
        let page = store.changes(&query).await.unwrap();
        for change in page.changes {
            if let Changed::Point(point) = change.what {
                seen.push((
                    change.seq,
                    page.series[point.series].1.to_string(),
                    point.date,
                    point.value,
                    point.step,
                ));
            }
        }
        position = page.upto;
        if page.upto >= page.last {
            break;
        }
    }
    let mut expected = Vec::new();
    for (name, series) in &model.series {
        for (date, seq, metric) in series.points.iter().filter(|point| point.1 > after) {
            expected.push((*seq, (*name).to_owned(), at(*date), metric.value.clone(), metric.step));
        }
    }
    expected.sort_by_key(|point| point.0);
    assert_eq!(seen, expected, "changes after {after}");
}

/// Compares which runs a list names that begins after a position.
async fn compare_lists(store: &Store, model: &Model, run: RunId, after: i64) {
    let list = store.metric_owners(OwnerFilter::Runs, Some(after)).await.unwrap();
    let listed: Vec<Owner> = list.owners.into_iter().map(|listed| listed.owner).collect();
    let mut points = model.series.values().flat_map(|series| &series.points);
    let expected = points.any(|point| point.1 > after).then_some(Owner::Run(run));
    assert_eq!(listed, Vec::from_iter(expected), "runs after {after}");
}

async fn compare_series(store: &Store, model: &Model, run: RunId) {
    let listed = store.series(&Owner::Run(run), None, 10).await.unwrap();
    let listed = listed.into_iter().map(|s| (s.name.to_string(), s.count, s.min, s.max, s.last_value));
    let expected = model.series.iter().map(|(name, series)| {
        let numbers = || series.points.iter().filter_map(|point| point.2.value.as_finite());
        let last = series.points.iter().max_by_key(|point| point.1).unwrap();
        let (min, max) = (numbers().reduce(f64::min), numbers().reduce(f64::max));
        ((*name).to_owned(), series.points.len() as u64, min, max, last.2.value.clone())
    });
    assert_eq!(listed.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

/// Returns the number of the newest series with a name, 0 if there is none.
async fn series_row(store: &Store, name: &'static str) -> i64 {
    let sql = "SELECT coalesce(max(id), 0) FROM series WHERE name = ?1";
    store.writer.write(0, move |c| Ok(c.query_row(sql, [name], |row| row.get(0))?)).await.unwrap()
}

async fn run_steps(steps: Vec<Step>, page_points: usize) -> Result<()> {
    let mut store = Store::with(|options| (options.page_points, options.seal) = (page_points, NEVER));
    let mut run = store.started_run().await;
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Batch { series, count, apart, from, salt } => {
                let name = NAMES[series];
                let first = (model.newest(name) + from).max(1);
                let mut dates: Vec<i64> = (0..count as i64).map(|index| first + index * apart).collect();
                if salt % 7 == 0 {
                    dates.reverse();
                }
                store_batch(&store, &mut model, metrics(run, name, dates.into_iter(), salt)).await;
            }
            Step::Singles { from, salt } => {
                for name in NAMES {
                    let date = (model.newest(name) + from).max(1);
                    let one = metrics(run, name, std::iter::once(date), salt);
                    store_batch(&store, &mut model, one).await;
                }
            }
            Step::Seal { series, is_idle } => {
                let row = series_row(&store, NAMES[series]).await;
                while store.writer.write(0, move |c| seal_step(c, row, is_idle, SIZES)).await? {}
            }
            Step::Reopen { is_waited_for } => {
                store = store.reopened();
                if is_waited_for {
                    store.until_series_are_known().await;
                }
            }
            Step::Delete => {
                store.delete_run(run).await?;
                store.finish_teardown(run).await?;
                store.until_zero("SELECT (SELECT count(*) FROM point) + (SELECT count(*) FROM chunk) + (SELECT count(*) FROM out_of_order_point)").await;
                run = store.started_run().await;
                model = Model::default();
            }
            Step::Read { salt } => {
                let mut noise = Noise(salt);
                for _ in 0..4 {
                    let query = query(&model, run, &mut noise);
                    assert_eq!(read(&store, &query).await, model.read(&query), "{query:?}");
                }
                if let Some(after) = model.cursors.get(noise.below(model.cursors.len() as u64) as usize) {
                    compare_changes(&store, &model, run, *after).await;
                    compare_lists(&store, &model, run, *after).await;
                }
                compare_series(&store, &model, run).await;
            }
        }
    }
    let all = PointsQuery { details: true, ..PointsQuery::all(Owner::Run(run)) };
    assert_eq!(read(&store, &all).await, model.read(&all));
    Ok(())
}

#[test]
fn every_answer_is_that_of_the_points_in_memory() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: 40,
        source_file: Some(file!()),
        ..Config::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let page_points = prop_oneof![Just(1_usize), Just(7), Just(4_096)];
    let steps = (proptest::collection::vec(step(), 1..25), page_points);
    let result = runner.run(&steps, |(steps, page_points)| {
        runtime
            .block_on(run_steps(steps, page_points))
            .map_err(|error| TestCaseError::fail(error.to_string()))
    });
    result.unwrap();
}
