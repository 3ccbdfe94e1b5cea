//! The queue of runs: first come, first served by free workers. Pure; the store asks it within a transaction.
//!
//! Nobody overtakes: a small run behind a large one waits, or the large one might wait for ever.

use crate::name::RunId;
use crate::run::Run;

/// Who has a share of the workers of a cluster, and who waits for one.
#[derive(Debug)]
pub struct Queue<'a> {
    capacity: u32,
    /// Admitted runs that have not ended, and deleted ones that are still to be torn down.
    holders: Vec<&'a Run>,
    /// In the order of their arrival.
    waiting: Vec<&'a Run>,
}

/// Where a run is in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// 1 for the next.
    pub position: u32,
    /// What it waits for, in words.
    pub waiting_for: String,
}

impl<'a> Queue<'a> {
    /// The queue for a cluster of `capacity` workers, out of the runs that have not ended and those that are still to
    /// be torn down, both by ascending number. Others among them are left out.
    #[must_use]
    pub fn new(active: &'a [Run], removed: &'a [Run], capacity: u32) -> Self {
        let active = || active.iter().filter(|run| run.state.is_active());
        let is_over = |run: &Run| run.stop_requested_at.is_some() || run.ending.is_some();
        Self {
            capacity,
            holders: active().filter(|run| !run.is_queued()).chain(removed).collect(),
            waiting: active().filter(|run| run.is_queued() && !is_over(run)).collect(),
        }
    }

    /// The runs whose turn it is. One that is larger than the cluster (it has shrunk) has its turn when it is alone,
    /// so that it fails with a reason instead of holding up the others for ever.
    #[must_use]
    pub fn admissible(&self) -> Vec<RunId> {
        let (mut free, mut alone) = (self.free(), self.holders.is_empty());
        let turn = self.waiting.iter().take_while(|run| {
            let wanted = run.spec.num_workers;
            let fits = wanted <= free || alone;
            (free, alone) = (free.saturating_sub(wanted), false);
            fits
        });
        turn.map(|run| run.id).collect()
    }

    /// Where a run is in the queue; `None` when it does not wait.
    #[must_use]
    pub fn place(&self, id: RunId) -> Option<Place> {
        let at = self.waiting.iter().position(|run| run.id == id)?;
        let waiting_for = match at.checked_sub(1).and_then(|before| self.waiting.get(before)) {
            Some(before) => format!("its turn, after run {}", before.id),
            None => self.missing(self.waiting.get(at)?),
        };
        Some(Place { position: u32::try_from(at + 1).unwrap_or(u32::MAX), waiting_for })
    }

    fn free(&self) -> u32 {
        self.holders.iter().fold(self.capacity, |free, run| free.saturating_sub(run.spec.num_workers))
    }

    fn missing(&self, next: &Run) -> String {
        let (wanted, free) = (next.spec.num_workers, self.free());
        let workers = if wanted == 1 { "worker" } else { "workers" };
        let are = if free == 1 { "is" } else { "are" };
        let holders: Vec<String> = self.holders.iter().map(|run| format!("run {}", run.id)).collect();
        let others = if holders.is_empty() {
            String::new()
        } else {
            format!(", the others are held by {}", holders.join(", "))
        };
        format!("{wanted} free {workers}: {free} of {} {are} free{others}", self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{RunOutcome, RunSpec};
    use crate::{RunEvent, RunName, RunState, Timestamp};

    fn run(id: i64, num_workers: u32, admitted: bool) -> Run {
        let spec = RunSpec {
            num_workers,
            num_cpus: None,
            max_bandwidth: None,
            image: None,
            command: "x".to_owned(),
            backend: None,
            gpu_enabled: false,
            light_target: false,
            use_horovod: false,
        };
        Run {
            id: RunId::new(id).unwrap(),
            name: RunName::new("x").unwrap(),
            created_at: Timestamp::EPOCH,
            admitted_at: admitted.then_some(Timestamp::EPOCH),
            finished_at: None,
            state: RunState::Initialized,
            job_id: uuid::Uuid::nil(),
            spec,
            workers: Vec::new(),
            ranks: Vec::new(),
            stop_requested_at: None,
            ending: None,
        }
    }

    fn admissible(active: &[Run], removed: &[Run], capacity: u32) -> Vec<i64> {
        Queue::new(active, removed, capacity).admissible().iter().map(|id| id.get()).collect()
    }

    #[test]
    fn as_many_are_admitted_as_there_are_workers_for() {
        let waiting = [run(1, 2, false), run(2, 1, false), run(3, 1, false), run(4, 1, false)];
        assert_eq!(admissible(&waiting, &[], 4), [1, 2, 3]);
        assert_eq!(admissible(&[run(1, 3, true), run(2, 1, false), run(3, 1, false)], &[], 4), [2]);
    }

    #[test]
    fn nobody_overtakes() {
        let active = [run(1, 2, true), run(2, 3, false), run(3, 1, false)];
        assert_eq!(admissible(&active, &[], 4), [0; 0]);
    }

    #[test]
    fn a_deleted_run_holds_its_workers_until_it_is_torn_down() {
        assert_eq!(admissible(&[run(2, 2, false)], &[run(1, 3, true)], 4), [0; 0]);
        assert_eq!(admissible(&[run(2, 2, false)], &[], 4), [2]);
    }

    #[test]
    fn a_run_that_is_larger_than_the_cluster_has_its_turn_when_it_is_alone() {
        assert_eq!(admissible(&[run(1, 1, true), run(2, 9, false), run(3, 1, false)], &[], 4), [0; 0]);
        assert_eq!(admissible(&[run(2, 9, false), run(3, 1, false)], &[], 4), [2]);
    }

    #[test]
    fn who_is_asked_to_stop_waits_no_more_and_holds_up_nobody() {
        let stopped = Run { stop_requested_at: Some(Timestamp::EPOCH), ..run(2, 4, false) };
        let ending = RunOutcome { event: RunEvent::Stop, reason: None, at: Timestamp::EPOCH };
        let decided = Run { ending: Some(ending), ..run(3, 4, false) };
        let active = [run(1, 3, true), stopped, decided, run(4, 1, false)];
        assert_eq!(admissible(&active, &[], 4), [4]);
        let queue = Queue::new(&active, &[], 4);
        assert_eq!(queue.place(active[1].id), None);
        assert_eq!(queue.place(active[3].id).map(|place| place.position), Some(1));
    }

    #[test]
    fn runs_that_ended_neither_hold_nor_wait() {
        let ended = Run { state: RunState::Failed, ..run(1, 4, true) };
        assert_eq!(admissible(&[ended, run(2, 4, false)], &[], 4), [2]);
    }

    #[test]
    fn a_place_says_what_is_waited_for() {
        let active = [run(1, 3, true), run(3, 2, false), run(4, 1, false)];
        let removed = [run(2, 1, true)];
        let queue = Queue::new(&active, &removed, 5);
        let place = |id: i64| queue.place(RunId::new(id).unwrap());
        let words = "2 free workers: 1 of 5 is free, the others are held by run 1, run 2";
        assert_eq!(place(3), Some(Place { position: 1, waiting_for: words.to_owned() }));
        assert_eq!(place(4), Some(Place { position: 2, waiting_for: "its turn, after run 3".to_owned() }));
        assert_eq!((place(1), place(9)), (None, None));
    }
}
