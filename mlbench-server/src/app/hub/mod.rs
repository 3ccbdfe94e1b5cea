//! The hub of the events: reads what is new once for all subscribers.
//!
//! It reads at once after a quiet time and then at most every 100 ms, and passes each batch into a bounded buffer for each
//! subscriber. What a subscriber missed is made into events in the same way.

mod batch;
mod event;
mod event_hub;

pub(in crate::app) use batch::{Places, page_events, queue_events};
pub use event::OutEvent;
pub(crate) use event::interest;
pub(in crate::app) use event::{Batch, Subject};
pub use event_hub::EventHub;
pub(in crate::app) use event_hub::Joined;
