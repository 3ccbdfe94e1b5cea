//! The stored statistics of a series equal those computed from its points.

use mlbench_core::storage::{Batch, BatchKey, BatchPoint};
use proptest::prelude::*;

use super::*;

/// Counts the series whose statistics differ from those of their points.
///
/// The last point is the one that arrived last.
const WRONG_SERIES: &str = "SELECT count(*) FROM (
    SELECT id, count, numbers, first_date, last_date, last_seq, min, max, last_value FROM series
    EXCEPT
    SELECT series, count(*), sum(is_number), min(date), max(date), max(seq),
           min(CASE WHEN is_number THEN number END), max(CASE WHEN is_number THEN number END),
           (SELECT value FROM point l WHERE l.series = p.series ORDER BY seq DESC LIMIT 1)
    FROM (SELECT *, value NOT IN ('NaN', 'Infinity', 'text') AS is_number, CAST(value AS REAL) AS number FROM point) p
    GROUP BY series)";

/// Owner, name, date and value of a point. Runs 1 and 2 exist, run 3 does not.
type Sent = (i64, usize, i64, usize);

const NAMES: [&str; 3] = ["loss @ 0", "loss @ 1", "ü"];
const VALUES: [&str; 9] =
    ["0", "-17", "0.30000000000000004", "1.50", "1e-5", "NaN", "Infinity", "text", "123456789.125"];

fn point((index, (run, name, date, value)): (u64, Sent)) -> BatchPoint {
    let run = RunId::new(run).unwrap();
    BatchPoint { index, metric: Ok(metric(run, NAMES[name], date, VALUES[value])) }
}

fn sent() -> impl Strategy<Value = Sent> {
    (1..=3_i64, 0..NAMES.len(), 0..5_i64, 0..VALUES.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn stats_equal_a_recount_after_any_batches(
        batches in prop::collection::vec((prop::collection::vec(sent(), 0..20), 0..4_u32), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::new();
            store.finished_run().await;
            store.finished_run().await;
            let mut seen = std::collections::HashMap::new();
            let mut expected = 0;
            for (points, key) in batches {
                // Most batches have one of three keys. The same key always comes with the same points.
                let points = seen.entry(key % 3).or_insert(points).clone();
                let keyed = key < 3;
                let known = points.iter().filter(|point| point.0 < 3).count() as i64;
                let points: Vec<BatchPoint> = (0..).zip(points).map(point).collect();
                if !keyed && let [first, ..] = points.as_slice() && let Ok(metric) = &first.metric {
                    // A single metric between the batches.
                    let stored = store.record_metric(metric.clone(), None, at(1)).await;
                    expected += i64::from(stored.is_ok());
                }
                let key = keyed.then(|| BatchKey { request: super::keyed(&format!("k{key}")), chunk: 0 });
                let outcome = store.record_batch(Batch { points, key, ..Batch::default() }, at(1)).await.unwrap();
                assert_eq!(outcome.result.accepted as i64, known);
                expected += if outcome.replayed { 0 } else { known };
            }
            assert_eq!(store.number("SELECT count(*) FROM point").await, expected);
            assert_eq!(store.number(WRONG_SERIES).await, 0);
            let reopened = store.reopened();
            assert_eq!(reopened.number(WRONG_SERIES).await, 0);
        });
    }
}
