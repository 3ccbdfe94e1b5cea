//! Everything that the user sees: the only file that prints.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use mlbench_client::Timestamp;
use serde::Serialize;

use crate::harmless::{escape, harmless, harmless_json};

/// Output format that the user chooses with `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for people
    Table,
    /// Comma-separated values with a header
    Csv,
    /// JSON as in the API
    Json,
}

/// How the output is laid out, once the format and the terminal are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Aligned columns, on a terminal wrapped to its width.
    Table { fit_to_width: bool },
    /// Tab-separated columns, one line per row, for `cut` and `awk`.
    Tabs,
    /// Comma-separated values.
    Csv,
    /// JSON.
    Json,
}

/// A line under the header and no other lines.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Writes data in one layout.
pub(crate) struct Printer<W: Write> {
    layout: Layout,
    to: W,
    /// Whether a terminal shows the output, which text of others must not control.
    is_terminal: bool,
    /// The line at the end of the terminal that later output replaces. Empty if there is none.
    status: String,
}

impl Printer<BufWriter<StdoutLock<'static>>> {
    /// Returns a printer for standard output. Without a `format` it prints a table on a terminal, else tabs.
    pub(crate) fn stdout(format: Option<Format>) -> Self {
        let stdout = io::stdout().lock();
        let is_terminal = stdout.is_terminal();
        let layout = match format {
            None if is_terminal => Layout::Table { fit_to_width: true },
            None => Layout::Tabs,
            Some(Format::Table) => Layout::Table { fit_to_width: is_terminal },
            Some(Format::Csv) => Layout::Csv,
            Some(Format::Json) => Layout::Json,
        };
        Self { layout, to: BufWriter::new(stdout), is_terminal, status: String::new() }
    }
}

impl<W: Write> Printer<W> {
    /// Returns a printer of one layout, for files.
    pub(crate) fn new(layout: Layout, to: W) -> Self {
        let is_terminal = layout == Layout::Table { fit_to_width: true };
        Self { layout, to, is_terminal, status: String::new() }
    }

    /// Returns the layout.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Formats a date: to the second in a table, in full elsewhere.
    pub(crate) fn date(&self, date: Timestamp) -> String {
        match self.layout {
            Layout::Table { .. } => date.to_text().as_str()[..19].replacen('T', " ", 1),
            _ => date.to_string(),
        }
    }

    /// Returns whether people read the layout, rather than programs.
    pub(crate) const fn is_human_readable(&self) -> bool {
        matches!(self.layout, Layout::Table { .. })
    }

    /// Prints `value` in the JSON layout, or else `rows` under `head`.
    pub(crate) fn print<const N: usize>(
        &mut self,
        value: &impl Serialize,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> io::Result<()> {
        match self.layout {
            Layout::Json => self.json(&serde_json::to_string_pretty(value)?)?,
            Layout::Csv => self.csv(std::iter::once(head.map(str::to_owned)).chain(rows))?,
            Layout::Tabs => self.tabs(head, rows)?,
            Layout::Table { fit_to_width } => self.table(fit_to_width, head, rows)?,
        }
        self.to.flush()
    }

    /// Prints a value as one line of JSON.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.json(&serde_json::to_string(value)?)
    }

    fn json(&mut self, json: &str) -> io::Result<()> {
        let shown = if self.is_terminal { harmless_json(json) } else { json.into() };
        writeln!(self.to, "{shown}")
    }

    /// Prints a row of comma-separated values.
    pub(crate) fn csv_row(&mut self, row: &[&str]) -> io::Result<()> {
        self.csv(std::iter::once(row))
    }

    /// Returns whether the output is a terminal that shows a table.
    pub(crate) const fn is_screen(&self) -> bool {
        matches!(self.layout, Layout::Table { fit_to_width: true })
    }

    /// Clears the terminal.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.to.write_all(b"\x1b[H\x1b[2J")
    }

    /// Prints a row by itself: comma-separated, else tab-separated.
    pub(crate) fn row<const N: usize>(&mut self, row: [String; N]) -> io::Result<()> {
        match self.layout {
            Layout::Csv => self.csv_row(&row.each_ref().map(String::as_str)),
            _ => writeln!(self.to, "{}", row.map(escape).join("\t")),
        }
    }

    /// Prints a line in place of the status line: unchanged, on a terminal without control of it.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> io::Result<()> {
        self.clear_status()?;
        let text = text.to_string();
        let shown = if self.is_terminal { harmless(&text) } else { text.as_str().into() };
        writeln!(self.to, "{shown}")
    }

    /// Shows texts as the last line of a terminal, in place of the ones before. Without texts, removes it.
    ///
    /// They are cut to one line, and no control character of them reaches the terminal.
    pub(crate) fn status(&mut self, texts: impl Iterator<Item = String>) -> io::Result<()> {
        let status = fitting(texts, self.columns());
        if !self.is_screen() || status == self.status {
            return Ok(());
        }
        self.clear_status()?;
        self.to.write_all(status.as_bytes())?;
        self.status = status;
        self.to.flush()
    }

    fn clear_status(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.status).is_empty() {
            self.to.write_all(b"\r\x1b[K")?;
        }
        Ok(())
    }

    /// Returns the width of the terminal.
    fn columns(&self) -> usize {
        let known = Table::new().width().filter(|_| self.is_screen());
        known.filter(|columns| *columns > 0).unwrap_or(80).into()
    }

    /// Flushes the lines printed so far.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    fn csv<R: IntoIterator<Item: AsRef<[u8]>>>(&mut self, rows: impl Iterator<Item = R>) -> io::Result<()> {
        if !self.is_terminal {
            return write_csv(&mut self.to, rows);
        }
        let mut csv = Vec::new();
        write_csv(&mut csv, rows)?;
        self.to.write_all(harmless(&String::from_utf8_lossy(&csv)).as_bytes())
    }

    fn tabs<const N: usize>(
        &mut self,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> io::Result<()> {
        writeln!(self.to, "{}", head.join("\t"))?;
        for row in rows {
            writeln!(self.to, "{}", row.map(escape).join("\t"))?;
        }
        Ok(())
    }

    fn table<const N: usize>(
        &mut self,
        fit_to_width: bool,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(STYLE).set_header(head);
        if fit_to_width {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.force_no_tty();
        }
        table.add_rows(rows.into_iter().map(|row| row.map(escape)));
        for column in table.column_iter_mut() {
            column.set_padding((0, 1));
        }
        for line in table.lines() {
            writeln!(self.to, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn write_csv<R: IntoIterator<Item: AsRef<[u8]>>>(
    to: &mut impl Write,
    rows: impl Iterator<Item = R>,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    for row in rows {
        csv.write_record(row).map_err(io_error)?;
    }
    csv.flush()
}

/// Returns the error of the underlying writer, which keeps its kind, such as `BrokenPipe`.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Returns whether standard output is a terminal.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Returns the beginning of texts that fits into a line of a terminal, without its last column.
fn fitting(texts: impl Iterator<Item = String>, columns: usize) -> String {
    let mut line = String::new();
    let mut left = columns.saturating_sub(1);
    for text in texts {
        let gap = if line.is_empty() { "" } else { "  " };
        for c in gap.chars().chain(escape(text).chars()) {
            // Most characters of other alphabets take one column, and some two.
            let width = if c.is_ascii() { 1 } else { 2 };
            if width > left {
                return line;
            }
            left -= width;
            line.push(c);
        }
    }
    line
}

/// Prints a progress or error message to standard error. It may have text of a server or a program.
pub(crate) fn eprint_message(text: impl fmt::Display) {
    let (text, stderr) = (text.to_string(), io::stderr());
    let shown = if stderr.is_terminal() { harmless(&text) } else { text.as_str().into() };
    // A failure here cannot be reported anywhere.
    let _ = writeln!(stderr.lock(), "{shown}");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(layout: Layout, value: &str) -> String {
        let mut to = Vec::new();
        let rows = [["a".to_owned(), value.to_owned()], ["b, c".to_owned(), "2".to_owned()]];
        Printer::new(layout, &mut to).print(&["response"], ["name", "value"], rows).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn each_layout_prints_the_same_data() {
        assert_eq!(
            printed(Layout::Table { fit_to_width: false }, "1"),
            "name  value\n────────────\na     1\nb, c  2\n"
        );
        assert_eq!(printed(Layout::Tabs, "1"), "name\tvalue\na\t1\nb, c\t2\n");
        assert_eq!(printed(Layout::Csv, "1"), "name,value\na,1\n\"b, c\",2\n");
        assert_eq!(printed(Layout::Json, "1"), "[\n  \"response\"\n]\n");
    }

    /// A writer whose reader has closed the pipe.
    struct BrokenPipe;

    impl Write for BrokenPipe {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_broken_pipe_is_reported_in_every_layout() {
        for layout in [Layout::Table { fit_to_width: false }, Layout::Tabs, Layout::Csv, Layout::Json] {
            let mut printer = Printer::new(layout, BrokenPipe);
            let error = printer.print(&[1], ["a"], [["b".to_owned()]]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{layout:?}");
        }
    }

    #[test]
    fn a_status_line_is_replaced_in_place() {
        let mut to = Vec::new();
        let mut printer = Printer::new(Layout::Table { fit_to_width: true }, &mut to);
        for text in ["[0] 10 %", "[0] 10 %", "[0] 90 %"] {
            printer.status([text.to_owned()].into_iter()).unwrap();
        }
        printer.line("[0] done").unwrap();
        printer.line("[0] more").unwrap();
        printer.status(["[0] a".to_owned(), "[1] b".to_owned()].into_iter()).unwrap();
        printer.status(std::iter::empty()).unwrap();
        let clear = "\r\x1b[K";
        let expected = format!("[0] 10 %{clear}[0] 90 %{clear}[0] done\n[0] more\n[0] a  [1] b{clear}");
        assert_eq!(String::from_utf8(to).unwrap(), expected);
    }

    #[test]
    fn a_status_line_appears_on_a_terminal_only() {
        for layout in [Layout::Table { fit_to_width: false }, Layout::Tabs, Layout::Csv, Layout::Json] {
            let mut to = Vec::new();
            Printer::new(layout, &mut to).status(["[0] 10 %".to_owned()].into_iter()).unwrap();
            assert!(to.is_empty(), "{layout:?}");
        }
    }

    #[test]
    fn a_status_line_fits_and_cannot_control_the_terminal() {
        let fit = |texts: &[&str], columns| fitting(texts.iter().map(ToString::to_string), columns);
        assert_eq!(fit(&["0123456789"], 8), "0123456");
        assert_eq!(fit(&["012", "345"], 8), "012  34");
        assert_eq!(fit(&["日本語日本語"], 8), "日本語");
        assert_eq!(fit(&["a\u{1b}]0;x\u{7}\r\n"], 80), "a\\u{1b}]0;x\\u{7}\\r\\n");
        assert_eq!(fit(&["a"], 0), "");
    }

    #[test]
    fn nothing_controls_a_terminal_and_pipes_get_it_unchanged() {
        let value = "\u{1b}[31mred\u{1b}[2J\u{9b}2J";
        for is_terminal in [true, false] {
            for layout in [Layout::Tabs, Layout::Csv, Layout::Json] {
                let mut to = Vec::new();
                let mut printer = Printer { is_terminal, ..Printer::new(layout, &mut to) };
                printer.line(value).unwrap();
                printer.json_line(&[value]).unwrap();
                printer.csv_row(&[value]).unwrap();
                printer.print(&[value], ["head"], [[value.to_owned()]]).unwrap();
                let text = String::from_utf8(to).unwrap();
                assert_eq!(text.contains("\u{9b}"), !is_terminal, "{layout:?} {text:?}");
                assert_eq!(text.contains("\u{1b}[2J"), !is_terminal, "{layout:?} {text:?}");
                assert!(text.contains("\u{1b}[31mred"), "{layout:?} {text:?}");
            }
        }
    }

    #[test]
    fn a_value_cannot_break_a_row_or_control_the_terminal() {
        let value = "x\n\t\u{1b}[2J";
        assert_eq!(printed(Layout::Tabs, value).lines().nth(1), Some("a\tx\\n\\t\\u{1b}[2J"));
        assert!(printed(Layout::Table { fit_to_width: false }, value).contains("x\\n\\t\\u{1b}[2J"));
        assert!(printed(Layout::Csv, value).contains("a,\"x\n\t\u{1b}[2J\""));
    }
}
