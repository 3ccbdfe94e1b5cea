//! [`Format`], which the user chooses, and [`Layout`], in which the output comes.

use clap::ValueEnum;

/// Output format that the user chooses with `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for people
    Table,
    /// A table with more columns
    Wide,
    /// JSON as in the API
    Json,
    /// The same as JSON, in YAML
    Yaml,
    /// Comma-separated values with a header
    Csv,
    /// JSON with one item in a line
    Ndjson,
    /// What other commands take, one in a line
    Name,
}

impl Format {
    /// Returns the name that the user writes.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Wide => "wide",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Name => "name",
        }
    }

    /// Returns whether the format has columns.
    pub(crate) const fn has_columns(self) -> bool {
        matches!(self, Self::Table | Self::Wide | Self::Csv)
    }
}

/// How the output is laid out, once the format and the terminal are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Aligned columns, on a terminal cut to its width.
    Table { fit_to_width: bool },
    /// Tab-separated columns, one line per row, for `cut` and `awk`.
    Tabs,
    /// Comma-separated values.
    Csv,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// JSON, one item in a line.
    Ndjson,
    /// Names only.
    Name,
}

impl Layout {
    /// Returns the layout of a format. Without one, it is a table on a terminal, else tabs.
    pub(super) const fn of(format: Option<Format>, is_terminal: bool) -> Self {
        match format {
            None if is_terminal => Self::Table { fit_to_width: true },
            None => Self::Tabs,
            Some(Format::Table | Format::Wide) => Self::Table { fit_to_width: is_terminal },
            Some(Format::Csv) => Self::Csv,
            Some(Format::Json) => Self::Json,
            Some(Format::Yaml) => Self::Yaml,
            Some(Format::Ndjson) => Self::Ndjson,
            Some(Format::Name) => Self::Name,
        }
    }
}
