//! Arguments of `mlbench context`, `login` and `logout`.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::output::{ListOutputArgs, OutputArgs};
use crate::candidates;

#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// Give a server a name. The first context is the current one
    #[command(after_help = "\
The token comes from --token-file, whose path is kept, or later from `mlbench login`. The file of contexts is \
mlbench/config.toml in $XDG_CONFIG_HOME, else in ~/.config, and only you can read it.

Examples:
  mlbench context add lab --url https://bench.example
  mlbench context add lab --url https://bench.example --token-file ~/lab.token")]
    Add(ContextName),
    /// Make a context the current one
    #[command(after_help = "Example:\n  mlbench context use lab")]
    Use(KnownContext),
    /// List all contexts
    #[command(after_help = "Example:\n  mlbench context list -o name")]
    List(ListOutputArgs),
    /// Show a context, without its token
    #[command(after_help = "Example:\n  mlbench context show")]
    Show(ShowContextArgs),
    /// Remove a context with its token
    #[command(after_help = "Example:\n  mlbench context remove lab")]
    Remove(KnownContext),
}

#[derive(Debug, Args)]
pub(crate) struct ContextName {
    /// Name of the context
    #[arg(value_name = "NAME", value_parser = parse_name)]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct KnownContext {
    /// Name of the context
    #[arg(value_name = "NAME", value_parser = parse_name, add = ArgValueCompleter::new(candidates::contexts))]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct ShowContextArgs {
    /// Name of the context [default: the current one]
    #[arg(value_name = "NAME", value_parser = parse_name, add = ArgValueCompleter::new(candidates::contexts))]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Parses the name of a context: a word, so that it needs no quotes anywhere.
pub(super) fn parse_name(text: &str) -> Result<String, &'static str> {
    let is_word = |c: char| c.is_alphanumeric() || "-_.:@".contains(c);
    let is_valid = (1..=100).contains(&text.chars().count()) && text.chars().all(is_word);
    is_valid.then(|| text.to_owned()).ok_or("must have 1 to 100 letters, digits or any of - _ . : @")
}
