//! Events on their way to subscribers.

use std::sync::Arc;

use bytes::Bytes;
use mlbench_core::api::{EventData, Topic};
use mlbench_core::storage::Interest;
use mlbench_core::{Error, Owner, Result, RunId};

/// An event whose data is written.
#[derive(Debug, Clone)]
pub struct OutEvent {
    /// Position in the store up to which the stream is complete.
    pub id: i64,
    /// Name of the event.
    pub name: &'static str,
    /// Data of the event: JSON without line ends.
    pub data: Bytes,
    pub(in crate::app) subject: Subject,
}

impl OutEvent {
    pub(in crate::app) fn new(id: i64, subject: Subject, data: &EventData) -> Result<Self> {
        let text = data.to_json().map_err(Error::internal)?;
        Ok(Self { id, name: data.name(), data: text.into(), subject })
    }
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::app) enum Subject {
    /// The stream itself.
    Stream,
    /// State of a run.
    Run(RunId),
    /// The list of pods.
    Pods,
    /// Points of an owner.
    Points(Owner),
    /// Output of a run.
    Lines(RunId),
}

impl Subject {
    /// Returns whether a subscriber with this interest gets the event.
    pub(in crate::app) fn is_in(&self, interest: &Interest) -> bool {
        match self {
            Self::Stream => true,
            Self::Run(id) => interest.includes_run(*id),
            Self::Pods => interest.pods,
            Self::Points(owner) => interest.includes_points(owner),
            Self::Lines(id) => interest.of_runs.contains(id),
        }
    }
}

/// Events that one read found, shared by all subscribers.
pub(in crate::app) type Batch = Arc<[OutEvent]>;

/// Returns what a subscriber to these topics wants to know.
pub(crate) fn interest(topics: &[Topic]) -> Interest {
    let mut interest = Interest::default();
    for topic in topics {
        match topic {
            Topic::Runs => interest.runs = true,
            Topic::Pods => interest.pods = true,
            Topic::Usage => interest.usage = true,
            Topic::Run(id) => drop(interest.of_runs.insert(*id)),
            Topic::Pod(name) => drop(interest.of_pods.insert(name.clone())),
        }
    }
    interest
}
