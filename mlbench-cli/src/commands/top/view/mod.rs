//! Draws the state of the dashboard.

mod chart;
mod draw;
mod format;
mod frame;
mod logs;
mod overview;
mod popup;
mod run;
mod spark;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod workers;

pub(super) use draw::{Memory, draw};
pub(in crate::commands) use format::{elapsed, number};
pub(in crate::commands) use overview::{progress as progress_text, state_text};
pub(in crate::commands) use spark::spark;
pub(super) use theme::Theme;
