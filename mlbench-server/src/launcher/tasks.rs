//! Bookkeeping of the launcher's tasks: at most one task per run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mlbench_core::RunId;
use tokio::sync::Notify;

/// The runs that have a task.
#[derive(Debug, Clone, Default)]
pub(super) struct ActiveTasks(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    runs: Mutex<BTreeSet<RunId>>,
    finished: Notify,
}

/// Permit for the only task of a run. Its drop makes room for the next one.
#[derive(Debug)]
pub(super) struct TaskGuard {
    tasks: Arc<Shared>,
    run: RunId,
}

impl ActiveTasks {
    /// Registers a task for a run, or returns `None` if the run has one already.
    pub(super) fn register(&self, run: RunId) -> Option<TaskGuard> {
        let is_new = self.0.runs().insert(run);
        is_new.then(|| TaskGuard { tasks: Arc::clone(&self.0), run })
    }

    /// Completes when a task has finished since the last call.
    pub(super) async fn finished(&self) {
        self.0.finished.notified().await;
    }
}

impl Shared {
    fn runs(&self) -> MutexGuard<'_, BTreeSet<RunId>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskGuard {
    /// The run of the task.
    pub(super) const fn run(&self) -> RunId {
        self.run
    }
}

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.tasks.runs().remove(&self.run);
        self.tasks.finished.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_one_task_at_a_time() {
        let (tasks, run) = (ActiveTasks::default(), RunId::new(1).unwrap());
        let guard = tasks.register(run);
        assert!(guard.is_some() && tasks.register(run).is_none());
        drop(guard);
        assert!(tasks.register(run).is_some());
    }
}
