//! How a command prints: its format, and the columns, order and header of a list.

use clap::Args;

use crate::output::{ColorChoice, Format, ListOptions, Screen, SortBy};

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OutputArgs {
    /// Output format: table, wide, json, yaml, csv, ndjson or name [default: table on a terminal, else tabs]
    #[arg(short, long, value_enum, value_name = "FORMAT", hide_possible_values = true, display_order = 800)]
    pub(crate) output: Option<Format>,
}

/// How a list is printed.
#[derive(Debug, Args)]
pub(crate) struct ListOutputArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) rows: RowsArgs,
}

/// The columns, order and header of a list.
#[derive(Debug, Args)]
pub(crate) struct RowsArgs {
    /// Columns to show, separated by commas [default: those of the format]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', display_order = 802)]
    pub(crate) columns: Vec<String>,
    /// Column to sort by, with - in front for descending order
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true, display_order = 803)]
    pub(crate) sort_by: Option<SortBy>,
    /// Leave out the names of the columns
    #[arg(long, display_order = 804)]
    pub(crate) no_headers: bool,
}

impl ListOutputArgs {
    /// Returns what the user says about the list.
    pub(crate) fn options(&self) -> ListOptions {
        self.rows.options(self.output.output)
    }
}

impl RowsArgs {
    /// Returns what the user says about the list.
    pub(crate) fn options(&self, format: Option<Format>) -> ListOptions {
        ListOptions {
            format,
            columns: self.columns.clone(),
            sort_by: self.sort_by.clone(),
            no_headers: self.no_headers,
        }
    }

    /// Names an option that has no effect in a format. JSON may have an order of its own.
    pub(super) fn without_effect(&self, format: Option<Format>, is_ordered: bool) -> Option<String> {
        let format = format.filter(|format| !format.has_columns())?;
        let word = format.as_str();
        if !self.columns.is_empty() {
            return Some(format!("--columns: no effect with --output {word}; use table, wide or csv"));
        }
        if is_ordered && self.sort_by.is_some() && matches!(format, Format::Json | Format::Yaml) {
            return Some(format!("--sort-by: no effect with --output {word}; use ndjson, csv or table"));
        }
        self.no_headers.then(|| format!("--no-headers: no effect with --output {word}; leave it out"))
    }
}

/// Returns what the user and the environment say about standard output.
pub(super) fn screen(color: ColorChoice) -> Screen {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    Screen { color, is_plain: is_set("NO_COLOR") || is_dumb, is_dumb, pager: std::env::var("PAGER").ok() }
}
