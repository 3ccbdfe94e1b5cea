//! Runs in the form that the API has.

use mlbench_core::api;
use mlbench_core::queue::Queue;
use mlbench_core::run::Run;

/// Converts a run, with its place in this queue.
pub(super) fn to_api(run: Run, queue: Option<&Queue>) -> api::Run {
    let place = queue.and_then(|queue| queue.position(run.id));
    let (queue_position, waiting_for) = place.map(|place| (place.position, place.waiting_for)).unzip();
    api::Run { queue_position, waiting_for, ..run.into() }
}
