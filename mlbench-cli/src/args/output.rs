use clap::Args;

use crate::output::Format;

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OutputArgs {
    /// Output format: table, csv or json [default: table on a terminal, else tab-separated columns]
    #[arg(short, long, value_enum, value_name = "FORMAT", hide_possible_values = true, display_order = 800)]
    pub(crate) output: Option<Format>,
}
