//! The charts of a comparison, as SVG and PNG.

mod axis;
mod bars;
mod canvas;
mod chart;
mod frame;
mod letters;
mod lines;
mod palette;
mod render;
mod shares;

pub(super) use chart::{Chart, charts};
pub(super) use frame::Words;
pub(super) use render::{png, svg};
