//! The launcher against a scripted cluster and the real store.

pub(crate) mod cluster;
mod crash_points;
pub(crate) mod harness;
mod lifecycle;
mod local;
mod planning;
mod queue;
mod tokens;

use mlbench_core::run::{Run, RunSpec, Worker};
use mlbench_core::{PodName, RunId, RunName, RunState, Timestamp};
use uuid::Uuid;

/// Run 1 on `workers` workers, about to be launched.
pub(super) fn a_run(workers: u32, command: &str) -> Run {
    let worker = |rank: u32| Worker {
        pod: PodName::new(format!("worker-{rank}")).unwrap(),
        host: "127.0.0.1".to_owned(),
        port: u16::try_from(4000 + rank).unwrap(),
    };
    Run {
        id: RunId::new(1).unwrap(),
        name: RunName::new("a run").unwrap(),
        created_at: Timestamp::EPOCH,
        admitted_at: Some(Timestamp::EPOCH),
        finished_at: None,
        state: RunState::Initialized,
        job_id: Uuid::nil(),
        spec: spec(workers, command),
        workers: (0..workers).map(worker).collect(),
        ranks: Vec::new(),
        stop_requested_at: None,
        ending: None,
    }
}

/// What a run without any option does.
fn spec(num_workers: u32, command: &str) -> RunSpec {
    RunSpec {
        num_workers,
        num_cpus: None,
        max_bandwidth: None,
        image: None,
        command: command.to_owned(),
        backend: None,
        gpu_enabled: false,
        light_target: false,
        use_horovod: false,
    }
}
