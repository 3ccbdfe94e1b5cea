//! What every [`Storage`] must do, as one test function: an implementor calls [`storage_contract`] in its tests.

mod batches;
mod metrics;
mod output;
mod queue;
mod reading;
mod runs;

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use uuid::Uuid;

use super::{OutputChunk, Storage};
use crate::api::Metric;
use crate::run::{NewRun, OutputStream, Run, RunOutcome, RunSpec, Worker};
use crate::{
    ErrorCode, MetricName, Owner, Pod, PodName, PodPhase, Result, RunEvent, RunId, RunName, Timestamp,
};

/// Puts stores through everything that [`Storage`] promises; `open` makes an empty one.
///
/// # Panics
/// Where a store breaks a promise.
pub async fn storage_contract<S: Storage>(open: impl AsyncFn() -> S) {
    runs::a_run_lives_from_its_start_to_its_end(&open().await).await;
    runs::decisions_are_made_once(&open().await).await;
    runs::of_many_starts_at_once_one_succeeds(&open().await).await;
    runs::a_deleted_run_is_gone_and_its_number_is_not_used_again(&open().await).await;
    runs::an_active_run_that_is_deleted_holds_its_workers_until_its_removal(&open().await).await;
    queue::runs_are_admitted_first_come_first_served(&open().await).await;
    queue::a_worker_is_held_by_one_run_at_a_time(&open().await).await;
    queue::a_queued_run_that_is_deleted_leaves_nothing_to_tear_down(&open().await).await;
    queue::a_token_is_good_for_its_run_until_that_ends(&open().await).await;
    output::lines_come_back_in_their_order_and_parts(&open().await).await;
    output::a_chunk_that_does_not_begin_where_the_last_ended_has_no_effect(&open().await).await;
    metrics::pods_are_those_observed_last(&open().await).await;
    metrics::a_pod_that_left_keeps_its_metrics(&open().await).await;
    metrics::unknown_owners_are_refused(&open().await).await;
    metrics::values_come_back_byte_for_byte(&open().await).await;
    metrics::points_come_by_name_then_date_then_arrival(&open().await).await;
    metrics::queries_cut_filter_summarise_and_keep_the_newest(&open().await).await;
    metrics::a_repeated_key_stores_nothing_and_answers_as_the_first_did(&open().await).await;
    reading::what_arrived_after_a_number_is_found_whatever_its_date(&open().await).await;
    reading::one_state_is_shown_however_late_it_is_read(&open().await).await;
    reading::points_can_be_had_with_all_that_was_sent(&open().await).await;
    reading::several_series_can_be_named(&open().await).await;
    reading::a_series_can_be_thinned_in_every_way(&open().await).await;
    reading::the_figures_of_a_series_are_those_of_its_points(&open().await).await;
    batches::a_batch_stores_its_good_points_and_tells_of_the_others(&open().await).await;
    batches::a_repeated_batch_stores_nothing_and_answers_as_the_first_did(&open().await).await;
    batches::chunks_of_one_key_and_keys_of_single_metrics_are_apart(&open().await).await;
    after_closing_writes_are_refused(&open().await).await;
}

async fn after_closing_writes_are_refused(store: &dyn Storage) {
    ok(store.ping().await);
    ok(store.close().await);
    let refused = store.start_run_unless_active(new_run("late"), at(1)).await;
    assert_eq!(code(refused), ErrorCode::Unavailable);
}

const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn ok<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("refused: {error} ({:?})", error.internal_text()),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    match result {
        Ok(value) => panic!("should have been refused: {value:?}"),
        Err(error) => error.code(),
    }
}

fn id(number: i64) -> RunId {
    RunId::new(number).unwrap_or_else(|| panic!("{number} is no number of a run"))
}

fn new_run(name: &str) -> NewRun {
    let spec = RunSpec {
        num_workers: 2,
        num_cpus: Some(0.5),
        max_bandwidth: None,
        image: None,
        command: "train --rank {rank}".to_owned(),
        backend: None,
        gpu_enabled: false,
        light_target: true,
        use_horovod: false,
    };
    NewRun { name: ok(RunName::new(name)), job_id: Uuid::from_u128(0x5ec9_f286), spec }
}

async fn started(store: &dyn Storage) -> Run {
    let run = ok(store.start_run_unless_active(new_run("a run"), at(1)).await);
    ok(store.assign_workers(run.id, workers()).await);
    ok(store.run_started(run.id, 2).await)
}

async fn finish(store: &dyn Storage, run: RunId) -> Run {
    ok(store.decide_ending(run, RunOutcome { event: RunEvent::Finish, reason: None, at: at(9) }).await);
    ok(store.end_run(run).await)
}

fn workers() -> Vec<Worker> {
    let worker = |rank: u16| Worker {
        pod: pod_name(&format!("worker-{rank}")),
        host: "127.0.0.1".to_owned(),
        port: 29_500 + rank,
    };
    vec![worker(0), worker(1)]
}

fn pod_name(name: &str) -> PodName {
    ok(PodName::new(name))
}

fn pod(name: &str, phase: PodPhase) -> Pod {
    let labels = [("app", "mlbench"), ("it's", "a \\ \"label\"")];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Pod { name: pod_name(name), labels, phase, ip: "10.244.2.58".to_owned() }
}

fn metric(owner: &Owner, name: &str, date: i64, value: &str) -> Metric {
    Metric {
        owner: owner.clone(),
        name: ok(MetricName::new(name)),
        date: at(date),
        value: value.into(),
        cumulative: true,
        step: Some(-7),
        epoch: Some(1.5),
        metadata: "{rank: 0, epoch:1.5}".to_owned(),
    }
}

fn chunk(rank: u32, stream: OutputStream, from: u64, lines: &[&str]) -> OutputChunk {
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    OutputChunk { rank, stream, from, to: from + bytes as u64, lines, date: at(5) }
}

/// Drives all of them at once, without a runtime of its own.
async fn together<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    enum Slot<F, T> {
        Waiting(Pin<Box<F>>),
        Done(Option<T>),
    }
    let mut slots: Vec<_> = futures.into_iter().map(|future| Slot::Waiting(Box::pin(future))).collect();
    std::future::poll_fn(|context| {
        for slot in &mut slots {
            if let Slot::Waiting(future) = slot
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *slot = Slot::Done(Some(value));
            }
        }
        if slots.iter().any(|slot| matches!(slot, Slot::Waiting(_))) {
            return Poll::Pending;
        }
        let values = slots.iter_mut().filter_map(|slot| match slot {
            Slot::Done(value) => value.take(),
            Slot::Waiting(_) => None,
        });
        Poll::Ready(values.collect())
    })
    .await
}
