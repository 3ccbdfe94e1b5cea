use insta::assert_snapshot;

use super::help;

#[test]
fn metrics_prints_help() {
    assert_snapshot!(help("metrics"), @r"
    Show the metrics of a run or of pods, or store a metric

    Usage: mlbench metrics [OPTIONS]
           mlbench metrics <COMMAND>

    Commands:
      post  Store a metric of a run or a pod and show it as stored
      help  Print this message or the help of the given subcommand(s)

    Options:
          --run <RUN>           Metrics of this run, by id or name [default: all
                                pods in the cluster]
          --pod <NAME>          Metrics of this pod
      -w, --watch               Go on and show points as they arrive, until the run
                                has ended. First come the newest of each metric
          --since <TIME>        Only points at or after TIME: a date
                                (2018-08-03T09:21:29Z) or an age (30s, 10m, 2h, 1d)
          --until <TIME>        Only points at or before TIME: a date or an age
          --metric <NAME>       Only the metric with exactly this name. Repeat the
                                flag for several
          --all                 All points, where a table would have the newest of
                                each metric only. Other formats have all points
          --last <N>            Only the newest N points of each metric
          --summarize <N>       At most N points of each metric, averaging
                                consecutive points
      -o, --output <FORMAT>     Output format: that of lists, or arrow or parquet
                                [default: table on a terminal, else tabs]
      -O, --output-file <FILE>  File for arrow or parquet, or - for standard output
                                [default: -, but not on a terminal]
          --columns <COLUMNS>   Columns to show, separated by commas [default: those
                                of the format]
          --sort-by <COLUMN>    Column to sort by, with - in front for descending
                                order
          --no-headers          Leave out the names of the columns
      -h, --help                Print help

    Examples:
      mlbench metrics --run first
      mlbench metrics --run first --all --sort-by=-date
      mlbench metrics --run first --watch
      mlbench metrics --run 2 --since 2018-08-03T09:21:29Z
      mlbench metrics --run first --metric 'train_loss @ 0' --summarize 20
      mlbench metrics --pod local-mlbench-worker-0 --since 10m --last 5 -o csv
      mlbench metrics --run first -o parquet --output-file first.parquet
      mlbench metrics post --run 2 --name accuracy --value 0.7845
    ");
}

#[test]
fn metrics_post_prints_help() {
    assert_snapshot!(help("metrics post"), @r"
    Store a metric of a run or a pod and show it as stored

    Usage: mlbench metrics post [OPTIONS] --name <NAME> --value <VALUE> <--run <RUN>|--pod <NAME>>

    Options:
          --run <RUN>        Run that the metric belongs to, by id or name
          --pod <NAME>       Pod that the metric belongs to
          --name <NAME>      Name of the metric
          --value <VALUE>    Measured value: a number or any text
          --date <TIME>      Time of the measurement: a date or an age such as 10m
                             [default: now]
          --cumulative       Mark the value as one that adds up over time
          --metadata <TEXT>  Free text to store with the metric
      -o, --output <FORMAT>  Output format: table, wide, json, yaml, csv, ndjson or
                             name [default: table on a terminal, else tabs]
      -h, --help             Print help

    Examples:
      mlbench metrics post --run first --name 'accuracy @ 0' --value 0.7845
      mlbench metrics post --pod local-mlbench-worker-0 --name load --value 0.6
      mlbench metrics post --run 2 --name note --value ok --date 10m
    ");
}

#[test]
fn pods_prints_help() {
    assert_snapshot!(help("pods"), @r"
    List the worker pods in the cluster

    Usage: mlbench pods [OPTIONS]

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
      mlbench pods -o csv
    ");
}

#[test]
fn log_prints_help() {
    assert_snapshot!(help("log"), @r#"
    Store the metrics that a program writes, read from standard input

    Usage: mlbench log [OPTIONS] --run <RUN>

    Options:
          --run <RUN>          Run that the metrics belong to, by id or name [env:
                               MLBENCH_RUN_ID]
          --spool <DIR>        Directory where metrics wait while the server is away
          --spool-limit <MIB>  Most MiB that the spool takes on disk [default: 64]
      -h, --help               Print help

    Each line is one metric: NAME=VALUE, or a JSON object with the fields name and
    value, and step, epoch, date, cumulative and metadata if wanted. Metrics are
    posted in batches in the background. While the server is away they wait, for up
    to 10 minutes. Lines that are no metrics are reported and passed over; the exit
    code is 1 then.

    With --spool they wait in a directory, as long as it takes: input is never held
    up while the server is away, and what has not been sent 10 seconds after its end
    stays for the next `mlbench log` with this directory, of any run. Each metric is
    stored once, even after a crash. What is lost, because the spool was full for
    example, is reported, and the exit code is 0.

    Examples:
      echo 'accuracy=0.7845' | mlbench log --run first
      echo '{"name": "loss", "value": 0.25, "step": 100}' | mlbench log --run first
      ./train | mlbench log   # in the command of a run
      ./train | mlbench log --run 7 --spool ~/spool/rank-0
      mlbench log --run 7 --spool ~/spool/rank-0 </dev/null   # send the rest
    "#);
}

#[test]
fn import_prints_help() {
    assert_snapshot!(help("import"), @r"
    Import event files of TensorBoard and CSV as runs

    Usage: mlbench import [OPTIONS] <DIR|FILE>...

    Arguments:
      <DIR|FILE>...  Directories with event files, event files, or CSV files (*.csv)

    Options:
          --name <NAME>
              Name of the run, or of several runs before their paths [default: by
              the path]
          --run <RUN>
              Run that gets the points, by id or name, instead of a new one. It does
              not end
          --param <NAME=VALUE>
              Parameter, such as lr=0.1, opt=adam or deep=true. Repeat the flag for
              several
          --tag <NAME=VALUE>
              Tag, such as team=vision. Repeat the flag for several
      -f, --follow
              Go on while the files grow and new ones appear, until Ctrl-C, which
              ends the runs
          --idle-timeout <DURATION>
              End when no file has grown for this long (30s, 10m, 2h) [default: no
              limit]
          --dry-run
              Show what the files hold and send nothing
      -o, --output <FORMAT>
              Output format: table, wide, json, yaml, csv, ndjson or name [default:
              table on a terminal, else tabs]
          --columns <COLUMNS>
              Columns to show, separated by commas [default: those of the format]
          --sort-by <COLUMN>
              Column to sort by, with - in front for descending order
          --no-headers
              Leave out the names of the columns
      -h, --help
              Print help

    Each directory with event files of TensorBoard (events.out.tfevents.*) becomes
    an external run, named by its path below DIR; a file of CSV becomes one by its
    name. Scalars become metrics and hyperparameters become parameters; what else is
    in the files is counted.

    The first row of CSV names the columns. step, epoch and date (or time,
    timestamp) say where the points of a row are, and every other column is a
    metric; or the columns name and value hold one metric per row. Empty cells have
    no point.

    Repeat an import that was interrupted, or whose files have grown: it goes on
    where it stopped.

    Examples:
      mlbench import logs/
      mlbench import logs/ --follow --idle-timeout 10m --tag team=vision
      mlbench import losses.csv --name tuned --param lr=0.1
      mlbench import logs/ --dry-run
    ");
}
