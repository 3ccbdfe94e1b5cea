use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Shows workers and runs as they change: CPU, memory, state, progress, the newest loss, and the accuracy against the goal. \
Keys: arrows or j and k select a run, Enter opens its charts, l follows its output, s stops it after a question, / filters, \
? lists all keys, q goes back and quits. Without a terminal, use `mlbench runs list --watch`.

Set NO_COLOR to any text for a dashboard without colours.

Example:
  mlbench top")]
pub(crate) struct TopArgs {}

impl TopArgs {
    /// Returns whether the environment allows colours (see no-color.org).
    pub(crate) fn has_colours() -> bool {
        std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty())
    }

    /// Returns whether the terminal is known to show lines only.
    pub(crate) fn terminal_is_dumb() -> bool {
        std::env::var_os("TERM").is_some_and(|name| name == "dumb")
    }
}
