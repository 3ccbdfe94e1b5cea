use insta::assert_snapshot;

use super::help;

#[test]
fn runs_prints_help() {
    assert_snapshot!(help("runs"), @r"
    Start, watch, stop and delete runs

    Usage: mlbench runs [OPTIONS] <COMMAND>

    Commands:
      start     Start a run
      sweep     Measure how a program scales with the number of workers
      record    Run a command here and keep its output and outcome as a run
      list      List all runs
      show      Show the details of a run
      set       Add parameters to a run and change its tags
      wait      Wait until a run ends. Exit code 6 if it failed or was stopped
      stop      Stop a run. It becomes STOPPED a moment later
      delete    Delete a run with its metrics and output. Stops an active run
      logs      Print the output of a run
      compare   Compare runs: time to accuracy, speed-up and phases
      report    Compare runs in a report with tables and charts
      download  Download the metrics of a run and its pods as a zip archive
      export    Export all that is known of a run, for another server or a paper
      import    Import a run that a server has exported
      help      Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    ");
}

#[test]
fn runs_start_prints_help() {
    assert_snapshot!(help("runs start"), @r"
    Start a run

    Usage: mlbench runs start [OPTIONS] <--name <NAME>|--file <FILE>> [-- <COMMAND>...]

    Arguments:
      [COMMAND]...  Words of the command, instead of --command

    Options:
          --name <NAME>         Name of the run, 1 to 100 characters
      -f, --file <FILE>         Read the run from a file of YAML or JSON, - for
                                standard input. Other flags replace its fields
          --workers <N>         Number of workers [default: all workers]
          --backend <BACKEND>   Backend: mpi, gloo, nccl or a custom name
          --goal <GOAL>         Goal of the run: METRIC>=VALUE or METRIC<=VALUE,
                                such as 'val_global_Prec@1>=80'
          --stop-at-goal        End the run, as finished, when the first point
                                reaches its goal
          --cpus <CORES>        CPU cores per worker, such as 0.5 [default: no
                                limit]
          --memory <SIZE>       Memory per worker, such as 4Gi [default: that of the
                                server's settings]
          --shm-size <SIZE>     Size of /dev/shm per worker, such as 1Gi [default:
                                half of the memory]
          --time-limit <TIME>   Longest time from the start of the run to its end,
                                such as 90m [default: no limit]
          --image <IMAGE>       Official container image, or any image with
                                --command
          --command <COMMAND>   Command of the workers [default: the command of the
                                image, else of the server]
          --env <NAME=VALUE>    Environment variable of the command. Repeat the flag
                                for several. They are not secret
          --param <NAME=VALUE>  Parameter, such as lr=0.1, opt=adam or deep=true.
                                Repeat the flag for several
          --tag <NAME=VALUE>    Tag, such as team=vision. Repeat the flag for
                                several
          --working-dir <PATH>  Directory in which the command starts, an absolute
                                path on the worker
          --first-worker-only   Start the command on the first worker only
          --gpu                 Request GPUs, as many as the server's settings say
          --gpus <N>            Request this many GPUs per worker
          --light               Train to the light goal, a lower accuracy
          --dry-run             Check the run and print its request, as YAML on a
                                terminal, else as JSON. Send nothing
          --wait                Wait until the run ends. Exit code 6 if it failed or
                                was stopped
          --follow              Print the output of the run until it ends, with the
                                exit codes of --wait
      -o, --output <FORMAT>     Output format: table, wide, json, yaml, csv, ndjson
                                or name [default: table on a terminal, else tabs]
      -h, --help                Print help

    Pods of a run with an image in Kubernetes:
          --env-from-secret <VARIABLE>
              Variable with its value from a Secret: NAME=SECRET/KEY. Repeat the
              flag for several
          --volume <VOLUME>
              Volume NAME:PATH:KIND/SOURCE, such as d:/data:pvc/sets:ro. Repeat the
              flag for several
          --node-selector <LABEL>
              Label that their nodes must have: KEY=VALUE. Repeat the flag for
              several
          --toleration <TAINT>
              Taint that they tolerate: KEY, KEY=VALUE, each also with :EFFECT.
              Repeat the flag for several
          --priority-class <NAME>
              Priority class
          --service-account <NAME>
              Service account, whose token they get
          --image-pull-secret <NAME>
              Secret for pulling the image. Repeat the flag for several

    The placeholders {rank}, {local_rank}, {num_workers}, {hosts}, {addresses},
    {master_addr}, {master_port}, {run_id} and {backend} in the command are
    replaced. The mpi backend starts the command once, with mpirun on the first
    worker; any other backend, or none, starts it on every worker.

    The kinds of volumes are pvc, config_map, secret, host_path and empty_dir, with
    the size of the last as its source.

    With --wait and --follow, standard error says what happens: a terminal shows
    state, time, epoch, loss, and accuracy against the goal as they change;
    elsewhere, each change of the state is a line.

    A file has the fields of the request POST /api/runs/, which --dry-run shows.
    --env, --param and --tag add to those of the file, and so do the flags about
    pods.

    Examples:
      mlbench runs start --name first
      mlbench runs start --name two --workers 2 --cpus 0.5 --light --wait
      mlbench runs start --name mine --command 'python train.py --rank {rank}'
      mlbench runs start --name tuned --param lr=0.1 --tag team=vision
      mlbench runs start --name until --goal 'val_loss<=0.1' --stop-at-goal
      mlbench runs start --name long --env EPOCHS=50 -- python train.py
      mlbench runs start --file run.yaml --name again --param lr=0.2
      mlbench runs start --name first --workers 2 --dry-run -o yaml > run.yaml
      mlbench runs start --name job --image me/job --command ./job --backend mpi
    ");
}

#[test]
fn runs_list_prints_help() {
    assert_snapshot!(help("runs list"), @r"
    List all runs

    Usage: mlbench runs list [OPTIONS]

    Options:
      -w, --watch                 Go on and show changes as they happen
          --state <STATE>         Only runs in these states, separated by commas
          --name <TEXT>           Only runs whose name contains this text in any
                                  letter case, or is it if it is in double quotes
          --tag <NAME[=VALUE]>    Only runs with this tag, of any value or of this
                                  one. Repeat the flag for several
          --param <NAME[=VALUE]>  Only runs with this parameter, of any value or of
                                  this one. Repeat the flag for several
          --since <DATE>          Only runs that were accepted at or after this
                                  date, or this long ago (30s, 10m, 2h)
          --sort <KEY>            Order: id, created, finished, name, state or
                                  duration, with - in front for descending
          --limit <N>             Only the first N runs
      -o, --output <FORMAT>       Output format: table, wide, json, yaml, csv,
                                  ndjson or name [default: table on a terminal, else
                                  tabs]
          --columns <COLUMNS>     Columns to show, separated by commas [default:
                                  those of the format]
          --sort-by <COLUMN>      Column to sort by, with - in front for descending
                                  order
          --no-headers            Leave out the names of the columns
      -h, --help                  Print help

    With --watch, a terminal shows the table anew at every change. Elsewhere, each
    change is a line: the run as it is now, and in the state DELETED when it was
    deleted.

    Examples:
      mlbench runs list
      mlbench runs list --state failed,stopped --sort=-created --limit 20
      mlbench runs list --name vision --tag team=nlp --param lr=0.1
      mlbench runs list --watch
    ");
}

#[test]
fn runs_show_prints_help() {
    assert_snapshot!(help("runs show"), @r"
    Show the details of a run

    Usage: mlbench runs show [OPTIONS] <RUN>

    Arguments:
      <RUN>  Id of the run, or its name, which selects the newest run of that name
             (or id:7, name:7)

    Options:
      -o, --output <FORMAT>  Output format: table, wide, json, yaml, csv, ndjson or
                             name [default: table on a terminal, else tabs]
      -h, --help             Print help

    Example:
      mlbench runs show first -o json
    ");
}

#[test]
fn runs_wait_prints_help() {
    assert_snapshot!(help("runs wait"), @r"
    Wait until a run ends. Exit code 6 if it failed or was stopped

    Usage: mlbench runs wait [OPTIONS] <RUN>

    Arguments:
      <RUN>  Id of the run, or its name, which selects the newest run of that name
             (or id:7, name:7)

    Options:
          --timeout <DURATION>  Wait at most this long (30s, 10m, 2h), for the
                                server too [default: no limit once it responds]
          --for <STATE>         Wait for one of these states, separated by commas
                                [default: finished]
      -o, --output <FORMAT>     Output format: table, wide, json, yaml, csv, ndjson
                                or name [default: table on a terminal, else tabs]
      -h, --help                Print help

    After the timeout, the exit code is 1 if the run is still active, and 7 if the
    server is away. With --for, the exit code is 0 in these states, and 6 if the run
    has ended in another one. A run that has finished was started before.

    Examples:
      mlbench runs wait first --timeout 10m
      mlbench runs wait first --for started
      mlbench runs stop first && mlbench runs wait first --for stopped
    ");
}

#[test]
fn runs_stop_prints_help() {
    assert_snapshot!(help("runs stop"), @r"
    Stop a run. It becomes STOPPED a moment later

    Usage: mlbench runs stop [OPTIONS] <RUN>

    Arguments:
      <RUN>  Id of the run, or its name, which selects the newest run of that name
             (or id:7, name:7)

    Options:
      -o, --output <FORMAT>  Output format: table, wide, json, yaml, csv, ndjson or
                             name [default: table on a terminal, else tabs]
      -h, --help             Print help

    Example:
      mlbench runs stop 3 && mlbench runs wait 3
    ");
}

#[test]
fn runs_delete_prints_help() {
    assert_snapshot!(help("runs delete"), @r"
    Delete a run with its metrics and output. Stops an active run

    Usage: mlbench runs delete [OPTIONS] <RUN>

    Arguments:
      <RUN>  Id of the run, or its name, which selects the newest run of that name
             (or id:7, name:7)

    Options:
      -h, --help  Print help

    Example:
      mlbench runs delete 3
    ");
}

#[test]
fn runs_logs_prints_help() {
    assert_snapshot!(help("runs logs"), @r"
    Print the output of a run

    Usage: mlbench runs logs [OPTIONS] <RUN>

    Arguments:
      <RUN>  Id of the run, or its name, which selects the newest run of that name
             (or id:7, name:7)

    Options:
      -f, --follow           Keep printing new output until the run ends
          --tail <N>         Begin with the last N lines, up to 10000
          --since <TIME>     Only lines at or after TIME: a date
                             (2018-08-03T09:21:29Z) or an age (30s, 10m, 2h, 1d)
          --rank <N>         Only the output of these ranks, separated by commas
          --timestamps       Begin each line with its date
          --stream <STREAM>  Only this output stream [possible values: stdout,
                             stderr]
      -o, --output <FORMAT>  Output format: table, wide, json, yaml, csv, ndjson or
                             name [default: table on a terminal, else tabs]
      -h, --help             Print help

    Each line starts with the rank that wrote it; [mlbench] marks server messages.
    With one --rank, lines have no prefix. With -o json, each line is a JSON object.

    Examples:
      mlbench runs logs first --follow
      mlbench runs logs first --tail 20
      mlbench runs logs first --since 10m --rank 1,3 --timestamps
      mlbench runs logs 3 --rank 0 --stream stderr
    ");
}

#[test]
fn runs_download_prints_help() {
    assert_snapshot!(help("runs download"), @r"
    Download the metrics of a run and its pods as a zip archive

    Usage: mlbench runs download [OPTIONS] [RUN]

    Arguments:
      [RUN]  Id or name of the run [default: the newest run]

    Options:
      -O, --output-file <FILE.zip>  File to write, or - for standard output
                                    [default: metrics_NAME.zip]
      -h, --help                    Print help

    Examples:
      mlbench runs download first
      mlbench runs download 3 --output-file first.zip
      mlbench runs download 3 -O - | bsdtar -tf -
    ");
}
