use insta::assert_snapshot;

use super::help;

#[test]
fn benchmark_prints_help() {
    assert_snapshot!(help("benchmark"), @r"
    Run a built-in reference benchmark, as a worker or by hand

    Usage: mlbench benchmark [OPTIONS] <COMMAND>

    Commands:
      logistic-regression  Measure the time to accuracy of logistic regression
                           (synchronous data-parallel SGD)
      all-reduce           Measure time and bus bandwidth of the all-reduce between
                           the workers, by vector length
      help                 Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help
    ");
}

#[test]
fn logistic_regression_prints_help() {
    assert_snapshot!(help("benchmark logistic-regression"), @r"
    Measure the time to accuracy of logistic regression (synchronous data-parallel
    SGD)

    Usage: mlbench benchmark logistic-regression [OPTIONS]

    Options:
          --run_id <ID>
              Run that the metrics belong to. Without it, metrics are only printed
              [env: MLBENCH_RUN_ID]
          --rank <RANK>
              Rank of this worker, from 0 [env: RANK]
          --hosts <HOSTS>
              Host names of the workers by rank, comma-separated
          --backend <BACKEND>
              Backend that started this program (mpi, gloo, nccl). The workers use
              TCP with any backend
          --world-size <N>
              Number of workers [env: WORLD_SIZE]
          --addresses <ADDRESSES>
              Addresses host:port of the workers by rank, comma-separated [env:
              MLBENCH_ADDRESSES]
          --report-to <URL>
              URL of the server that stores the metrics. Without it, metrics are
              only printed [env: MLBENCH_URL]
          --gpu
              Accepted for compatibility. This benchmark computes on the CPU [env:
              MLBENCH_GPU]
          --horovod
              Accepted for compatibility. This benchmark has its own all-reduce
              [env: MLBENCH_HOROVOD]
          --light
              Train to the light goal, a lower accuracy, if the benchmark has a goal
              [env: MLBENCH_LIGHT]
          --cores <CORES>
              Cores to run on, such as 0 or 2,3, or all [env: MLBENCH_CORES]
          --connect-timeout <SECONDS>
              Seconds to wait for all workers to connect [default: 120]
          --timeout <SECONDS>
              Seconds without data before another worker counts as stuck [default:
              60]
          --synthetic <ROWSxFEATURES>
              Train on synthetic data of this size [default: 40000x400]
          --data <FILE>
              Train on data in the LibSVM format instead
          --breast-cancer
              Train on the breast cancer Wisconsin data instead, which the program
              includes
          --seed <N>
              Seed of the synthetic data and of the batch order [default: 1]
          --batch-size <ROWS>
              Rows per step, over all workers [default: 8000 of synthetic data, else
              64]
          --full-batch
              Use all rows in every step (gradient descent)
          --learning-rate <RATE>
              Learning rate, which step t divides by 1 + RATE * L2 * t [default: 1.5
              for synthetic data, else 0.1]
          --l2 <WEIGHT>
              Weight of the L2 penalty [default: 0.0001]
          --goal <PERCENT>
              Validation accuracy to reach, in percent [default: 95, or 89 with
              --light]
          --validate-every <EPOCHS>
              Epochs between validations, which check the goal and report metrics
              [default: 1]
          --max-epochs <EPOCHS>
              Maximum number of epochs [default: 1000]
          --repeats <N>
              Number of trainings from zero, whose median time is the result
              [default: 1]
      -h, --help
              Print help
    ");
}

#[test]
fn all_reduce_prints_help() {
    assert_snapshot!(help("benchmark all-reduce"), @r"
    Measure time and bus bandwidth of the all-reduce between the workers, by vector
    length

    Usage: mlbench benchmark all-reduce [OPTIONS]

    Options:
          --run_id <ID>
              Run that the metrics belong to. Without it, metrics are only printed
              [env: MLBENCH_RUN_ID]
          --rank <RANK>
              Rank of this worker, from 0 [env: RANK]
          --hosts <HOSTS>
              Host names of the workers by rank, comma-separated
          --backend <BACKEND>
              Backend that started this program (mpi, gloo, nccl). The workers use
              TCP with any backend
          --world-size <N>
              Number of workers [env: WORLD_SIZE]
          --addresses <ADDRESSES>
              Addresses host:port of the workers by rank, comma-separated [env:
              MLBENCH_ADDRESSES]
          --report-to <URL>
              URL of the server that stores the metrics. Without it, metrics are
              only printed [env: MLBENCH_URL]
          --gpu
              Accepted for compatibility. This benchmark computes on the CPU [env:
              MLBENCH_GPU]
          --horovod
              Accepted for compatibility. This benchmark has its own all-reduce
              [env: MLBENCH_HOROVOD]
          --light
              Train to the light goal, a lower accuracy, if the benchmark has a goal
              [env: MLBENCH_LIGHT]
          --cores <CORES>
              Cores to run on, such as 0 or 2,3, or all [env: MLBENCH_CORES]
          --connect-timeout <SECONDS>
              Seconds to wait for all workers to connect [default: 120]
          --timeout <SECONDS>
              Seconds without data before another worker counts as stuck [default:
              60]
          --counts <COUNTS>
              Vector lengths in 4-byte numbers, comma-separated [default: powers of
              ten up to --max-count]
          --max-count <COUNT>
              Longest vector length without --counts, in 4-byte numbers [default:
              10000000]
      -h, --help
              Print help
    ");
}
