//! Values and helpers that the tests of the contract share.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use uuid::Uuid;

use crate::environment::Environment;
use crate::error::{ErrorCode, Result};
use crate::metric::{Metric, MetricName, Owner, Point};
use crate::name::{PodName, RunId, RunName};
use crate::pod::{Pod, PodPhase};
use crate::run::{NewRun, OutputStream, Run, RunEvent, RunOutcome, RunSpec, Worker};
use crate::storage::idempotency::{Fingerprint, IdempotencyKey, KeyHolder, KeyedRequest};
use crate::storage::logs::OutputChunk;
use crate::storage::points::PointsQuery;
use crate::storage::read_points::collect_points;
use crate::storage::storage_trait::Storage;
use crate::time::Timestamp;

pub(super) const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(super) fn ok<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("unexpected error: {error} ({:?})", error.internal_text()),
    }
}

pub(super) fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    match result {
        Ok(value) => panic!("expected an error, got {value:?}"),
        Err(error) => error.code(),
    }
}

pub(super) fn id(number: i64) -> RunId {
    RunId::new(number).unwrap_or_else(|| panic!("{number} is not a run id"))
}

pub(super) fn new_run(name: &str) -> NewRun {
    let spec = RunSpec {
        num_workers: 2,
        num_cpus: Some(0.5),
        light_target: true,
        environment: ok(Environment::new([("A".to_owned(), "1".to_owned())])),
        ..RunSpec::running("train --rank {rank}")
    };
    NewRun::new(ok(RunName::new(name)), Uuid::from_u128(0x5ec9_f286), spec)
}

/// A request of the server's principal under a key, with a body of this fingerprint.
pub(super) fn keyed(key: &str, body: u8) -> KeyedRequest {
    held(KeyHolder::Server, key, body)
}

pub(super) fn held(holder: KeyHolder, key: &str, body: u8) -> KeyedRequest {
    KeyedRequest { holder, key: ok(IdempotencyKey::new(key)), fingerprint: Fingerprint([body; 16]) }
}

pub(super) async fn started(store: &dyn Storage) -> Run {
    let run = ok(store.start_run_unless_active(new_run("a run"), at(1)).await);
    ok(store.assign_workers(run.id, workers()).await);
    ok(store.run_started(run.id, 2, at(1)).await)
}

pub(super) async fn finish(store: &dyn Storage, run: RunId) -> Run {
    ok(store.decide_outcome(run, RunOutcome { event: RunEvent::Finish, reason: None, at: at(9) }).await);
    ok(store.end_run(run).await)
}

pub(super) fn workers() -> Vec<Worker> {
    let worker = |rank: u16| Worker {
        pod: pod_name(&format!("worker-{rank}")),
        host: "127.0.0.1".to_owned(),
        port: 29_500 + rank,
    };
    vec![worker(0), worker(1)]
}

pub(super) fn pod_name(name: &str) -> PodName {
    ok(PodName::new(name))
}

pub(super) fn pod(name: &str, phase: PodPhase) -> Pod {
    let labels = [("app", "mlbench"), ("it's", "a \\ \"label\"")];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Pod { name: pod_name(name), labels, phase, ip: "10.244.2.58".to_owned() }
}

pub(super) fn metric(owner: &Owner, name: &str, date: i64, value: &str) -> Metric {
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

pub(super) fn chunk(rank: u32, stream: OutputStream, from: u64, lines: &[&str]) -> OutputChunk {
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    OutputChunk { rank, stream, from, to: from + bytes as u64, lines, date: at(5) }
}

/// Polls all futures concurrently, because the core depends on no runtime.
pub(super) async fn join_all<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
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

pub(super) type Dated = Vec<(i64, String)>;

pub(super) fn dated(points: &[(i64, &str)]) -> Dated {
    points.iter().map(|(date, value)| (*date, (*value).to_owned())).collect()
}

pub(super) async fn series(store: &dyn Storage, query: &PointsQuery) -> Vec<(String, Dated)> {
    let points = ok(collect_points(store, query).await);
    let dated = |points: Vec<Point>| {
        points.into_iter().map(|point| (point.date.as_micros(), point.value.as_str().to_owned())).collect()
    };
    points.into_iter().map(|(name, points)| (name.to_string(), dated(points))).collect()
}
