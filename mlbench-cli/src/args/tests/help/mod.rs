//! The help texts, as they appear on a terminal with 80 columns.

mod analysis;
mod benchmark;
mod contexts;
mod metrics;
mod python;
mod runs;
mod sweep;

use clap::CommandFactory;
use insta::assert_snapshot;

use crate::args::Cli;

/// Returns the help text of the command at `path`, such as `runs start`.
fn full_help(path: &str) -> String {
    let mut command = Cli::command().term_width(80);
    command.build();
    let command = path.split_whitespace().fold(&mut command, |command, name| {
        command.find_subcommand_mut(name).unwrap_or_else(|| panic!("no command {name}"))
    });
    command.render_help().to_string()
}

/// Returns the section on global options, which is the same for every command.
fn server_section(help: &str) -> &str {
    let start = help.find("\nGlobal options:\n").unwrap();
    let end = help[start..].find("\n\n").map_or(help.trim_end().len(), |length| start + length);
    &help[start..end]
}

/// Returns the help text of the command at `path` without the section on global options.
fn help(path: &str) -> String {
    let help = full_help(path);
    let server = server_section(&help);
    assert_eq!(server, server_section(&full_help("")), "{path}");
    help.replacen(&format!("\n{server}"), "", 1)
}

#[test]
fn the_program_prints_help() {
    assert_snapshot!(full_help(""), @r"
    Run distributed machine-learning benchmarks and read their metrics

    Usage: mlbench [OPTIONS] <COMMAND>

    Commands:
      runs         Start, watch, stop and delete runs
      metrics      Show the metrics of a run or of pods, or store a metric
      log          Store the metrics that a program writes, read from standard input
      import       Import event files of TensorBoard and CSV as runs
      pods         List the worker pods in the cluster
      top          Watch workers and runs on a dashboard in the terminal
      context      Give servers names, and choose one of them
      login        Store the token of a server for later commands
      logout       Remove the stored token of a server
      benchmark    Run a built-in reference benchmark, as a worker or by hand
      completions  Print the script that makes a shell complete command lines
      man          Write the manual pages of all commands
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Global options:
          --url <URL>
              URL of the server [default: that of the context, else
              http://127.0.0.1:8000] [env: MLBENCH_URL]
          --context <NAME>
              Server with this name in `mlbench context list` [default: the current
              one] [env: MLBENCH_CONTEXT]
          --token-file <FILE>
              File with the bearer token [default: the token in MLBENCH_TOKEN, else
              of the context]
          --kube
              Reach a server in Kubernetes by kubectl port-forward, instead of --url
          --kube-context <CONTEXT>
              Context of kubectl [default: the current context]
          --kube-namespace <NAMESPACE>
              Namespace of the server [default: the namespace of the context]
          --kube-release <NAME>
              Release of the server, if the namespace has several
          --color <WHEN>
              Colour states: auto, always or never [default: auto, which is on a
              terminal without NO_COLOR]

    Exit codes:
      0    success
      1    failure
      2    usage error
      3    not found
      4    authentication failed: token missing or not accepted
      5    conflict: another run is active
      6    the awaited run failed or was stopped
      7    server unreachable
      130  interrupted with Ctrl-C (143 with SIGTERM)

    Data goes to standard output, messages go to standard error. With -o json, yaml
    or ndjson, the last line of standard error is a JSON object about the failure:
    code, message, field, hint, status, request_id and exit_code.

    Examples:
      mlbench runs start --name first --workers 2 --wait
      mlbench runs logs first --follow
      mlbench metrics --run first --metric 'val_global_Prec@1 @ 0' --last 1
      mlbench --url http://127.0.0.1:9000 pods -o json
    ");
}
