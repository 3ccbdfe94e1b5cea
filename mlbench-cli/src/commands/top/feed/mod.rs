//! What the server says, as updates: events as they happen, and the state that they change.

mod follow;
mod read;
mod source;
mod tasks;

pub(super) use tasks::Feed;
