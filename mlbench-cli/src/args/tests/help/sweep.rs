use insta::assert_snapshot;

use super::help;

#[test]
fn runs_sweep_prints_help() {
    assert_snapshot!(help("runs sweep"), @r"
    Measure how a program scales with the number of workers

    Usage: mlbench runs sweep [OPTIONS] <--name <NAME>|--file <FILE>> [-- <COMMAND>...]

    Arguments:
      [COMMAND]...  Words of the command, instead of --command

    Options:
          --name <NAME>            Name of the sweep. Its runs are named
                                   NAME-w2-mpi-1, and so on
      -f, --file <FILE>            Read the run from a file of YAML or JSON, - for
                                   standard input. Other flags replace its fields
          --workers <N>            Numbers of workers, separated by commas [default:
                                   that of the file, else all workers]
          --backend <BACKEND>      Backends, separated by commas: mpi, gloo, nccl or
                                   custom names
          --repeats <N>            Runs of each combination. From 5 on, the
                                   comparison has 95 % intervals [default: 1]
          --at-once <N>            Runs of the sweep that may be active at the same
                                   time [default: 1]
          --cpus <CORES>           CPU cores per worker, such as 0.5 [default: no
                                   limit]
          --memory <SIZE>          Memory per worker, such as 4Gi [default: that of
                                   the server's settings]
          --shm-size <SIZE>        Size of /dev/shm per worker, such as 1Gi
                                   [default: half of the memory]
          --time-limit <TIME>      Longest time from the start of the run to its
                                   end, such as 90m [default: no limit]
          --image <IMAGE>          Official container image, or any image with
                                   --command
          --command <COMMAND>      Command of the workers [default: the command of
                                   the image, else of the server]
          --env <NAME=VALUE>       Environment variable of the command. Repeat the
                                   flag for several. They are not secret
          --param <NAME=VALUE>     Parameter, such as lr=0.1, opt=adam or deep=true.
                                   Repeat the flag for several
          --tag <NAME=VALUE>       Tag, such as team=vision. Repeat the flag for
                                   several
          --working-dir <PATH>     Directory in which the command starts, an
                                   absolute path on the worker
          --first-worker-only      Start the command on the first worker only
          --gpu                    Request GPUs, as many as the server's settings
                                   say
          --gpus <N>               Request this many GPUs per worker
          --light                  Train to the light goal, a lower accuracy
          --metric <METRIC>        Metric, with or without a rank [default: the one
                                   that the programs train to]
          --goal <GOAL>            Goal: a value, or METRIC>=VALUE or METRIC<=VALUE
                                   [default: that of the runs or their programs]
          --direction <DIRECTION>  Which values reach the goal [default: by the name
                                   of the metric] [possible values: at_least,
                                   at_most]
          --stop-at-goal           End each run, as finished, when the first point
                                   reaches the goal, which then has a metric
          --output <DIR>           Directory of a report with tables and charts
          --dry-run                Print the runs in their order. Send nothing
      -h, --help                   Print help

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

    One run is started for each number of workers, backend and repeat, at most 1000.
    The first repeats of all of them come before the second ones, so that a machine
    that becomes slower slows no combination in particular. The largest numbers of
    workers come first, because a cluster that lacks the workers refuses them. A
    next run starts when one has ended, so that runs do not disturb each other;
    where each has machines of its own, --at-once says how many may be active.

    The runs carry the tag sweep=NAME. A sweep that was interrupted goes on with the
    same command: it starts only the runs that are missing. To repeat a run, delete
    it before. The plan of a name does not change.

    The last output is that of `mlbench runs compare`, and with --output the files
    of `mlbench runs report`. The exit code is 6 if a run failed or was stopped.

    Examples:
      mlbench runs sweep --name scaling --workers 1,2,4 --repeats 5
      mlbench runs sweep -f run.yaml --workers 1,2 --backend mpi,gloo --output out
      mlbench runs sweep --name lr --workers 2,4 --command ./train --dry-run
      mlbench runs list --tag sweep=scaling -o name | xargs mlbench runs compare
    ");
}
