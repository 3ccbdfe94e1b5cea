//! The queue of runs: strictly first come, first served.
//!
//! A small run never overtakes a large one, because the large one could then wait forever.
//! The queue is pure, so that the store can evaluate it within a transaction.

use crate::name::RunId;
use crate::run::Run;

/// What the queue must know of a run.
///
/// The run is much larger: it may have a command of a megabyte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueEntry {
    /// The run.
    pub id: RunId,
    /// Number of its workers. `None` where it does not matter.
    ///
    /// It does not for a run behind one that does not fit.
    pub num_workers: Option<u32>,
}

impl From<&Run> for QueueEntry {
    fn from(run: &Run) -> Self {
        Self { id: run.id, num_workers: Some(run.spec.num_workers) }
    }
}

/// The runs that make up a queue, by ascending id, without its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueEntries {
    /// Runs that hold workers.
    pub holders: Vec<QueueEntry>,
    /// Runs that wait. The number of workers of the first one is known.
    pub waiting: Vec<QueueEntry>,
}

/// The runs that hold workers of a cluster and the runs that wait for some.
#[derive(Debug)]
pub struct Queue {
    capacity: u32,
    /// Admitted runs that have not ended, and deleted runs whose teardown is not finished.
    holders: Vec<QueueEntry>,
    /// In order of arrival.
    waiting: Vec<QueueEntry>,
}

/// Position of a run in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuePosition {
    /// 1 for the next run.
    pub position: u32,
    /// Why the run waits, as a sentence fragment.
    pub waiting_for: String,
}

impl Queue {
    /// Builds the queue of a cluster with `capacity` workers from its active and its deleted runs.
    ///
    /// Both slices are sorted by ascending id. Runs in `active` that have ended are ignored.
    #[must_use]
    pub fn new(active: &[Run], deleted: &[Run], capacity: u32) -> Self {
        let active = || active.iter().filter(|run| run.state.is_active());
        let is_over = |run: &Run| run.stop_requested_at.is_some() || run.outcome.is_some();
        let holders = active().filter(|run| !run.is_queued()).chain(deleted).map(QueueEntry::from).collect();
        let waiting = active().filter(|run| run.is_queued() && !is_over(run)).map(QueueEntry::from).collect();
        Self { capacity, holders, waiting }
    }

    /// Builds the queue of a cluster with `capacity` workers, for [`Queue::position`].
    #[must_use]
    pub fn of(QueueEntries { holders, waiting }: QueueEntries, capacity: u32) -> Self {
        Self { capacity, holders, waiting }
    }

    /// Returns the runs that wait, in order.
    pub fn waiting(&self) -> impl Iterator<Item = RunId> {
        self.waiting.iter().map(|run| run.id)
    }

    /// Builds the queue from the runs that hold workers and those that wait, in order of arrival.
    ///
    /// Calls `num_workers` only for the holders and for the first runs that wait, up to one that does not fit.
    ///
    /// # Errors
    /// Those of `num_workers`.
    pub fn read<E>(
        holders: Vec<RunId>,
        waiting: Vec<RunId>,
        capacity: u32,
        mut num_workers: impl FnMut(RunId) -> Result<u32, E>,
    ) -> Result<Self, E> {
        let mut entry = |id| Ok(QueueEntry { id, num_workers: Some(num_workers(id)?) });
        let holders = holders.into_iter().map(&mut entry).collect::<Result<_, E>>()?;
        let mut queue = Self { capacity, holders, waiting: Vec::with_capacity(waiting.len()) };
        let mut fits = true;
        for id in waiting {
            queue.waiting.push(if fits { entry(id)? } else { QueueEntry { id, num_workers: None } });
            fits = fits && queue.admissible().len() == queue.waiting.len();
        }
        Ok(queue)
    }

    /// Returns the runs to admit now.
    ///
    /// A run that needs more workers than the cluster has is admitted once it is alone. The launcher then fails it with
    /// a reason, and it does not block the queue forever.
    #[must_use]
    pub fn admissible(&self) -> Vec<RunId> {
        let (mut free, mut alone) = (self.free(), self.holders.is_empty());
        let admitted = self.waiting.iter().take_while(|run| {
            let Some(wanted) = run.num_workers else { return false };
            let fits = wanted <= free || alone;
            (free, alone) = (free.saturating_sub(wanted), false);
            fits
        });
        admitted.map(|run| run.id).collect()
    }

    /// Returns the position of a run. `None` when the run does not wait.
    #[must_use]
    pub fn position(&self, id: RunId) -> Option<QueuePosition> {
        let index = self.waiting.binary_search_by_key(&id, |run| run.id).ok()?;
        let waiting_for = match index.checked_sub(1).and_then(|before| self.waiting.get(before)) {
            Some(before) => format!("run {} is ahead in the queue", before.id),
            None => self.missing_workers(self.waiting.get(index)?),
        };
        Some(QueuePosition { position: u32::try_from(index + 1).unwrap_or(u32::MAX), waiting_for })
    }

    fn free(&self) -> u32 {
        let held = self.holders.iter().filter_map(|run| run.num_workers);
        held.fold(self.capacity, u32::saturating_sub)
    }

    fn missing_workers(&self, next: &QueueEntry) -> String {
        let (wanted, free) = (next.num_workers.unwrap_or_default(), self.free());
        let workers = if wanted == 1 { "worker" } else { "workers" };
        let are = if free == 1 { "is" } else { "are" };
        let holders: Vec<String> = self.holders.iter().map(|run| run.id.to_string()).collect();
        let rest = match holders.as_slice() {
            [] => String::new(),
            [only] => format!(", run {only} holds the rest"),
            [first @ .., last] => format!(", runs {} and {last} hold the rest", first.join(", ")),
        };
        format!("{wanted} {workers}; {free} of {} {are} free{rest}", self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::RunName;
    use crate::run::{RunEvent, RunOutcome, RunSpec, RunState};
    use crate::time::Timestamp;

    fn run(id: i64, num_workers: u32, admitted: bool) -> Run {
        let spec = RunSpec { num_workers, ..RunSpec::running("x") };
        Run {
            id: RunId::new(id).unwrap(),
            name: RunName::new("x").unwrap(),
            created_at: Timestamp::EPOCH,
            admitted_at: admitted.then_some(Timestamp::EPOCH),
            finished_at: None,
            state: RunState::Initialized,
            job_id: uuid::Uuid::nil(),
            spec,
            params: crate::labels::Params::default(),
            tags: crate::labels::Tags::default(),
            workers: Vec::new(),
            ranks: Vec::new(),
            stop_requested_at: None,
            outcome: None,
            imported_from: None,
        }
    }

    fn admissible(active: &[Run], deleted: &[Run], capacity: u32) -> Vec<i64> {
        Queue::new(active, deleted, capacity).admissible().iter().map(|id| id.get()).collect()
    }

    #[test]
    fn runs_are_admitted_while_workers_are_free() {
        let waiting = [run(1, 2, false), run(2, 1, false), run(3, 1, false), run(4, 1, false)];
        assert_eq!(admissible(&waiting, &[], 4), [1, 2, 3]);
        assert_eq!(admissible(&[run(1, 3, true), run(2, 1, false), run(3, 1, false)], &[], 4), [2]);
    }

    #[test]
    fn a_small_run_does_not_overtake_a_large_one() {
        let active = [run(1, 2, true), run(2, 3, false), run(3, 1, false)];
        assert_eq!(admissible(&active, &[], 4), [0; 0]);
    }

    #[test]
    fn a_deleted_run_holds_its_workers_until_its_teardown() {
        assert_eq!(admissible(&[run(2, 2, false)], &[run(1, 3, true)], 4), [0; 0]);
        assert_eq!(admissible(&[run(2, 2, false)], &[], 4), [2]);
    }

    #[test]
    fn an_oversized_run_is_admitted_once_it_is_alone() {
        assert_eq!(admissible(&[run(1, 1, true), run(2, 9, false), run(3, 1, false)], &[], 4), [0; 0]);
        assert_eq!(admissible(&[run(2, 9, false), run(3, 1, false)], &[], 4), [2]);
    }

    #[test]
    fn stopping_runs_neither_wait_nor_block_the_queue() {
        let stopped = Run { stop_requested_at: Some(Timestamp::EPOCH), ..run(2, 4, false) };
        let outcome = RunOutcome { event: RunEvent::Stop, reason: None, at: Timestamp::EPOCH };
        let decided = Run { outcome: Some(outcome), ..run(3, 4, false) };
        let active = [run(1, 3, true), stopped, decided, run(4, 1, false)];
        assert_eq!(admissible(&active, &[], 4), [4]);
        let queue = Queue::new(&active, &[], 4);
        assert_eq!(queue.position(active[1].id), None);
        assert_eq!(queue.position(active[3].id).map(|found| found.position), Some(1));
    }

    #[test]
    fn ended_runs_neither_hold_workers_nor_wait() {
        let ended = Run { state: RunState::Failed, ..run(1, 4, true) };
        assert_eq!(admissible(&[ended, run(2, 4, false)], &[], 4), [2]);
    }

    #[test]
    fn only_runs_that_may_fit_are_looked_up() {
        let ids = |ids: &[i64]| ids.iter().map(|id| RunId::new(*id).unwrap()).collect::<Vec<_>>();
        let mut read = Vec::new();
        let num_workers = |id: RunId| {
            read.push(id.get());
            if id.get() == 9 { Err("unknown") } else { Ok(2) }
        };
        let queue = Queue::read(ids(&[1]), ids(&[2, 3, 4, 5]), 5, num_workers).unwrap();
        assert_eq!(read, [1, 2, 3], "run 3 does not fit");
        assert_eq!(queue.admissible(), ids(&[2]));
        assert_eq!(queue.position(RunId::new(5).unwrap()).map(|found| found.position), Some(4));
        let reason = queue.position(RunId::new(2).unwrap()).map(|found| found.waiting_for);
        assert_eq!(reason.as_deref(), Some("2 workers; 3 of 5 are free, run 1 holds the rest"));
        assert_eq!(Queue::read(ids(&[9]), ids(&[]), 5, |_| Err::<u32, _>("unknown")).unwrap_err(), "unknown");
    }

    #[test]
    fn a_position_says_why_the_run_waits() {
        let active = [run(1, 3, true), run(3, 2, false), run(4, 1, false)];
        let deleted = [run(2, 1, true)];
        let queue = Queue::new(&active, &deleted, 5);
        let position = |id: i64| queue.position(RunId::new(id).unwrap());
        let reason = "2 workers; 1 of 5 is free, runs 1 and 2 hold the rest";
        assert_eq!(position(3), Some(QueuePosition { position: 1, waiting_for: reason.to_owned() }));
        let reason = "run 3 is ahead in the queue";
        assert_eq!(position(4), Some(QueuePosition { position: 2, waiting_for: reason.to_owned() }));
        assert_eq!((position(1), position(9)), (None, None));
    }
}
