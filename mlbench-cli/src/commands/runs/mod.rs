//! The `mlbench runs` commands.

mod carry;
mod compare;
mod comparison;
mod download;
mod groups;
mod lifecycle;
mod list;
mod logs;
mod merged;
mod print;
mod quantity;
mod record;
mod report;
mod request;
mod run_file;
mod sweep;
mod wait;

pub(super) use carry::{export, import};
pub(super) use compare::{compare, fetch_runs};
pub(super) use download::download;
pub(super) use lifecycle::{delete, dry_run, set, show, start, stop, wait};
pub(super) use list::{find, list};
pub(super) use logs::logs;
pub(super) use print::{columns, print_one};
pub(super) use record::record;
pub(super) use report::{report, write_report};
pub(super) use request::with_flags;
pub(super) use sweep::{plan_only, sweep};
