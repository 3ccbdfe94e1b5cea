//! Makes events of the changes that one read found.
//!
//! Ids grow, and everything up to the id of an event was sent when it was sent, so a client may resume after any event.
//! The points of one owner therefore share an event only as long as nothing else arrived between them.

use std::collections::BTreeMap;

use mlbench_core::api::{self, EventData, EventPoint, NewLines, NewPoints, PodList, RunsChanged};
use mlbench_core::log::LogLine;
use mlbench_core::queue::Queue;
use mlbench_core::run::Run;
use mlbench_core::storage::{ArrivedPoint, Changed, Changes};
use mlbench_core::{MetricName, Owner, Result, RunId};

use super::event::{OutEvent, Subject};
use crate::app::api_run::to_api;

/// Where the queued runs were when they were sent last.
pub(in crate::app) type Places = BTreeMap<RunId, (u32, String)>;

/// Makes the events of what changed, with the places of the runs in the queue.
///
/// # Errors
/// None in practice: every event can be serialized.
pub(super) fn change_events(
    page: Changes,
    queue: Option<&Queue>,
    places: &mut Places,
) -> Result<Vec<OutEvent>> {
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
                events.push(run_event(seq, *run, queue, places)?);
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
    Ok(events)
}

/// Makes the event of a run, and notes its place in the queue.
pub(super) fn run_event(id: i64, run: Run, queue: Option<&Queue>, places: &mut Places) -> Result<OutEvent> {
    let run = to_api(run, queue);
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
