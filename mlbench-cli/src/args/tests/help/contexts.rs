use insta::assert_snapshot;

use super::help;

#[test]
fn context_prints_help() {
    assert_snapshot!(help("context"), @r"
    Give servers names, and choose one of them

    Usage: mlbench context [OPTIONS] <COMMAND>

    Commands:
      add     Give a server a name. The first context is the current one
      use     Make a context the current one
      list    List all contexts
      show    Show a context, without its token
      remove  Remove a context with its token
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    ");
}

#[test]
fn context_add_prints_help() {
    assert_snapshot!(help("context add"), @r"
    Give a server a name. The first context is the current one

    Usage: mlbench context add [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name of the context

    Options:
      -h, --help  Print help

    The token comes from --token-file, whose path is kept, or later from `mlbench
    login`. The file of contexts is mlbench/config.toml in $XDG_CONFIG_HOME, else in
    ~/.config, and only you can read it.

    Examples:
      mlbench context add lab --url https://bench.example
      mlbench context add lab --url https://bench.example --token-file ~/lab.token
    ");
}

#[test]
fn context_list_prints_help() {
    assert_snapshot!(help("context list"), @r"
    List all contexts

    Usage: mlbench context list [OPTIONS]

    Options:
      -o, --output <FORMAT>    Output format: table, wide, json, yaml, csv, ndjson
                               or name [default: table on a terminal, else tabs]
          --columns <COLUMNS>  Columns to show, separated by commas [default: those
                               of the format]
          --sort-by <COLUMN>   Column to sort by, with - in front for descending
                               order
          --no-headers         Leave out the names of the columns
      -h, --help               Print help

    Example:
      mlbench context list -o name
    ");
}

#[test]
fn login_prints_help() {
    assert_snapshot!(help("login"), @r"
    Store the token of a server for later commands

    Usage: mlbench login [OPTIONS]

    Options:
      -h, --help  Print help

    The token is asked for without showing it, or comes from a pipe or --token-file.
    It is stored if the server accepts it. It goes to the context of --context, of
    --url, or else the current one. A server without a context gets one.

    Examples:
      mlbench login --url https://bench.example
      mlbench login --context lab < lab.token
    ");
}

#[test]
fn logout_prints_help() {
    assert_snapshot!(help("logout"), @r"
    Remove the stored token of a server

    Usage: mlbench logout [OPTIONS]

    Options:
      -h, --help  Print help

    Example:
      mlbench logout --context lab
    ");
}
