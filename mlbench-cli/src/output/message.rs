//! Messages on standard error.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::live::above;
use super::screen::size_of;
use super::wrap::wrap;
use crate::harmless::{harmless, harmless_json, hide_password};

/// Prints a progress or error message to standard error. It may have text of a server or a program.
///
/// A terminal gets it without control characters, and with its lines broken between words.
pub(crate) fn eprint_message(text: impl fmt::Display) {
    let (text, stderr) = (hide_password(&text.to_string()).into_owned(), io::stderr());
    let shown = if stderr.is_terminal() { wrapped(&harmless(&text)) } else { text };
    // A failure here cannot be reported anywhere.
    let _ = above(|| writeln!(stderr.lock(), "{shown}"));
}

/// How long the last message may take before the program ends without it.
const LAST_MESSAGE: Duration = Duration::from_millis(500);

/// Prints the message that ends the program, unless standard error is blocked.
pub(crate) fn eprint_last_message(text: String) {
    within_time(move || eprint_message(text));
}

/// Prints the message that ends the program as a line of JSON, unless standard error is blocked.
pub(crate) fn eprint_json(value: &impl Serialize) {
    // A struct of texts and numbers has a JSON.
    let json = serde_json::to_string(value).unwrap_or_default();
    let json = hide_password(&json).into_owned();
    within_time(move || {
        let stderr = io::stderr();
        let shown = if stderr.is_terminal() { harmless_json(&json) } else { json.as_str().into() };
        // A failure here cannot be reported anywhere.
        let _ = above(|| writeln!(stderr.lock(), "{shown}"));
    });
}

/// Prints what is wrong with a command line: `coloured` on a terminal that has colours, else `plain`.
pub(crate) fn eprint_usage(plain: &str, coloured: &str, has_colour: bool) {
    let stderr = io::stderr();
    let shown = if stderr.is_terminal() {
        wrapped(&harmless(if has_colour { coloured } else { plain }))
    } else {
        plain.to_owned()
    };
    // A failure here cannot be reported anywhere.
    let _ = write!(stderr.lock(), "{shown}");
}

fn wrapped(text: &str) -> String {
    match size_of(io::stderr()) {
        Some((columns, _)) => wrap(text, columns),
        None => text.to_owned(),
    }
}

fn within_time(print: impl FnOnce() + Send + 'static) {
    let (printed, done) = mpsc::channel();
    thread::spawn(move || {
        print();
        printed.send(())
    });
    // This fails after the time has passed.
    let _ = done.recv_timeout(LAST_MESSAGE);
}
