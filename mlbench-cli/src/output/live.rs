//! [`Live`]: lines at the end of a terminal on standard error, which later ones replace.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use unicode_width::UnicodeWidthStr;

use super::cell::Tone;
use super::screen::{Screen, size_of};
use super::table::{self, Text, coloured, cut};
use crate::harmless::escape;

/// Lines of the terminal besides the rows of a table: title, head, rule, last line, and a free one.
const FRAME: usize = 5;

/// The columns of a terminal that does not say them.
const USUAL: usize = 80;

/// What is at the end of the terminal. Whatever else is printed comes above it.
static SHOWN: Mutex<Vec<Line>> = Mutex::new(Vec::new());

/// A line: texts, some of them in the colour of a tone.
pub(crate) type Line = Vec<(String, Option<Tone>)>;

/// The lines at the end of the terminal. They stay there when this is dropped.
#[derive(Debug)]
pub(crate) struct Live;

impl Live {
    /// Returns lines for standard error, if it is a terminal that can replace lines.
    pub(crate) fn open() -> Option<Self> {
        Self::is_possible().then_some(Self)
    }

    /// Returns whether standard error is a terminal that can replace lines.
    pub(crate) fn is_possible() -> bool {
        io::stderr().is_terminal() && !Screen::get().is_dumb
    }

    /// Removes the lines.
    pub(crate) fn clear(self) {
        let shown = std::mem::take(&mut *lock());
        // A failure here cannot be reported anywhere.
        let _ = io::stderr().write_all(erasing(&shown).as_bytes());
    }

    /// Returns the columns that a line may have: the last one stays free, so that no line wraps.
    pub(crate) fn columns() -> usize {
        columns().saturating_sub(1)
    }

    /// Shows lines in place of the ones before. Each is cut to the width of the terminal.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub(crate) fn show(&self, lines: Vec<Line>) -> io::Result<()> {
        let mut shown = lock();
        let mut bytes = erasing(&shown);
        *shown = lines.into_iter().map(|line| fitting(line, Self::columns())).collect();
        drawing(&mut bytes, &shown);
        io::stderr().lock().write_all(bytes.as_bytes())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if !std::mem::take(&mut *lock()).is_empty() {
            // A failure here cannot be reported anywhere.
            let _ = writeln!(io::stderr());
        }
    }
}

/// Returns a title and a table as lines, with as many rows as the terminal has room for.
pub(crate) fn live_table<const N: usize>(title: &str, head: [&str; N], rows: Vec<[String; N]>) -> Vec<Line> {
    table_of(title, head, rows, size_of(io::stderr()).unwrap_or((USUAL, 24)))
}

fn table_of<const N: usize>(
    title: &str,
    head: [&str; N],
    rows: Vec<[String; N]>,
    (columns, height): (usize, usize),
) -> Vec<Line> {
    let width = columns.saturating_sub(1);
    let (count, room) = (rows.len(), height.saturating_sub(FRAME));
    let texts = |row: [String; N]| row.map(|text| Text { text: escape(text), least: 0, tone: None }).into();
    let rows: Vec<Vec<Text>> = rows.into_iter().take(room).map(texts).collect();
    let mut lines = vec![title.to_owned()];
    lines.extend(table::lines(Some(head.map(str::to_owned).to_vec()), &rows, Some(width), None));
    if count > room {
        lines.push(format!("… and {} more", count - room));
    }
    lines.into_iter().map(|line| vec![(line, None)]).collect()
}

/// Prints something else above the lines.
pub(crate) fn above<T>(print: impl FnOnce() -> T) -> T {
    let shown = lock();
    if shown.is_empty() {
        drop(shown);
        return print();
    }
    // A failure here cannot be reported anywhere.
    let _ = io::stderr().write_all(erasing(&shown).as_bytes());
    let result = print();
    let mut bytes = String::new();
    drawing(&mut bytes, &shown);
    let _ = io::stderr().write_all(bytes.as_bytes());
    result
}

fn lock() -> MutexGuard<'static, Vec<Line>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn columns() -> usize {
    size_of(io::stderr()).map_or(USUAL, |(columns, _)| columns)
}

/// Returns what removes lines, and leaves the cursor where they began.
///
/// A terminal that has become narrower shows a line in several rows.
fn erasing(lines: &[Line]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let columns = columns().max(1);
    let rows: usize = lines.iter().map(|line| width(line).div_ceil(columns).max(1)).sum();
    match rows - 1 {
        0 => "\r\x1b[J".to_owned(),
        up => format!("\r\x1b[{up}A\x1b[J"),
    }
}

fn drawing(bytes: &mut String, lines: &[Line]) {
    let has_colour = Screen::get().has_colour(true);
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            bytes.push('\n');
        }
        for (text, tone) in line {
            // Writing to a string succeeds.
            let _ = write!(bytes, "{}", coloured(text, tone.filter(|_| has_colour)));
        }
    }
}

/// Returns a line as it is shown: without what controls a terminal, and not wider than that.
fn fitting(line: Line, columns: usize) -> Line {
    let mut left = columns;
    let fit = |(text, tone): (String, Option<Tone>)| {
        let text = cut(&escape(text), left);
        left -= text.width();
        (text, tone)
    };
    line.into_iter().map(fit).collect()
}

fn width(line: &Line) -> usize {
    line.iter().map(|(text, _)| text.width()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_before_it_is_drawn_and_erased() {
        let line = vec![("a \u{1b}".to_owned(), Some(Tone::Bad)), ("x".repeat(100), None)];
        let line = fitting(line, 39);
        assert_eq!((line[0].0.as_str(), width(&line)), ("a \\u{1b}", 39));
    }

    #[test]
    fn a_table_fits_the_terminal() {
        let row = |number: usize| [number.to_string(), "x".repeat(100)];
        let lines = table_of("a title", ["workers", "active"], (0..30).map(row).collect(), (40, 10));
        assert_eq!(lines.len(), 9);
        assert_eq!((lines[0][0].0.as_str(), lines[8][0].0.as_str()), ("a title", "… and 25 more"));
        assert!(lines.iter().all(|line| width(line) < 40), "{lines:#?}");
    }
}
