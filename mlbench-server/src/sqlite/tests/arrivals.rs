//! Cursors of clients that are far behind, and series whose points mostly arrive late.

use mlbench_core::storage::{
    Downsampling, DownsamplingMethod, Interest, PointRef, PointSink, collect_points, read_page,
};

use super::*;

const PAGE: usize = 100;

/// The points of one series with these dates, which arrive in this order.
fn points(id: RunId, dates: impl Iterator<Item = i64>) -> Vec<Metric> {
    dates.map(|date| metric(id, "a", date, "1")).collect()
}

/// Stores points in batches, of which small ones become rows.
async fn store_in_batches(store: &Store, points: Vec<Metric>, size: usize) {
    for batch in points.chunks(size) {
        store.record_metrics(batch.to_vec()).await.unwrap();
    }
}

/// Stores `old`, then `new`, and returns the dates of what a client reads that has seen `old`.
///
/// They are the same for rows and for chunks.
async fn new_dates(
    old: impl Iterator<Item = i64> + Clone,
    new: impl Iterator<Item = i64> + Clone,
) -> Vec<i64> {
    let mut all = Vec::new();
    for size in [50, usize::MAX] {
        let store = Store::with(|options| options.page_points = PAGE);
        let id = store.started_run().await;
        store_in_batches(&store, points(id, old.clone()), size).await;
        let query = PointsQuery::all(Owner::Run(id));
        let seen = read_page(&store.storage, &query, None, Count::default()).await.unwrap().1;
        store_in_batches(&store, points(id, new.clone()), size).await;
        let query = PointsQuery { arrived_after: Some(seen), ..query };
        let found = collect_points(&store.storage, &query).await.unwrap();
        all.push(found.values().flatten().map(|point| point.date.as_micros()).collect::<Vec<_>>());
    }
    assert_eq!(all[0], all[1]);
    all.swap_remove(0)
}

#[tokio::test]
async fn out_of_order_points_are_found_however_many_they_are() {
    for count in [10, 1_100, 3_000, 25_000] {
        // In descending order of dates, so that all but the first are out of order.
        let found = new_dates((0..10).map(|i| i * 1_000), (0..count).rev()).await;
        assert!(found.into_iter().eq(0..count), "{count}");
    }
}

#[tokio::test]
async fn a_long_tail_is_found_behind_old_points_and_among_late_ones() {
    for count in [1_999, 2_000, 2_001, 9_000] {
        let late = (0..count).filter(|i| i % 7 == 0).map(|i| i * 2 + 1);
        let tail = (0..count).map(|i| 20_000 + i);
        let found = new_dates((0..10_000).map(|i| i * 2), tail.clone().chain(late.clone())).await;
        assert!(found.into_iter().eq(late.chain(tail)), "{count}");
    }
    let same_date = new_dates((0..10).map(|_| 5), (0..5_000).map(|_| 5)).await;
    assert_eq!(same_date.len(), 5_000);
    let first_date = new_dates(0..1, (0..5_000).map(|_| 0)).await;
    assert_eq!(first_date.len(), 5_000);
}

#[tokio::test]
async fn the_newest_points_of_a_long_series_are_found_step_by_step() {
    const POINTS: i64 = 210_000;
    let store = Store::with(|options| options.page_points = 100_000);
    let id = store.started_run().await;
    for start in (0..POINTS).step_by(70_000) {
        store.record_metrics(points(id, start..start + 70_000)).await.unwrap();
    }
    let all = PointsQuery::all(Owner::Run(id));
    let dates = async |query: &PointsQuery| -> Vec<i64> {
        let found = collect_points(&store.storage, query).await.unwrap();
        found.values().flatten().map(|point| point.date.as_micros()).collect()
    };
    for last in [99_999, 100_000, 100_001, 200_001] {
        let found = dates(&PointsQuery { last_n: Some(last), ..all.clone() }).await;
        assert!(found.into_iter().eq(POINTS - i64::from(last)..POINTS), "{last}");
    }
    let summary = |max_points| Some(Downsampling { method: DownsamplingMethod::Summary, max_points });
    let until = PointsQuery { downsampling: summary(2), until: at(POINTS - 2), ..all.clone() };
    assert_eq!(dates(&until).await, [104_998, POINTS - 2], "209,999 points are counted");
    let until = PointsQuery { last_n: Some(1), ..until };
    assert_eq!(dates(&until).await, [POINTS - 2]);
    let until = PointsQuery { downsampling: summary(3), last_n: Some(2), until: at(POINTS), ..until };
    assert_eq!(dates(&until).await, [139_999, POINTS - 1]);
    store.record_metrics(vec![metric(id, "a", POINTS, "text")]).await.unwrap();
    let numbers = PointsQuery { until: at(POINTS - 1), ..until.clone() };
    assert_eq!(dates(&numbers).await, [139_999, POINTS - 1], "every number is checked");
    assert_eq!(dates(&until).await, [POINTS - 1, POINTS], "a text has no mean");
}

/// Counts the points of a page.
#[derive(Default)]
struct Count(usize);

impl PointSink for Count {
    fn series(&mut self, _: &MetricName) {}

    fn point(&mut self, _: PointRef<'_>) {
        self.0 += 1;
    }

    fn bucket(&mut self, _: &mlbench_core::downsample::minmax::Bucket) {
        panic!("the query requests no buckets");
    }

    fn is_full(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_page_that_finds_nothing_ends_after_some_old_points() {
    const OLD: usize = 20_000;
    let store = Store::with(|options| (options.page_points, options.seal) = (PAGE, NEVER));
    let id = store.started_run().await;
    store_in_batches(&store, points(id, 0..OLD as i64), 50).await;
    let old = store.number("SELECT last FROM arrival").await;
    let query = PointsQuery { arrived_after: Some(old), ..PointsQuery::all(Owner::Run(id)) };
    // From the first date on, as after too many out-of-order points.
    let progress = mlbench_core::storage::SeriesCursor::Points { after: (at(0), 0) };
    let cursor = PointsCursor { series: MetricName::new("a").unwrap(), progress, as_of: old + 1 };
    store.record_metrics(points(id, std::iter::once(OLD as i64))).await.unwrap();
    let (mut next, mut pages, mut sent) = (Some(cursor), 0, 0);
    while let Some(cursor) = next {
        let page = read_page(&store.storage, &query, Some(cursor), Count::default()).await.unwrap();
        (next, pages, sent) = (page.2, pages + 1, sent + page.0.0);
    }
    assert_eq!((pages, sent), (OLD / (10 * PAGE) + 1, 1));
}

#[tokio::test]
async fn a_page_that_selects_no_series_ends_after_some() {
    const SERIES: usize = 5_000;
    let store = Store::with(|options| options.page_points = PAGE);
    let id = store.started_run().await;
    let points = (0..SERIES).map(|number| metric(id, &format!("s{number}"), 1, "1"));
    store.record_metrics(points.collect()).await.unwrap();
    store.record_metrics(vec![metric(id, "s9", 7, "1")]).await.unwrap();
    let all = PointsQuery::all(Owner::Run(id));
    let pages = async |query: &PointsQuery| {
        let (mut next, mut pages, mut points) = (None, 0, 0);
        loop {
            let (sent, _, after) = read_page(&store.storage, query, next, Count::default()).await.unwrap();
            (next, pages, points) = (after, pages + 1, points + sent.0);
            if next.is_none() {
                return (pages, points);
            }
        }
    };
    // A page passes ten times as many series as it may send points.
    let later = PointsQuery { since: at(2), ..all.clone() };
    assert_eq!(pages(&later).await, (SERIES / (10 * PAGE) + 1, 1));
    let named = PointsQuery { names: [MetricName::new("s9").unwrap()].into(), ..later };
    assert_eq!(pages(&named).await, (1, 1));
    let later = PointsQuery { since: at(8), arrived_after: Some(0), ..all };
    assert_eq!(pages(&later).await, (SERIES / (10 * PAGE) + 1, 0), "all series are new to this reader");
}

#[tokio::test]
async fn a_page_of_downsampled_series_ends_after_some_points() {
    const SERIES: i64 = 30;
    const POINTS: i64 = 10_000;
    let store = Store::with(|options| options.page_points = 8_192);
    let id = store.started_run().await;
    for number in 0..SERIES {
        let points = (0..POINTS).map(|date| metric(id, &format!("s{number:02}"), date, &date.to_string()));
        store.record_metrics(points.collect()).await.unwrap();
    }
    for method in [DownsamplingMethod::Lttb, DownsamplingMethod::Summary] {
        for since in [0, 1] {
            let downsampling = Some(Downsampling { method, max_points: 3 });
            let query = PointsQuery { since: at(since), downsampling, ..PointsQuery::all(Owner::Run(id)) };
            let (mut next, mut pages, mut points) = (None, 0, 0);
            loop {
                let (sent, _, after) =
                    read_page(&store.storage, &query, next, Count::default()).await.unwrap();
                (next, pages, points) = (after, pages + 1, points + sent.0);
                if next.is_none() {
                    break;
                }
            }
            // A page reads 200,000 points; those of a query with dates are counted first, without the first one.
            let read = if since == 0 { SERIES * POINTS } else { 2 * SERIES * (POINTS - 1) };
            let fewest = (read as usize).div_ceil(200_000);
            assert!((fewest..=fewest + 1).contains(&pages), "{method:?}: {pages} pages");
            assert_eq!(points, 3 * SERIES as usize, "{method:?}");
        }
    }
}

#[tokio::test]
async fn a_series_is_found_wherever_it_is_among_others() {
    const SERIES: i64 = 20;
    let store = Store::with(|options| options.page_points = 3);
    let id = store.started_run().await;
    let name = |number: i64| format!("s{number:02}");
    let points = (0..SERIES).map(|number| metric(id, &name(number), number, "1"));
    store.record_metrics(points.collect()).await.unwrap();
    for first in 0..SERIES {
        for last in first..SERIES {
            let query = PointsQuery { since: at(first), until: at(last), ..PointsQuery::all(Owner::Run(id)) };
            let found = collect_points(&store.storage, &query).await.unwrap();
            let names: Vec<_> = found.keys().map(|name| name.as_str().to_owned()).collect();
            assert_eq!(names, (first..=last).map(name).collect::<Vec<_>>());
            assert!(found.values().all(|points| points.len() == 1));
        }
    }
}

#[tokio::test]
async fn late_points_outside_the_dates_end_a_page_too() {
    const SERIES: usize = 20;
    let store = Store::with(|options| (options.page_points, options.seal) = (PAGE, NEVER));
    let id = store.started_run().await;
    let name = |number: usize| format!("s{number:02}");
    let newest = (0..SERIES).map(|number| metric(id, &name(number), 1_000, "1"));
    store.record_metrics(newest.collect()).await.unwrap();
    let seen = store.number("SELECT last FROM arrival").await;
    for number in 0..SERIES {
        let late = (0..300).map(|date| metric(id, &name(number), date, "1")).collect();
        store_in_batches(&store, late, 50).await;
    }
    let query =
        PointsQuery { arrived_after: Some(seen), since: at(1_000), ..PointsQuery::all(Owner::Run(id)) };
    let (mut next, mut pages) = (None, 0);
    loop {
        let page = read_page(&store.storage, &query, next, Count::default()).await.unwrap();
        assert_eq!(page.0.0, 0);
        (next, pages) = (page.2, pages + 1);
        if next.is_none() {
            break;
        }
    }
    // Of each series, 300 points are listed: a page does so for four, and the last one finds that none is left.
    assert_eq!(pages, SERIES / 4 + 1);
}

#[tokio::test]
async fn a_reader_from_before_a_restart_looks_at_no_series_without_new_points() {
    only_what_is_new_is_looked_at(true).await;
}

#[tokio::test]
async fn only_the_series_with_new_points_are_looked_at() {
    only_what_is_new_is_looked_at(false).await;
}

async fn only_what_is_new_is_looked_at(is_restarted: bool) {
    let mut store = Store::new();
    let id = store.started_run().await;
    let all = |value: &str| ["a", "b", "c"].map(|name| metric(id, name, 1, value)).to_vec();
    store.record_metrics(all("1")).await.unwrap();
    let query = PointsQuery::all(Owner::Run(id));
    let seen = read_page(&store.storage, &query, None, Count::default()).await.unwrap().1;
    store.record_metrics(vec![metric(id, "b", 2, "2")]).await.unwrap();
    if is_restarted {
        store = store.reopened();
    }
    store.until_series_are_known().await;
    // No metric has this name, so a read of the series fails.
    let sql = "UPDATE series SET last_seq = 1000000, name = '' WHERE name = 'a'";
    assert_eq!(store.writer.write(0, |c| Ok(c.execute(sql, [])?)).await.unwrap(), 1);
    let names = async |seen| {
        let query = PointsQuery { arrived_after: Some(seen), ..query.clone() };
        let page = store.points(&query, None, Box::new(Count::default())).await.unwrap();
        (page.as_of, collect_points(&store.storage, &query).await.unwrap().into_keys().collect::<Vec<_>>())
    };
    let (newest, found) = names(seen).await;
    assert_eq!(found.iter().map(MetricName::as_str).collect::<Vec<_>>(), ["b"]);
    assert_eq!(names(newest).await, (newest, vec![]));
    let interest = Interest { of_runs: [id].into(), ..Interest::default() };
    let changes = store.changes(&ChangesQuery { interest, after: seen, upto: None }).await.unwrap();
    assert_eq!(changes.series.len(), 1);
}
