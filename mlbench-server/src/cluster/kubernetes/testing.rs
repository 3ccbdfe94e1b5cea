//! Test data of this module.

use mlbench_core::run::{Run, RunSpec, RunState};
use mlbench_core::{RunId, RunName, Timestamp};
use uuid::Uuid;

use super::options::Options;

/// Returns the default options of a release `rel`.
pub(super) fn options() -> Options {
    Options::new("rel".parse().unwrap())
}

/// Returns a new run of two workers without an image.
pub(super) fn run(id: i64, name: &str) -> Run {
    Run {
        id: RunId::new(id).unwrap(),
        name: RunName::new(name).unwrap(),
        created_at: Timestamp::EPOCH,
        admitted_at: Some(Timestamp::EPOCH),
        finished_at: None,
        state: RunState::Initialized,
        job_id: Uuid::new_v4(),
        spec: spec(2),
        params: mlbench_core::Params::default(),
        tags: mlbench_core::Tags::default(),
        workers: Vec::new(),
        ranks: Vec::new(),
        stop_requested_at: None,
        outcome: None,
    }
}

/// Returns the default options of a run of `num_workers` workers.
fn spec(num_workers: u32) -> RunSpec {
    RunSpec { num_workers, ..RunSpec::running("true") }
}
