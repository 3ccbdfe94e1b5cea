//! [`Printer`]: writes data to standard output in one layout.

use std::fmt;
use std::io::{self, Write};

use mlbench_client::now;
use serde::Serialize;
use unicode_width::UnicodeWidthChar;

use super::cell::Cell;
use super::format::{Format, Layout};
use super::ordered::Ordered;
use super::pager::Stdout;
use super::screen::{Screen, size, stdout_is_terminal, terminal_is_dumb};
use super::table::{self, Text, coloured};
use super::wrap::wrap;
use crate::harmless::{escape, harmless, harmless_json};

/// Writes data in one layout.
pub(crate) struct Printer<W: Write> {
    layout: Layout,
    to: W,
    /// Whether a terminal shows the output, which text of others must not control.
    is_terminal: bool,
    /// Whether states are coloured.
    has_colour: bool,
    /// The line at the end of the terminal that later output replaces. Empty if there is none.
    status: String,
}

impl Printer<Stdout> {
    /// Returns a printer for standard output. Without a `format` it prints a table on a terminal, else tabs.
    pub(crate) fn stdout(format: Option<Format>) -> Self {
        Self::to(Stdout::direct(), format)
    }

    /// Returns a printer for output that a pager shows if it is longer than the terminal.
    pub(crate) fn paged(format: Option<Format>) -> Self {
        Self::to(Stdout::paged(), format)
    }

    fn to(to: Stdout, format: Option<Format>) -> Self {
        let is_terminal = stdout_is_terminal();
        let layout = Layout::of(format, is_terminal);
        let has_colour = Screen::get().has_colour(is_terminal);
        Self { layout, to, is_terminal, has_colour, status: String::new() }
    }
}

impl<W: Write> Printer<W> {
    /// Returns a printer of one layout, for files.
    pub(crate) fn new(layout: Layout, to: W) -> Self {
        let is_terminal = layout == Layout::Table { fit_to_width: true };
        Self { layout, to, is_terminal, has_colour: false, status: String::new() }
    }

    /// Returns the layout.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns whether people read the layout, rather than programs.
    pub(crate) const fn is_human_readable(&self) -> bool {
        matches!(self.layout, Layout::Table { .. })
    }

    /// Prints `value` as JSON or YAML, or else `rows` under `head`. The names are the first cells.
    pub(crate) fn print<const N: usize>(
        &mut self,
        value: &impl Serialize,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> io::Result<()> {
        match self.layout {
            Layout::Json | Layout::Yaml => self.value(value)?,
            Layout::Ndjson => self.json_line(value)?,
            Layout::Name => self.names(rows.into_iter().filter_map(|row| row.into_iter().next()))?,
            _ => {
                let head = head.map(str::to_owned).to_vec();
                self.rows(Some(head), rows.into_iter().map(|row| row.map(Cell::Text).to_vec()))?;
            }
        }
        self.to.flush()
    }

    /// Prints `value` as JSON or YAML, or else its fields, a line for each. No width cuts them.
    pub(crate) fn record(
        &mut self,
        value: &impl Serialize,
        name: String,
        fields: impl Iterator<Item = (&'static str, Cell)>,
    ) -> io::Result<()> {
        let head = ["field", "value"].map(str::to_owned).to_vec();
        let rows = fields.map(|(name, cell)| vec![Cell::text(name), cell]);
        match self.layout {
            Layout::Json | Layout::Yaml => self.value(value)?,
            Layout::Ndjson => self.json_line(value)?,
            Layout::Name => self.names([name])?,
            Layout::Table { .. } => self.table(Some(head), rows, None)?,
            Layout::Tabs | Layout::Csv => self.rows(Some(head), rows)?,
        }
        self.to.flush()
    }

    /// Prints a value as JSON or YAML.
    pub(crate) fn value(&mut self, value: &impl Serialize) -> io::Result<()> {
        match self.layout {
            Layout::Yaml => self.yaml(value)?,
            _ => self.json(&serde_json::to_string_pretty(value)?)?,
        }
        self.to.flush()
    }

    /// Prints names, one in a line.
    pub(crate) fn names(&mut self, names: impl IntoIterator<Item = String>) -> io::Result<()> {
        names.into_iter().try_for_each(|name| self.line(escape(name)))
    }

    /// Prints rows of cells under a header, if there is one.
    pub(crate) fn rows(
        &mut self,
        head: Option<Vec<String>>,
        rows: impl Iterator<Item = Vec<Cell>>,
    ) -> io::Result<()> {
        let Layout::Table { fit_to_width } = self.layout else {
            if let Some(head) = head {
                self.row(head)?;
            }
            return rows.into_iter().try_for_each(|row| self.cells(&row));
        };
        let width = size().filter(|_| fit_to_width).map(|(columns, _)| columns);
        self.table(head, rows, width)
    }

    fn table(
        &mut self,
        head: Option<Vec<String>>,
        rows: impl Iterator<Item = Vec<Cell>>,
        width: Option<usize>,
    ) -> io::Result<()> {
        let now = now();
        let shown = |cell: Cell| Text {
            text: escape(cell.readable(now)),
            least: cell.least(),
            tone: cell.tone().filter(|_| self.has_colour),
        };
        let rows: Vec<Vec<Text>> = rows.map(|row| row.into_iter().map(shown).collect()).collect();
        let rule = size().filter(|_| self.is_terminal).map(|(columns, _)| columns);
        for line in table::lines(head, &rows, width, rule) {
            writeln!(self.to, "{line}")?;
        }
        Ok(())
    }

    /// Prints cells as a row by itself: comma-separated, else tab-separated.
    pub(crate) fn cells(&mut self, cells: &[Cell]) -> io::Result<()> {
        if !self.has_colour || self.layout == Layout::Csv {
            return self.row(cells.iter().map(Cell::exact).collect());
        }
        let texts = cells.iter().map(|cell| coloured(&escape(cell.exact()), cell.tone()));
        writeln!(self.to, "{}", texts.collect::<Vec<_>>().join("\t"))
    }

    /// Prints a row by itself: comma-separated, else tab-separated.
    pub(crate) fn row(&mut self, row: Vec<String>) -> io::Result<()> {
        match self.layout {
            Layout::Csv => self.csv_row(&row),
            _ => writeln!(self.to, "{}", row.into_iter().map(escape).collect::<Vec<_>>().join("\t")),
        }
    }

    /// Prints a row of comma-separated values.
    pub(crate) fn csv_row<C: AsRef<[u8]>>(&mut self, row: &[C]) -> io::Result<()> {
        if !self.is_terminal {
            return write_csv(&mut self.to, row);
        }
        let mut csv = Vec::new();
        write_csv(&mut csv, row)?;
        self.to.write_all(harmless(&String::from_utf8_lossy(&csv)).as_bytes())
    }

    /// Prints a value as one line of JSON.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.json(&serde_json::to_string(value)?)
    }

    fn json(&mut self, json: &str) -> io::Result<()> {
        let shown = if self.is_terminal { harmless_json(json) } else { json.into() };
        writeln!(self.to, "{shown}")
    }

    /// Prints a value as one of several documents of YAML.
    pub(crate) fn document(&mut self, value: &impl Serialize) -> io::Result<()> {
        writeln!(self.to, "---")?;
        self.yaml(value)
    }

    fn yaml(&mut self, value: &impl Serialize) -> io::Result<()> {
        // Through JSON, so that the keys are texts as they are there.
        let json = serde_json::to_string(value)?;
        let value: Ordered = serde_json::from_str(&json)?;
        let yaml = serde_saphyr::to_string(&value).map_err(io::Error::other)?;
        let shown = if self.is_terminal { harmless(&yaml) } else { yaml.as_str().into() };
        write!(self.to, "{shown}")
    }

    /// Returns whether the output is a terminal that shows a table, and can replace it.
    pub(crate) fn is_screen(&self) -> bool {
        matches!(self.layout, Layout::Table { fit_to_width: true }) && !terminal_is_dumb()
    }

    /// Returns the rows of the terminal, if it shows a table.
    pub(crate) fn rows_of_screen(&self) -> Option<usize> {
        size().filter(|_| self.is_screen()).map(|(_, rows)| rows)
    }

    /// Clears the terminal.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.to.write_all(b"\x1b[H\x1b[2J")
    }

    /// Prints a line in place of the status line: unchanged, on a terminal without control of it.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> io::Result<()> {
        self.clear_status()?;
        let text = text.to_string();
        let shown = if self.is_terminal { harmless(&text) } else { text.as_str().into() };
        writeln!(self.to, "{shown}")
    }

    /// Prints a sentence, whose line a terminal breaks between words.
    pub(crate) fn sentence(&mut self, text: &str) -> io::Result<()> {
        let columns = size().filter(|_| self.is_terminal).map(|(columns, _)| columns);
        self.line(columns.map_or_else(|| text.to_owned(), |columns| wrap(text, columns)))
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
        size().filter(|_| self.is_screen()).map_or(80, |(columns, _)| columns)
    }

    /// Flushes the lines printed so far.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn write_csv<C: AsRef<[u8]>>(to: &mut impl Write, row: &[C]) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(row).map_err(io::Error::other)?;
    to.write_all(&csv.into_inner().map_err(|error| io::Error::other(error.to_string()))?)
}

/// Returns the beginning of texts that fits into a line of a terminal, without its last column.
fn fitting(texts: impl Iterator<Item = String>, columns: usize) -> String {
    let mut line = String::new();
    let mut left = columns.saturating_sub(1);
    for text in texts {
        let gap = if line.is_empty() { "" } else { "  " };
        for c in gap.chars().chain(escape(text).chars()) {
            let width = c.width().unwrap_or(0);
            if width > left {
                return line;
            }
            left -= width;
            line.push(c);
        }
    }
    line
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
            "name  value\n───────────\na     1\nb, c  2\n"
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
