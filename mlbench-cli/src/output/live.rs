//! A table on standard error that is shown anew in its place, while messages appear above it.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use unicode_width::UnicodeWidthStr;

use super::screen::stderr_size;
use super::table::{self, Text, cut};
use crate::harmless::escape;

/// Lines of the terminal besides the rows: title, head, rule, the last line, and one that stays free.
const FRAME: usize = 5;

/// The lines that are on the terminal now.
static SHOWN: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn shown() -> MutexGuard<'static, Vec<String>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether standard error is a terminal that can show a table in its place.
pub(crate) fn live_is_shown() -> bool {
    io::stderr().is_terminal() && stderr_size().is_some_and(|(_, rows)| rows > FRAME)
}

/// Shows a title and a table in place of the ones before. Does nothing elsewhere than on a terminal.
pub(crate) fn show_live<const N: usize>(title: &str, head: [&str; N], rows: Vec<[String; N]>) {
    if live_is_shown() {
        replace(lines(title, head, rows, stderr_size().unwrap_or((80, 24))));
    }
}

/// Removes the title and the table.
pub(crate) fn clear_live() {
    replace(Vec::new());
}

fn replace(lines: Vec<String>) {
    let mut shown = shown();
    if lines != *shown {
        // A failure here cannot be reported anywhere.
        let _ = io::stderr().lock().write_all(replaced(&shown, "", &lines).as_bytes());
        *shown = lines;
    }
}

/// Returns a message as it is written above the table, if one is shown.
pub(super) fn above_live(message: &str) -> String {
    let shown = shown();
    replaced(&shown, &format!("{message}\n"), &shown)
}

/// Returns what replaces lines on the terminal by a text and other lines.
fn replaced(before: &[String], text: &str, after: &[String]) -> String {
    let mut to = match before.len() {
        0 => String::new(),
        count => format!("\u{1b}[{count}A\r\u{1b}[J"),
    };
    to.push_str(text);
    after.iter().for_each(|line| to.extend([line, "\n"]));
    to
}

fn lines<const N: usize>(
    title: &str,
    head: [&str; N],
    rows: Vec<[String; N]>,
    (columns, height): (usize, usize),
) -> Vec<String> {
    // A terminal may break a line that fills it.
    let width = columns.saturating_sub(1);
    let (count, room) = (rows.len(), height.saturating_sub(FRAME));
    let texts = |row: [String; N]| row.map(|text| Text { text: escape(text), tone: None }).into();
    let rows: Vec<Vec<Text>> = rows.into_iter().take(room).map(texts).collect();
    let mut lines = vec![cut(&escape(title.to_owned()), width)];
    lines.extend(table::lines(Some(head.map(str::to_owned).to_vec()), &rows, Some(width), None));
    if count > room {
        lines.push(format!("… and {} more", count - room));
    }
    debug_assert!(lines.iter().all(|line| line.width() <= width.max(1)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_the_terminal() {
        let row = |number: usize| [number.to_string(), "x".repeat(100)];
        let lines = lines("a \u{1b} title", ["workers", "active"], (0..30).map(row).collect(), (40, 10));
        assert_eq!(lines.len(), 9);
        assert_eq!((lines[0].as_str(), lines[8].as_str()), ("a \\u{1b} title", "… and 25 more"));
        assert!(lines.iter().all(|line| line.width() < 40), "{lines:#?}");
    }

    #[test]
    fn lines_are_replaced_and_messages_appear_above() {
        let of = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(replaced(&[], "", &of(&["a", "b"])), "a\nb\n");
        assert_eq!(replaced(&of(&["a", "b"]), "", &of(&["c"])), "\u{1b}[2A\r\u{1b}[Jc\n");
        assert_eq!(replaced(&of(&["a"]), "note\n", &of(&["a"])), "\u{1b}[1A\r\u{1b}[Jnote\na\n");
        assert_eq!(replaced(&of(&["a"]), "", &[]), "\u{1b}[1A\r\u{1b}[J");
    }
}
