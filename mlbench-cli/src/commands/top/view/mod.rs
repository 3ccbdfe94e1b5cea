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
pub(super) use theme::Theme;
