//! The project's own commands, `cargo xtask COMMAND`.

mod bench;
mod dashboard;
mod demo;
mod dist;
mod install;
mod repo;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
The project's own commands.

Usage: cargo xtask COMMAND

Commands:
  bench [--quick] [--only NAME]...
      Measure the speed of the server next to the limits of SQLite and the loopback interface. Print a table and write
      target/bench/speed.json.
      NAME: start, memory, disk, single, synced, batch, read, last, minmax, summarize, runs, events,
            sealing, mixed, edges, curves, huge, mlflow, compare, page, log
  dashboard
      Build the page of the server. Needs Node 20 or newer.
  demo [--keep]
      Train the built-in benchmark on 1, 2 and 4 workers and on real data, and print the results.
      --keep leaves the server running, with the runs to compare in its page.
  dist
      Build the page and both programs, and pack them with manual pages and completions: an archive, a Debian package
      and their checksums in target/dist/.
  install [--root DIR]
      Build the page, and install the server and the command line.
  test [--kube] [--strict] [--only STEP]...
      Run everything: format, page, clippy, tidy, unit, end-to-end and doc tests. List at the end what was skipped, and why.
      --kube also tests on the cluster of the current kubeconfig. --strict fails if anything was skipped.
  tidy
      Check the invariants of ARCHITECTURE.md and the rules of STYLE.md.
  help
      Print this text.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = args.split_first() else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    if matches!(command.as_str(), "help" | "--help" | "-h")
        || rest.iter().any(|arg| arg == "--help" || arg == "-h")
    {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let outcome = match command.as_str() {
        "bench" => bench::run(rest),
        "dashboard" => dashboard::run(rest),
        "demo" => demo::run(rest),
        "dist" => dist::run(rest),
        "install" => install::run(rest),
        "test" => test::run(rest),
        "tidy" if rest.is_empty() => tidy::run(),
        _ => Err(format!("cargo xtask {}: unknown command; see cargo xtask help", args.join(" "))),
    };
    match outcome {
        Ok(code) => code,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
