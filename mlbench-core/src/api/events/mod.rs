//! The stream of events: its query and the events on the wire.

mod event;
mod query;
mod topic;

pub use event::{
    Event, EventData, EventPoint, NewLines, NewPoints, PodList, Resync, RunsChanged, StreamOpen,
};
pub use query::{EventsQuery, LAST_EVENT_ID_HEADER};
pub use topic::Topic;
