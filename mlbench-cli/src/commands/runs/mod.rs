//! The `mlbench runs` commands.

mod compare;
mod comparison;
mod download;
mod lifecycle;
mod logs;
mod print;
mod request;

pub(super) use compare::compare;
pub(super) use download::download;
pub(super) use lifecycle::{delete, list, show, start, stop, wait};
pub(super) use logs::logs;
