use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Shows workers and runs as they change: CPU, memory, state, progress, the newest loss, and the accuracy against the goal. \
Keys: arrows or j and k select a run, Enter opens its charts, l follows its output, s stops it after a question, / filters, \
? lists all keys, q goes back and quits. Without a terminal, use `mlbench runs list --watch`.

With --color never, or with any text in NO_COLOR, the dashboard has no colours.

Example:
  mlbench top")]
pub(crate) struct TopArgs {}
