//! One rank of a run: its command line, its output and its exit.

mod command;
mod follow;
mod tail;

pub(super) use self::command::{rank_ref, task};
pub(super) use self::follow::follow;
