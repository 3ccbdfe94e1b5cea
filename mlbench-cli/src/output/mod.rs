//! Everything that the user sees: the only folder that prints.
//!
//! A command builds [`Columns`] for what it lists, chooses some of them with [`List`], and prints with a [`Printer`].

mod cell;
mod column;
mod format;
mod list;
mod live;
mod message;
mod ordered;
mod pager;
mod printer;
mod prompt;
mod screen;
mod table;
mod wrap;

pub(crate) use self::cell::{Cell, Tone};
pub(crate) use self::column::{Column, Columns};
pub(crate) use self::format::{Format, Layout};
pub(crate) use self::list::{List, ListOptions, SortBy, UnknownColumn};
pub(crate) use self::live::{Line, Live, above, live_table};
pub(crate) use self::message::{eprint_json, eprint_last_message, eprint_message, eprint_usage};
pub(crate) use self::pager::is_paging;
pub(crate) use self::printer::Printer;
pub(crate) use self::prompt::read_secret;
pub(crate) use self::screen::{ColorChoice, Screen, stdout_has_colour, stdout_is_terminal, terminal_is_dumb};
