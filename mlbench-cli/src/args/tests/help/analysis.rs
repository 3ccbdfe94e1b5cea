use insta::assert_snapshot;

use super::help;

#[test]
fn runs_compare_prints_help() {
    assert_snapshot!(help("runs compare"), @r"
    Compare runs: time to accuracy, speed-up and phases

    Usage: mlbench runs compare [OPTIONS] <RUN>...

    Arguments:
      <RUN>...  Ids or names of the runs

    Options:
          --metric <METRIC>        Metric, with or without a rank [default: the one
                                   that the programs train to]
          --goal <GOAL>            Goal: a value, or METRIC>=VALUE or METRIC<=VALUE
                                   [default: that of the runs or their programs]
          --direction <DIRECTION>  Which values reach the goal [default: by the name
                                   of the metric] [possible values: at_least,
                                   at_most]
          --baseline <RUN>         Run of the group that all others are compared
                                   with
      -o, --output <FORMAT>        Output format: table, wide, json, yaml, csv,
                                   ndjson or name [default: table on a terminal,
                                   else tabs]
          --columns <COLUMNS>      Columns to show, separated by commas [default:
                                   those of the format]
          --sort-by <COLUMN>       Column to sort by, with - in front for descending
                                   order
          --no-headers             Leave out the names of the columns
      -h, --help                   Print help

    Runs with equal parameters are repeats of one group. Each group is compared with
    the one of the same program that has the fewest workers, or with the group of
    --baseline. An interval is the range of the trainings, and from five on the 95 %
    interval of their median.

    Examples:
      mlbench runs compare 1 2 3
      mlbench runs compare one two --goal 'train_loss @ 0<=0.5'
      mlbench runs compare 4 7 --baseline 4 -o csv
    ");
}

#[test]
fn runs_report_prints_help() {
    assert_snapshot!(help("runs report"), @r"
    Compare runs in a report with tables and charts

    Usage: mlbench runs report [OPTIONS] --output <DIR> <RUN>...

    Arguments:
      <RUN>...  Ids or names of the runs

    Options:
          --metric <METRIC>        Metric, with or without a rank [default: the one
                                   that the programs train to]
          --goal <GOAL>            Goal: a value, or METRIC>=VALUE or METRIC<=VALUE
                                   [default: that of the runs or their programs]
          --direction <DIRECTION>  Which values reach the goal [default: by the name
                                   of the metric] [possible values: at_least,
                                   at_most]
          --baseline <RUN>         Run of the group that all others are compared
                                   with
          --output <DIR>           Directory of the report
      -h, --help                   Print help

    The directory gets report.md with the tables, comparison.csv, comparison.json,
    and the charts of the time to accuracy, the speed-up, the efficiency and the
    shares of the phases, each as SVG and PNG. Files of these names are replaced.

    Examples:
      mlbench runs report 1 2 3 --output report
      mlbench runs report one two four --goal 95 --output /tmp/report
    ");
}
