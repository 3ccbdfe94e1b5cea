//! The hub of the events: reads what is new once for all subscribers.
//!
//! It reads at once after a quiet time, and then what 100 ms have gathered. It does not wait while more is left to read,
//! or when somebody joins. Each batch goes into a bounded buffer for each subscriber. What a subscriber missed is made into
//! events in the same way.

mod batch;
mod event;
mod event_hub;
mod feed;
mod places;

pub(in crate::app) use batch::Places;
pub use event::OutEvent;
pub(in crate::app) use event::Subject;
pub(crate) use event::interest;
pub use event_hub::EventHub;
pub(in crate::app) use event_hub::Joined;
pub(in crate::app) use feed::{Batches, FeedEnd};
pub(in crate::app) use places::Teller;
