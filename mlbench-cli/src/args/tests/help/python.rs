//! The commands of the Python CLI.

use insta::assert_snapshot;

use super::help;

#[test]
fn run_prints_help() {
    assert_snapshot!(help("run"), @r"
    Start runs, as with the Python CLI. The new command is `mlbench runs start`

    Usage: mlbench run [OPTIONS] <NAME> <NUM_WORKERS>...

    Arguments:
      <NAME>            Beginning of the names of the runs
      <NUM_WORKERS>...  Number of workers of a run. Give several for several runs

    Options:
      -g, --gpu                  Request GPUs
      -c, --num-cpus <N>         CPU cores of a worker, one of which stays free for
                                 the system [default: no limit]
      -l, --light                Train to the light goal, a lower accuracy
          --image <IMAGE>        Official container image, or any image with
                                 --command
          --command <COMMAND>    Command of the workers
          --backend <BACKEND>    Backend: mpi, gloo, nccl or a custom name
          --first-worker-only    Start the command on the first worker only
      -u, --dashboard-url <URL>  Address of the server, such as 127.0.0.1:8000. The
                                 new option is --url
      -h, --help                 Print help

    For each NUM_WORKERS, a run named NAME-NUM_WORKERS is started. Where one run at
    a time may be active, give one number, or use `mlbench runs sweep`.

    The Python CLI asked for the benchmark and the backend. Here, options say them;
    without --image and --command, the server runs its own benchmark.

    Examples:
      mlbench run first 2
      mlbench run cifar 1 2 4 -g -l --image mlbench/pytorch-cifar10-resnet20-ddp
      mlbench run mine 2 --command 'python train.py --rank {rank}' -u 127.0.0.1:8000
    ");
}

#[test]
fn status_prints_help() {
    assert_snapshot!(help("status"), @r"
    Show all runs, or one with its accuracy, as with the Python CLI

    Usage: mlbench status [OPTIONS] [NAME]

    Arguments:
      [NAME]  Name of a run [default: all runs]

    Options:
      -m, --metric <METRIC>      Metric, without val_global_ in front [default:
                                 Prec@1]
      -u, --dashboard-url <URL>  Address of the server, such as 127.0.0.1:8000. The
                                 new option is --url
      -h, --help                 Print help

    Examples:
      mlbench status
      mlbench status first-2 -m Perplexity
    ");
}

#[test]
fn charts_prints_help() {
    assert_snapshot!(help("charts"), @r"
    Compare finished runs in charts, as with the Python CLI. The new command is
    `mlbench runs report`

    Usage: mlbench charts [OPTIONS] <FOLDER> [RUN]...

    Arguments:
      <FOLDER>  Folder of the charts
      [RUN]...  Ids or names of the runs [default: all that have finished]

    Options:
      -f, --filter <TEXT>        Only runs whose name contains this text
      -u, --dashboard-url <URL>  Address of the server, such as 127.0.0.1:8000. The
                                 new option is --url
      -h, --help                 Print help

    The folder gets the files of `mlbench runs report`. Without a RUN, all finished
    runs whose names contain the filter are compared; the Python CLI asked which.

    Examples:
      mlbench charts charts -f cifar
      mlbench charts charts cifar-1 cifar-2 cifar-4
    ");
}

#[test]
fn download_prints_help() {
    assert_snapshot!(help("download"), @r"
    Download the metrics of a run, as with the Python CLI. The new command is
    `mlbench runs download`

    Usage: mlbench download [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name of the run

    Options:
      -o, --output <FILE>        File to write, or - for standard output [default:
                                 results.zip]
      -u, --dashboard-url <URL>  Address of the server, such as 127.0.0.1:8000. The
                                 new option is --url
      -h, --help                 Print help

    Example:
      mlbench download first-2 -o first.zip
    ");
}

#[test]
fn delete_prints_help() {
    assert_snapshot!(help("delete"), @r"
    Delete a run, as with the Python CLI. The new command is `mlbench runs delete`

    Usage: mlbench delete [OPTIONS] <NAME>

    Arguments:
      <NAME>  Name of the run

    Options:
      -u, --dashboard-url <URL>  Address of the server, such as 127.0.0.1:8000. The
                                 new option is --url
      -h, --help                 Print help

    Example:
      mlbench delete first-2
    ");
}

#[test]
fn get_dashboard_url_prints_help() {
    assert_snapshot!(help("get-dashboard-url"), @r"
    Print the address of the page, as with the Python CLI

    Usage: mlbench get-dashboard-url [OPTIONS]

    Options:
      -h, --help  Print help

    Example:
      mlbench get-dashboard-url --context lab
    ");
}
