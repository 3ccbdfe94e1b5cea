//! Sends the runs whose places in the queue have changed, and reads no other run that waits.

use std::collections::BTreeSet;

use mlbench_core::queue::Queue;
use mlbench_core::storage::{Changes, Interest, Storage};
use mlbench_core::{ErrorCode, Result, RunId};

use super::batch::{Places, change_events, run_event};
use super::event::OutEvent;

/// What events of a page need besides it.
pub(in crate::app) struct Teller<'a> {
    /// Has the runs.
    pub storage: &'a dyn Storage,
    /// Which runs are sent.
    pub interest: &'a Interest,
    /// Number of workers of the cluster.
    pub capacity: u32,
}

impl Teller<'_> {
    /// Makes the events of a page.
    ///
    /// A run that changes may change the places of others in the queue: those that are not as in `places` are sent too.
    /// After an error `places` are unknown.
    ///
    /// # Errors
    /// Those of the store.
    pub(in crate::app) async fn page_events(
        &self,
        mut page: Changes,
        places: &mut Places,
    ) -> Result<Vec<OutEvent>> {
        let queue = page.queue.take().map(|entries| Queue::of(entries, self.capacity));
        let upto = page.upto;
        let mut events = change_events(page, queue.as_ref(), places)?;
        if let Some(queue) = &queue {
            events.extend(self.queue_events(upto, queue, places).await?);
        }
        Ok(events)
    }

    /// Makes events of the runs whose places are not as in `places`.
    ///
    /// Forgets the places of all that do not wait.
    ///
    /// # Errors
    /// Those of the store.
    pub(in crate::app) async fn queue_events(
        &self,
        id: i64,
        queue: &Queue,
        places: &mut Places,
    ) -> Result<Vec<OutEvent>> {
        let mut events = Vec::new();
        for moved in moved(queue, places).into_iter().filter(|id| self.interest.includes_run(*id)) {
            match self.storage.run(moved).await {
                Ok(run) if run.is_queued() => events.push(run_event(id, run, Some(queue), places)?),
                // It has changed since, which follows.
                Ok(_) => {}
                Err(error) if error.code() == ErrorCode::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(events)
    }
}

/// Returns the places of all runs that wait.
pub(super) fn places(queue: &Queue) -> Places {
    let place = |id| queue.position(id).map(|place| (id, (place.position, place.waiting_for)));
    queue.waiting().filter_map(place).collect()
}

fn moved(queue: &Queue, places: &mut Places) -> Vec<RunId> {
    let waiting: BTreeSet<RunId> = queue.waiting().collect();
    places.retain(|id, _| waiting.contains(id));
    let is_elsewhere = |id: &RunId| {
        let place = queue.position(*id).map(|place| (place.position, place.waiting_for));
        places.get(id) != place.as_ref()
    };
    waiting.into_iter().filter(is_elsewhere).collect()
}

#[cfg(test)]
mod tests {
    use mlbench_core::queue::{QueueEntries, QueueEntry};

    use super::*;

    fn queue(ids: std::ops::Range<i64>) -> Queue {
        let entry = |id| QueueEntry { id: RunId::new(id).unwrap(), num_workers: Some(1) };
        Queue::of(QueueEntries { holders: Vec::new(), waiting: ids.map(entry).collect() }, 4)
    }

    fn note(queue: &Queue, places: &mut Places) -> usize {
        let moved = moved(queue, places);
        for id in &moved {
            let place = queue.position(*id).unwrap();
            places.insert(*id, (place.position, place.waiting_for));
        }
        moved.len()
    }

    #[test]
    fn places_are_those_that_events_would_tell() {
        let (queue, mut told) = (queue(3..9), Places::new());
        note(&queue, &mut told);
        assert_eq!(places(&queue), told);
    }

    #[test]
    fn places_of_runs_that_left_the_queue_are_forgotten() {
        let mut places = Places::new();
        for first in 1..50 {
            assert_eq!(note(&queue(first..first + 3), &mut places), 3, "each has moved up: {first}");
            let known: Vec<i64> = places.keys().map(|id| id.get()).collect();
            assert_eq!(known, [first, first + 1, first + 2]);
        }
        assert_eq!(note(&queue(49..52), &mut places), 0, "they stand where they stood");
        assert_eq!(note(&queue(49..53), &mut places), 1, "only the new one has moved");
    }
}
