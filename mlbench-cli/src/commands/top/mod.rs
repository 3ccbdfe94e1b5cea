//! `mlbench top`: a dashboard in the terminal.
//!
//! The feed turns what the server says into updates, the state applies them and the keys, and the view draws the state.

mod command;
mod feed;
mod keys;
mod screen;
mod state;
#[cfg(test)]
mod testing;
mod view;

pub(crate) use command::top;
pub(crate) use screen::restore;
pub(super) use state::{Curve, Entry, Target, chart_order};
pub(super) use view::{elapsed, number, progress_text, spark, state_text};
