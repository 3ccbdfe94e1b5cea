//! One rank of a run: its command line, its output and its exit.

mod command;
mod daemons;
mod environment;
mod follow;
mod tail;
mod values;

pub(super) use self::command::{rank_ref, task};
pub(super) use self::follow::follow;
