//! How long idempotency keys are remembered.

use mlbench_core::ErrorCode;
use mlbench_core::storage::{Batch, BatchKey};

use super::*;
use crate::sqlite::metrics::record::record_all;

const COUNT: &str = "SELECT count(*) FROM idempotency_key";

fn day() -> i64 {
    i64::try_from(IdempotencyKey::RETENTION.as_micros()).unwrap()
}

/// Sends a metric under a key. Returns whether it is a repetition.
async fn send(store: &Store, id: RunId, key: &str, now: i64) -> bool {
    store.record_metric(metric(id, "loss", now, "1"), Some(keyed(key)), at(now)).await.unwrap().replayed
}

#[tokio::test]
async fn keys_are_remembered_for_a_day_then_expire_as_new_ones_come() {
    let store = Store::new();
    let id = store.started_run().await;
    for i in 0..10 {
        assert!(!send(&store, id, &format!("old-{i}"), i).await);
        let key = BatchKey { request: keyed(&format!("old-{i}")), chunk: 0 };
        store.record_batch(Batch { key: Some(key), ..Batch::default() }, at(i)).await.unwrap();
    }
    assert!(send(&store, id, "old-0", day()).await, "remembered for a whole day");
    for i in 0..10 {
        send(&store, id, &format!("new-{i}"), day() + 1_000 + i).await;
    }
    assert_eq!(store.number(COUNT).await, 10);
    assert!(!send(&store, id, "old-0", day() + 2_000).await);
    assert!(send(&store, id, "new-0", day() + 3_000).await);
}

#[tokio::test]
async fn keys_of_a_clock_that_was_ahead_expire_and_hold_up_no_others() {
    let store = Store::new();
    let id = store.started_run().await;
    let year = 365 * day();
    send(&store, id, "before", 1).await;
    for i in 0..3 {
        send(&store, id, &format!("ahead-{i}"), year + i).await;
    }
    // The clock is right again. The key of the day before is gone, those of the wrong date are a day old at most.
    send(&store, id, "right", 2 * day()).await;
    assert!(send(&store, id, "ahead-0", 2 * day() + 1).await);
    for i in 0..3 {
        send(&store, id, &format!("later-{i}"), 4 * day() + i).await;
    }
    assert_eq!(store.number(COUNT).await, 3);
}

#[tokio::test]
async fn another_body_under_a_key_of_the_same_transaction_is_rejected() {
    let store = Store::new();
    let id = store.started_run().await;
    let write = |body: u8, date: i64| {
        let key = Some(KeyedRequest { fingerprint: Fingerprint([body; 16]), ..keyed("k") });
        MetricWrite { metric: metric(id, "loss", date, "1"), key, now: at(1) }
    };
    let writes = [write(1, 5), write(1, 6), write(2, 7)];
    let arrivals = Arc::clone(&store.arrivals);
    let outcomes = store.writer.write(0, move |c| {
        let outcomes = record_all(c, &arrivals, &writes.iter().collect::<Vec<_>>())?;
        Ok(outcomes
            .into_iter()
            .zip(writes)
            .map(|(outcome, write)| outcome.into_recorded(write.metric))
            .collect())
    });
    let outcomes: Vec<Result<Recorded>> = outcomes.await.unwrap();
    let first = metric(id, "loss", 5, "1");
    assert_eq!(outcomes[0], Ok(Recorded { metric: first.clone(), replayed: false }));
    assert_eq!(outcomes[1], Ok(Recorded { metric: first, replayed: true }));
    assert_eq!(outcomes[2].as_ref().unwrap_err().code(), ErrorCode::IdempotencyKeyReused);
    assert_eq!(store.number("SELECT count(*) FROM point").await, 1);
}
