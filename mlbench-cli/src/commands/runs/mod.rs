//! The `mlbench runs` commands.

mod compare;
mod comparison;
mod download;
mod groups;
mod lifecycle;
mod list;
mod logs;
mod print;
mod quantity;
mod record;
mod report;
mod request;
mod run_file;
mod wait;

pub(super) use compare::compare;
pub(super) use download::download;
pub(super) use lifecycle::{delete, dry_run, set, show, start, stop, wait};
pub(super) use list::list;
pub(super) use logs::logs;
pub(super) use record::record;
pub(super) use report::report;
