//! Waits for a run, and shows it meanwhile: state, time, epoch, loss, and accuracy against the goal.
//!
//! The feed turns events into news, the progress is pure state, and the view makes lines of it for a terminal.

mod feed;
mod progress;
mod view;
mod watch;

pub(super) use watch::{LAST_LOOK, Limit, Watch, is_reached, report_state};
