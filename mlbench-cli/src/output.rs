//! What the user sees: the only place that prints.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use mlbench_client::Timestamp;
use serde::Serialize;

/// The forms a user can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for people
    Table,
    /// Comma-separated values with a header
    Csv,
    /// JSON as the API has it
    Json,
}

/// The forms there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Aligned columns; on a terminal they are made to fit into its width.
    Table { fit: bool },
    /// Columns separated by tabs, a line for each row: for `cut` and `awk`.
    Tabs,
    /// Comma-separated values.
    Csv,
    /// JSON.
    Json,
}

/// A header line and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Writes answers in the form that was asked for.
pub(crate) struct Printer<W: Write> {
    form: Form,
    to: W,
}

impl Printer<BufWriter<StdoutLock<'static>>> {
    /// To standard output: a table on a terminal and tabs elsewhere, unless `format` says otherwise.
    pub(crate) fn stdout(format: Option<Format>) -> Self {
        let stdout = io::stdout().lock();
        let form = match format {
            None if stdout.is_terminal() => Form::Table { fit: true },
            None => Form::Tabs,
            Some(Format::Table) => Form::Table { fit: stdout.is_terminal() },
            Some(Format::Csv) => Form::Csv,
            Some(Format::Json) => Form::Json,
        };
        Self { form, to: BufWriter::new(stdout) }
    }
}

impl<W: Write> Printer<W> {
    #[cfg(test)]
    pub(crate) fn new(form: Form, to: W) -> Self {
        Self { form, to }
    }

    /// The form, for what depends on it.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// A date: short for people, exact for programs.
    pub(crate) fn date(&self, date: Timestamp) -> String {
        match self.form {
            Form::Table { .. } => date.to_text().as_str()[..19].replacen('T', " ", 1),
            _ => date.to_string(),
        }
    }

    /// Whether the form is made to be looked at, not to be read by programs.
    pub(crate) const fn is_for_people(&self) -> bool {
        matches!(self.form, Form::Table { .. })
    }

    /// `answer` as JSON, or its `rows` under `head`.
    pub(crate) fn print<const N: usize>(
        &mut self,
        answer: &impl Serialize,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> io::Result<()> {
        match self.form {
            Form::Json => {
                serde_json::to_writer_pretty(&mut self.to, answer)?;
                self.to.write_all(b"\n")?;
            }
            Form::Csv => self.csv(head, rows)?,
            Form::Tabs => self.tabs(head, rows)?,
            Form::Table { fit } => self.table(fit, head, rows)?,
        }
        self.to.flush()
    }

    /// A value as JSON on a line of its own.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.to, value)?;
        self.to.write_all(b"\n")
    }

    /// A row of comma-separated values.
    pub(crate) fn csv_row(&mut self, row: &[&str]) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(&mut self.to);
        csv.write_record(row).map_err(io_error)?;
        csv.flush()
    }

    /// A line as it is.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> io::Result<()> {
        writeln!(self.to, "{text}")
    }

    /// Makes the lines so far visible.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    fn csv<const N: usize>(
        &mut self,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(&mut self.to);
        csv.write_record(head).map_err(io_error)?;
        for row in rows {
            csv.write_record(row).map_err(io_error)?;
        }
        csv.flush()
    }

    fn tabs<const N: usize>(
        &mut self,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> io::Result<()> {
        writeln!(self.to, "{}", head.join("\t"))?;
        for row in rows {
            writeln!(self.to, "{}", row.map(visible).join("\t"))?;
        }
        Ok(())
    }

    fn table<const N: usize>(
        &mut self,
        fit: bool,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(STYLE).set_header(head);
        if fit {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.force_no_tty();
        }
        table.add_rows(rows.into_iter().map(|row| row.map(visible)));
        for column in table.column_iter_mut() {
            column.set_padding((0, 1));
        }
        for line in table.lines() {
            writeln!(self.to, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The error of the writer itself, whose kind tells a reader that went away.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Control characters as their escapes: a value cannot break a row or steer the terminal.
fn visible(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// A note or an error for the user, on standard error.
pub(crate) fn say(text: impl fmt::Display) {
    // There is nobody left to tell when this fails.
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(form: Form, value: &str) -> String {
        let mut to = Vec::new();
        let rows = [["a".to_owned(), value.to_owned()], ["b, c".to_owned(), "2".to_owned()]];
        Printer::new(form, &mut to).print(&["answer"], ["name", "value"], rows).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn each_form_says_the_same() {
        assert_eq!(printed(Form::Table { fit: false }, "1"), "name  value\n────────────\na     1\nb, c  2\n");
        assert_eq!(printed(Form::Tabs, "1"), "name\tvalue\na\t1\nb, c\t2\n");
        assert_eq!(printed(Form::Csv, "1"), "name,value\na,1\n\"b, c\",2\n");
        assert_eq!(printed(Form::Json, "1"), "[\n  \"answer\"\n]\n");
    }

    /// A reader that is gone.
    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_is_gone_is_known_in_every_form() {
        for form in [Form::Table { fit: false }, Form::Tabs, Form::Csv, Form::Json] {
            let mut printer = Printer::new(form, Gone);
            let error = printer.print(&[1], ["a"], [["b".to_owned()]]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{form:?}");
        }
    }

    #[test]
    fn a_value_cannot_break_a_row_or_steer_the_terminal() {
        let value = "x\n\t\u{1b}[2J";
        assert_eq!(printed(Form::Tabs, value).lines().nth(1), Some("a\tx\\n\\t\\u{1b}[2J"));
        assert!(printed(Form::Table { fit: false }, value).contains("x\\n\\t\\u{1b}[2J"));
        assert!(printed(Form::Csv, value).contains("a,\"x\n\t\u{1b}[2J\""));
    }
}
