//! The server put together: what starts in which order, and what stops in which.

mod address_file;
mod assembly;
mod clusters;
mod listeners;
mod reaper;

pub use assembly::{Server, start_with_flags};
pub use reaper::adopt_orphans;
