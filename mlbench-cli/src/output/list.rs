//! [`List`]: the columns, order and header that the user has chosen for a list.

use std::io::{self, Write};
use std::str::FromStr;

use mlbench_core::api::nearest;
use mlbench_core::quote::quote;
use serde::Serialize;

use super::cell::Cell;
use super::column::{Column, Columns, Shown};
use super::format::{Format, Layout};
use super::printer::Printer;

/// What the user says about a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListOptions {
    pub(crate) format: Option<Format>,
    /// Names of columns. Empty for those of the format.
    pub(crate) columns: Vec<String>,
    pub(crate) sort_by: Option<SortBy>,
    pub(crate) no_headers: bool,
}

impl ListOptions {
    /// Returns whether the user asks for rows, rather than for what is best to read.
    pub(crate) fn names_rows(&self) -> bool {
        self.format == Some(Format::Wide)
            || !self.columns.is_empty()
            || self.sort_by.is_some()
            || self.no_headers
    }
}

/// A column to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SortBy {
    column: String,
    is_descending: bool,
}

impl FromStr for SortBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (column, is_descending) = match text.strip_prefix('-') {
            Some(column) => (column, true),
            None => (text, false),
        };
        if column.is_empty() {
            return Err("must be a column, with - in front for descending order".to_owned());
        }
        Ok(Self { column: column.to_owned(), is_descending })
    }
}

/// The error of a column that the items of a list do not have.
#[derive(Debug, thiserror::Error)]
#[error("{option} {}: unknown column; {hint}", quote(.name))]
pub(crate) struct UnknownColumn {
    option: &'static str,
    name: String,
    hint: String,
}

/// The columns, order and header of a list.
pub(crate) struct List<T> {
    columns: Vec<Column<T>>,
    sort_by: Option<(Column<T>, bool)>,
    has_header: bool,
    name: fn(&T) -> String,
}

impl<T> List<T> {
    /// Chooses what the options say from all columns.
    ///
    /// # Errors
    /// If no column has the name that an option says.
    pub(crate) fn new(options: &ListOptions, all: &Columns<T>) -> Result<Self, UnknownColumn> {
        let find = |option, name: &str| all.find(name).ok_or_else(|| unknown(option, name, all));
        let is_wide = options.format == Some(Format::Wide);
        let is_shown =
            |column: &&Column<T>| column.shown == Shown::Always || (is_wide && column.shown == Shown::Wide);
        let columns = match options.columns.as_slice() {
            [] => all.all.iter().filter(is_shown).cloned().collect(),
            names => names.iter().map(|name| find("--columns", name)).collect::<Result<_, _>>()?,
        };
        let sort_by = match &options.sort_by {
            Some(SortBy { column, is_descending }) => Some((find("--sort-by", column)?, *is_descending)),
            None => None,
        };
        Ok(Self { columns, sort_by, has_header: !options.no_headers, name: all.name })
    }

    /// Prints items, which are also the JSON array.
    pub(crate) fn print(&self, printer: &mut Printer<impl Write>, mut items: Vec<T>) -> io::Result<()>
    where
        T: Serialize,
    {
        self.sort(&mut items);
        match printer.layout() {
            Layout::Json | Layout::Yaml => printer.value(&items),
            _ => self.print_rows(printer, &items),
        }
    }

    /// Prints items of a value that is no array of them.
    pub(crate) fn print_of(
        &self,
        printer: &mut Printer<impl Write>,
        value: &impl Serialize,
        mut items: Vec<T>,
    ) -> io::Result<()>
    where
        T: Serialize,
    {
        match printer.layout() {
            Layout::Json | Layout::Yaml => printer.value(value),
            _ => {
                self.sort(&mut items);
                self.print_rows(printer, &items)
            }
        }
    }

    /// Prints the names of the columns by themselves, where a row alone makes sense.
    pub(crate) fn print_head(&self, printer: &mut Printer<impl Write>) -> io::Result<()> {
        let layout = printer.layout();
        if self.has_header && matches!(layout, Layout::Table { .. } | Layout::Tabs | Layout::Csv) {
            printer.row(self.head())?;
        }
        Ok(())
    }

    /// Prints an item by itself. `change` may replace the cell of a column.
    pub(crate) fn print_one(
        &self,
        printer: &mut Printer<impl Write>,
        item: &T,
        change: impl Fn(&str, Cell) -> Cell,
    ) -> io::Result<()>
    where
        T: Serialize,
    {
        match printer.layout() {
            Layout::Json | Layout::Ndjson => printer.json_line(item),
            Layout::Yaml => printer.document(item),
            Layout::Name => printer.line((self.name)(item)),
            _ => {
                let cells = self.columns.iter().map(|column| change(&column.name, (column.cell)(item)));
                printer.cells(&cells.collect::<Vec<_>>())
            }
        }
    }

    fn print_rows(&self, printer: &mut Printer<impl Write>, items: &[T]) -> io::Result<()>
    where
        T: Serialize,
    {
        match printer.layout() {
            Layout::Ndjson => items.iter().try_for_each(|item| printer.json_line(item))?,
            Layout::Name => printer.names(items.iter().map(self.name))?,
            _ => {
                let head = self.has_header.then(|| self.head());
                let row = |item| self.columns.iter().map(|column| (column.cell)(item)).collect();
                printer.rows(head, items.iter().map(row))?;
            }
        }
        printer.flush()
    }

    fn head(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.to_string()).collect()
    }

    fn sort(&self, items: &mut [T]) {
        if let Some((column, is_descending)) = &self.sort_by {
            items.sort_by(|one, two| (column.cell)(one).order(&(column.cell)(two), *is_descending));
        }
    }
}

fn unknown<T>(option: &'static str, name: &str, all: &Columns<T>) -> UnknownColumn {
    let mut known: Vec<&str> = all.names().collect();
    let nearest = nearest(name, known.iter().copied()).map(|near| format!("did you mean {near}? "));
    known.extend(all.family.iter().map(|(form, _)| *form));
    let hint = format!("{}the columns are {}", nearest.unwrap_or_default(), known.join(", "));
    UnknownColumn { option, name: name.to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Columns<(u32, &'static str)> {
        Columns::new(
            |item| format!("id:{}", item.0),
            [
                Column::new("id", |item: &(u32, &str)| Cell::count(item.0)),
                Column::wide("word", |item: &(u32, &str)| Cell::text(item.1)),
                Column::named("length", |item: &(u32, &str)| Cell::number(item.1.len() as f64)),
            ],
        )
        .with_family("starts.TEXT", |name| {
            let text = name.strip_prefix("starts.")?.to_owned();
            let column = name.to_owned();
            Some(Column::named(column, move |item: &(u32, &str)| {
                Cell::text(item.1.starts_with(&text).to_string())
            }))
        })
    }

    fn printed(options: &ListOptions) -> String {
        let mut to = Vec::new();
        let layout = Layout::of(options.format, false);
        let list = List::new(options, &all()).unwrap();
        list.print(&mut Printer::new(layout, &mut to), vec![(2, "b"), (1, "cc"), (10, "")]).unwrap();
        String::from_utf8(to).unwrap()
    }

    fn options(format: Option<Format>, columns: &str, sort_by: Option<&str>) -> ListOptions {
        let columns = columns.split_whitespace().map(str::to_owned).collect();
        ListOptions { format, columns, sort_by: sort_by.map(|text| text.parse().unwrap()), no_headers: false }
    }

    #[test]
    fn each_format_has_its_columns() {
        assert_eq!(printed(&options(None, "", None)), "id\n2\n1\n10\n");
        let wide = "id  word\n────────\n2   b\n1   cc\n10\n";
        assert_eq!(printed(&options(Some(Format::Wide), "", None)), wide);
        assert_eq!(printed(&options(Some(Format::Csv), "", None)), "id\n2\n1\n10\n");
        assert_eq!(printed(&options(Some(Format::Name), "", None)), "id:2\nid:1\nid:10\n");
        assert_eq!(printed(&options(Some(Format::Ndjson), "", None)), "[2,\"b\"]\n[1,\"cc\"]\n[10,\"\"]\n");
        assert_eq!(printed(&options(Some(Format::Yaml), "", None)).lines().count(), 6);
    }

    #[test]
    fn columns_are_chosen_and_rows_are_sorted() {
        assert_eq!(
            printed(&options(None, "length starts.c id", Some("id"))),
            "length\tstarts.c\tid\n2\ttrue\t1\n1\tfalse\t2\n0\tfalse\t10\n"
        );
        let json = printed(&options(Some(Format::Json), "", Some("-word")));
        assert_eq!(json.split_whitespace().collect::<String>(), r#"[[1,"cc"],[2,"b"],[10,""]]"#);
        let bare = ListOptions { no_headers: true, ..options(Some(Format::Table), "word", None) };
        assert_eq!(printed(&bare), "b\ncc\n\n");
    }

    #[test]
    fn an_unknown_column_is_refused_with_those_there_are() {
        let refusal = |columns, sort_by| {
            List::new(&options(None, columns, sort_by), &all()).map(|_| ()).unwrap_err().to_string()
        };
        assert_eq!(
            refusal("id wrd", None),
            "--columns \"wrd\": unknown column; did you mean word? the columns are id, word, length, starts.TEXT"
        );
        let text = "--sort-by \"x\": unknown column; the columns are id, word, length, starts.TEXT";
        assert_eq!(refusal("id", Some("-x")), text);
        assert!("-".parse::<SortBy>().is_err() && "".parse::<SortBy>().is_err());
    }
}
