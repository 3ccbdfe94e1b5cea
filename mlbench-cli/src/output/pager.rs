//! [`Stdout`]: standard output, through a pager if a terminal has too few rows for it.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use unicode_width::UnicodeWidthStr;

use super::screen::{Screen, size, stdout_is_terminal};

/// The pager without `PAGER`.
///
/// It ends by itself when one screen is enough, passes colours, and leaves the text on the terminal.
const USUAL: &str = "less -FRX";

/// Whether the user is reading in a pager, which decides by itself what Ctrl-C means.
static IS_PAGING: AtomicBool = AtomicBool::new(false);

/// Returns whether the user is reading in a pager.
pub(crate) fn is_paging() -> bool {
    IS_PAGING.load(Ordering::Relaxed)
}

/// Standard output.
pub(crate) struct Stdout(State);

enum State {
    /// The output itself.
    Direct(BufWriter<StdoutLock<'static>>),
    /// The beginning, which may still fit on the screen.
    Waiting(Waiting),
    /// The pager, and its input until the end of the output.
    Paged(Child, Option<BufWriter<ChildStdin>>),
}

/// Output that may still fit on the screen.
struct Waiting {
    text: Vec<u8>,
    pager: String,
    /// Columns and rows of the screen.
    size: (usize, usize),
}

impl Stdout {
    /// Returns standard output without a pager.
    pub(super) fn direct() -> Self {
        Self(State::direct())
    }

    /// Returns standard output with a pager, if it is a terminal and the user wants one.
    pub(super) fn paged() -> Self {
        let pager = Screen::get().pager.unwrap_or_else(|| USUAL.to_owned());
        match size().filter(|_| stdout_is_terminal() && !pager.trim().is_empty()) {
            Some(size) => Self(State::Waiting(Waiting { text: Vec::new(), pager, size })),
            None => Self::direct(),
        }
    }

    /// Writes the beginning, to the pager if it is too long for the screen.
    fn open(&mut self) -> io::Result<()> {
        let State::Waiting(waiting) = &mut self.0 else { return Ok(()) };
        let text = std::mem::take(&mut waiting.text);
        let pager = if waiting.fits(&text) { None } else { start(&waiting.pager) };
        self.0 = pager.map_or_else(State::direct, |mut pager| {
            IS_PAGING.store(true, Ordering::Relaxed);
            let input = pager.stdin.take().map(BufWriter::new);
            State::Paged(pager, input)
        });
        self.write_all(&text)
    }
}

impl State {
    fn direct() -> Self {
        Self::Direct(BufWriter::new(io::stdout().lock()))
    }
}

impl Waiting {
    /// Returns whether a text leaves a row of the screen for the prompt.
    fn fits(&self, text: &[u8]) -> bool {
        let (columns, rows) = self.size;
        let rows_of = |line: &str| 1 + width(line).saturating_sub(1) / columns;
        String::from_utf8_lossy(text).lines().map(rows_of).sum::<usize>() < rows
    }

    /// Returns whether the text so far cannot fit.
    fn is_full(&self) -> bool {
        self.text.len() > 1 << 16 || !self.fits(&self.text)
    }
}

/// Returns the columns of a line, in which colours take none.
fn width(line: &str) -> usize {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().map_or(0, UnicodeWidthStr::width);
    first + parts.map(|part| part.split_once('m').map_or(part, |(_, text)| text).width()).sum::<usize>()
}

/// Starts a pager. Without it, the terminal shows the output.
fn start(pager: &str) -> Option<Child> {
    let words = shell_words::split(pager).ok()?;
    let (program, arguments) = words.split_first()?;
    Command::new(program).args(arguments).stdin(Stdio::piped()).spawn().ok()
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            State::Direct(stdout) => stdout.write(bytes),
            State::Paged(_, Some(input)) => input.write(bytes),
            State::Paged(_, None) => Err(io::ErrorKind::BrokenPipe.into()),
            State::Waiting(waiting) => {
                waiting.text.extend_from_slice(bytes);
                if waiting.is_full() {
                    self.open()?;
                }
                Ok(bytes.len())
            }
        }
    }

    /// Shows what was written, except the beginning that may still fit on the screen.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            State::Direct(stdout) => stdout.flush(),
            State::Paged(_, Some(input)) => input.flush(),
            State::Paged(_, None) | State::Waiting(_) => Ok(()),
        }
    }
}

impl Drop for Stdout {
    fn drop(&mut self) {
        // A failure here cannot be reported anywhere.
        let _ = self.open().and_then(|()| self.flush());
        if let State::Paged(pager, input) = &mut self.0 {
            // It ends when the user has read enough.
            drop(input.take());
            let _ = pager.wait();
            IS_PAGING.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_screen_has_room_for_needs_no_pager() {
        let waiting = |size| Waiting { text: Vec::new(), pager: String::new(), size };
        assert!(waiting((80, 24)).fits("x\n".repeat(23).as_bytes()));
        assert!(!waiting((80, 24)).fits("x\n".repeat(24).as_bytes()));
        assert!(waiting((4, 4)).fits("ééééé\nx\n".as_bytes()), "a long line takes two rows");
        assert!(!waiting((4, 4)).fits("ééééééééé\nx\n".as_bytes()));
        assert!(waiting((4, 4)).fits("\u{1b}[31méééé\u{1b}[0m\nx\nx\n".as_bytes()), "a colour takes no room");
    }
}
