//! Messages on standard error.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::live::above_live;
use crate::harmless::harmless;

/// Prints a progress or error message to standard error. It may have text of a server or a program.
pub(crate) fn eprint_message(text: impl fmt::Display) {
    let (text, stderr) = (text.to_string(), io::stderr());
    let shown = if stderr.is_terminal() { harmless(&text) } else { text.as_str().into() };
    // A failure here cannot be reported anywhere.
    let _ = stderr.lock().write_all(above_live(&shown).as_bytes());
}

/// How long the last message may take before the program ends without it.
const LAST_MESSAGE: Duration = Duration::from_millis(500);

/// Prints the message that ends the program, unless standard error is blocked.
pub(crate) fn eprint_last_message(text: String) {
    let (printed, done) = mpsc::channel();
    thread::spawn(move || {
        eprint_message(text);
        printed.send(())
    });
    // This fails after the time has passed.
    let _ = done.recv_timeout(LAST_MESSAGE);
}
