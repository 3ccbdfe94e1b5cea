//! Makes events of the changes that one read found.
//!
//! Ids grow, and everything up to the id of an event was sent when it was sent, so a client may resume after any event.
//! The points of one owner therefore share an event only as long as nothing else arrived between them.

use std::collections::{BTreeMap, BTreeSet};

use mlbench_core::api::{self, EventData, EventPoint, NewLines, NewPoints, PodList, RunsChanged};
use mlbench_core::log::LogLine;
use mlbench_core::queue::Queue;
use mlbench_core::run::Run;
use mlbench_core::storage::{ArrivedPoint, Changed, Changes, QueueRuns};
use mlbench_core::{MetricName, Owner, Result, RunId};

use super::event::{OutEvent, Subject};
use crate::app::api_run::to_api;

/// Where the queued runs were when they were sent last.
pub(in crate::app) type Places = BTreeMap<RunId, (u32, String)>;

/// Makes the events of a page.
///
/// A run that changes may change the places of others in the queue: those that are not as in `places` are sent too.
///
/// # Errors
/// None in practice: every event can be serialized.
pub(in crate::app) fn page_events(
    page: Changes,
    capacity: u32,
    places: &mut Places,
) -> Result<Vec<OutEvent>> {
    let has_queue = page.queue.is_some();
    let queue_runs = page.queue.unwrap_or_default();
    let queue = Queue::new(&queue_runs.active, &queue_runs.deleted, capacity);
    let mut events = Vec::new();
    let mut open = Open::Nothing;
    for change in page.changes {
        let seq = change.seq;
        open = match (change.what, open) {
            (Changed::Point(point), open) => {
                let (owner, name) = &page.series[point.series];
                let mut points = match open {
                    Open::Points(points) if points.owner == *owner => points,
                    other => {
                        other.close(&mut events)?;
                        OpenPoints { owner: owner.clone(), after: seq - 1, id: seq, metrics: BTreeMap::new() }
                    }
                };
                points.add(seq, name, point);
                Open::Points(points)
            }
            (Changed::Line(run, line), Open::Lines(id, mut lines)) if id == run => {
                lines.push(line);
                Open::Lines(id, lines)
            }
            (Changed::Line(run, line), open) => {
                open.close(&mut events)?;
                Open::Lines(run, vec![line])
            }
            (Changed::Run(run), open) => {
                open.close(&mut events)?;
                events.push(run_event(seq, *run, &queue, places)?);
                Open::Nothing
            }
            (Changed::Deleted(id), open) => {
                open.close(&mut events)?;
                places.remove(&id);
                let data = EventData::Runs(RunsChanged { runs: Vec::new(), deleted: vec![id] });
                events.push(OutEvent::new(seq, Subject::Run(id), &data)?);
                Open::Nothing
            }
            (Changed::Pods(pods), open) => {
                open.close(&mut events)?;
                let data = EventData::Pods(PodList { pods: pods.into_iter().map(api::Pod::from).collect() });
                events.push(OutEvent::new(seq, Subject::Pods, &data)?);
                Open::Nothing
            }
        };
    }
    open.close(&mut events)?;
    if has_queue {
        events.extend(queue_events(page.upto, &queue_runs, capacity, places)?);
    }
    Ok(events)
}

/// Makes events of the queued runs whose places are not as in `places`, and forgets the places of all others.
///
/// # Errors
/// None in practice: every event can be serialized.
pub(in crate::app) fn queue_events(
    id: i64,
    runs: &QueueRuns,
    capacity: u32,
    places: &mut Places,
) -> Result<Vec<OutEvent>> {
    let queue = Queue::new(&runs.active, &runs.deleted, capacity);
    let mut events = Vec::new();
    let queued = || runs.active.iter().filter(|run| run.is_queued());
    let ids: BTreeSet<RunId> = queued().map(|run| run.id).collect();
    places.retain(|id, _| ids.contains(id));
    for run in queued() {
        let place = queue.position(run.id).map(|place| (place.position, place.waiting_for));
        if places.get(&run.id) != place.as_ref() {
            events.push(run_event(id, run.clone(), &queue, places)?);
        }
    }
    Ok(events)
}

/// Makes the event of a run, and notes its place in the queue.
fn run_event(id: i64, run: Run, queue: &Queue, places: &mut Places) -> Result<OutEvent> {
    let run = to_api(run, Some(queue));
    match (run.queue_position, &run.waiting_for) {
        (Some(position), Some(reason)) => drop(places.insert(run.id, (position, reason.clone()))),
        _ => drop(places.remove(&run.id)),
    }
    let subject = Subject::Run(run.id);
    OutEvent::new(id, subject, &EventData::Runs(RunsChanged { runs: vec![run], deleted: Vec::new() }))
}

/// An event that may take more.
enum Open {
    Nothing,
    Points(OpenPoints),
    Lines(RunId, Vec<LogLine>),
}

struct OpenPoints {
    owner: Owner,
    after: i64,
    id: i64,
    metrics: BTreeMap<MetricName, Vec<EventPoint>>,
}

impl OpenPoints {
    fn add(&mut self, seq: i64, name: &MetricName, point: ArrivedPoint) {
        let ArrivedPoint { date, value, step, epoch, .. } = point;
        let point = EventPoint { date, value, step, epoch };
        self.id = seq;
        match self.metrics.get_mut(name) {
            Some(points) => points.push(point),
            None => drop(self.metrics.insert(name.clone(), vec![point])),
        }
    }
}

impl Open {
    fn close(self, events: &mut Vec<OutEvent>) -> Result<()> {
        let event = match self {
            Self::Nothing => return Ok(()),
            Self::Points(OpenPoints { owner, after, id, metrics }) => {
                let (run_id, pod_name) = match &owner {
                    Owner::Run(id) => (Some(*id), None),
                    Owner::Pod(name) => (None, Some(name.clone())),
                };
                let data = EventData::Points(NewPoints { after, run_id, pod_name, metrics });
                OutEvent::new(id, Subject::Points(owner), &data)?
            }
            Self::Lines(run_id, lines) => {
                let id = lines.last().map_or(0, |line| line.seq);
                OutEvent::new(id, Subject::Lines(run_id), &EventData::Logs(NewLines { run_id, lines }))?
            }
        };
        events.push(event);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use mlbench_core::run::{RunSpec, RunState};
    use mlbench_core::{RunName, Timestamp};

    use super::*;

    fn queued(id: i64) -> Run {
        Run {
            id: RunId::new(id).unwrap(),
            name: RunName::new("x").unwrap(),
            created_at: Timestamp::EPOCH,
            admitted_at: None,
            finished_at: None,
            state: RunState::Initialized,
            job_id: uuid::Uuid::nil(),
            spec: RunSpec { num_workers: 1, ..RunSpec::running("x") },
            params: mlbench_core::Params::default(),
            tags: mlbench_core::Tags::default(),
            workers: Vec::new(),
            ranks: Vec::new(),
            stop_requested_at: None,
            outcome: None,
        }
    }

    fn page(ids: std::ops::Range<i64>) -> Changes {
        let queue = QueueRuns { active: ids.map(queued).collect(), deleted: Vec::new() };
        Changes { queue: Some(queue), ..Changes::default() }
    }

    #[test]
    fn places_of_runs_that_left_the_queue_are_forgotten() {
        let mut places = Places::new();
        for first in 1..50 {
            let events = page_events(page(first..first + 3), 4, &mut places).unwrap();
            assert_eq!(events.len(), 3, "each has moved up: {first}");
            let known: Vec<i64> = places.keys().map(|id| id.get()).collect();
            assert_eq!(known, [first, first + 1, first + 2]);
        }
        let nothing = Changes::default();
        assert_eq!(page_events(nothing, 4, &mut places).unwrap().len(), 0);
        assert_eq!(
            page_events(page(49..52), 4, &mut places).unwrap().len(),
            0,
            "they stand where they stood"
        );
    }
}
