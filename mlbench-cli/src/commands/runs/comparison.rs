//! Prints comparisons: tables for people, a row per group for programs.

use std::io::Write;

use mlbench_client::{Clock, Comparison, Estimate, Group, Phases, RunName, Training};
use mlbench_core::metric::plain_number;

use super::quantity::{NONE, bandwidth, digits, interval, percent, seconds};
use crate::failure::Failure;
use crate::output::Printer;

pub(super) const TIME_HEAD: [&str; 6] = ["group", "reached", "time", "interval", "speed-up", "efficiency"];
pub(super) const PHASE_HEAD: [&str; 7] =
    ["runs", "name", "compute", "communication", "transfer", "waiting", "other"];
pub(super) const ALL_REDUCE_HEAD: [&str; 5] = ["runs", "bytes", "bits", "all-reduce time", "bus bandwidth"];

/// Prints a comparison.
pub(super) fn print_comparison(
    printer: &mut Printer<impl Write>,
    comparison: &Comparison,
) -> Result<(), Failure> {
    if !printer.is_human_readable() {
        let rows = comparison.groups.iter().map(|group| full_row(comparison, group));
        return Ok(printer.print(comparison, FULL_HEAD, rows)?);
    }
    printer.line(title(comparison))?;
    printer.line("")?;
    let times = comparison.groups.iter().map(|group| time_row(comparison, group));
    printer.print(comparison, TIME_HEAD, times)?;
    let phases: Vec<_> = phase_rows(comparison).collect();
    if !phases.is_empty() {
        printer.line("")?;
        printer.print(comparison, PHASE_HEAD, phases)?;
    }
    let all_reduce: Vec<_> = comparison.groups.iter().flat_map(all_reduce_rows).collect();
    if !all_reduce.is_empty() {
        printer.line("")?;
        printer.print(comparison, ALL_REDUCE_HEAD, all_reduce)?;
    }
    let notes = notes(comparison);
    if !notes.is_empty() {
        printer.line("")?;
    }
    for note in notes {
        printer.line(note)?;
    }
    Ok(printer.flush()?)
}

/// Returns what the runs are compared by.
pub(super) fn title(comparison: &Comparison) -> String {
    let Comparison { metric, direction, goal, clock, .. } = comparison;
    let clock = match clock {
        Clock::Training => "training time",
        Clock::Wall => "wall time",
        Clock::Unknown => "time",
    };
    match goal {
        Some(goal) => format!("{clock} to {metric} {} {goal}", direction.sign()),
        None => format!("{metric} without a goal"),
    }
}

/// Returns the label of a group, marked when its workers share cores.
pub(super) fn label(group: &Group) -> String {
    let mark = if group.oversubscribed == Some(true) { "*" } else { "" };
    format!("{}{mark}", group.label)
}

pub(super) fn time_row(comparison: &Comparison, group: &Group) -> [String; 6] {
    let is_compared = comparison.groups.iter().filter(|it| it.baseline == group.baseline).count() > 1;
    let compared = |estimate: Option<Estimate>| estimate.filter(|_| is_compared);
    let none = || NONE.to_owned();
    [
        label(group),
        format!("{}/{}", group.reached, group.n),
        group.time_to_accuracy.map_or_else(none, |time| seconds(time.median)),
        group.time_to_accuracy.map_or_else(none, |time| interval(&time)),
        compared(group.speed_up).map_or_else(none, |it| format!("{} ×", digits(it.median))),
        compared(group.efficiency).map_or_else(none, |it| percent(it.median)),
    ]
}

pub(super) fn phase_rows(comparison: &Comparison) -> impl Iterator<Item = [String; 7]> {
    comparison.groups.iter().filter_map(|group| phase_row(group, group.phases.as_ref()?))
}

fn phase_row(group: &Group, phases: &Phases) -> Option<[String; 7]> {
    let shares = phases.shares;
    let known = |share: Option<f64>| share.map_or_else(|| NONE.to_owned(), percent);
    Some([
        runs(group),
        names(group).next()?.to_owned(),
        percent(shares.compute),
        known(shares.communication),
        known(shares.transfer),
        known(shares.waiting),
        percent(shares.other),
    ])
}

pub(super) fn all_reduce_rows(group: &Group) -> impl Iterator<Item = [String; 5]> {
    group.all_reduce.iter().map(|it| {
        [
            runs(group),
            it.bytes.to_string(),
            it.element_bits.to_string(),
            seconds(it.seconds.median),
            bandwidth(it.bus_bandwidth),
        ]
    })
}

/// Returns what limits the comparison, a line each.
pub(super) fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    let groups = &comparison.groups;
    if let Some(cores) =
        comparison.cores.filter(|_| groups.iter().any(|group| group.oversubscribed == Some(true)))
    {
        notes.push(format!("* more workers than the {cores} cores of this machine"));
    }
    let trainings: Vec<&Training> = groups.iter().flat_map(|group| &group.trainings).collect();
    for alike in trainings.chunk_by(|one, other| (one.run, &one.reason) == (other.run, &other.reason)) {
        let Some((first, reason)) = alike.first().and_then(|first| Some((first, first.reason.as_ref()?)))
        else {
            continue;
        };
        notes.push(match alike.len() {
            1 if first.number == 1 => format!("run {}: {reason}", first.run),
            1 => format!("run {}, training {}: {reason}", first.run, first.number),
            many => format!(
                "run {}, trainings {} to {}: {reason}",
                first.run,
                first.number,
                alike[many - 1].number
            ),
        });
    }
    notes.extend(comparison.warnings.iter().cloned());
    notes
}

const FULL_HEAD: [&str; 22] = [
    "group",
    "names",
    "runs",
    "workers",
    "n",
    "reached",
    "seconds",
    "low",
    "high",
    "interval",
    "baseline",
    "speed_up",
    "speed_up_low",
    "speed_up_high",
    "efficiency",
    "compute",
    "communication",
    "transfer",
    "waiting",
    "other",
    "oversubscribed",
    "reason",
];

/// Returns every value of a group, unrounded.
fn full_row(comparison: &Comparison, group: &Group) -> [String; 22] {
    let number =
        |number: Option<f64>| number.map(|number| plain_number(number, str::to_owned)).unwrap_or_default();
    let (time, speed_up) = (group.time_to_accuracy, group.speed_up);
    let shares = group.phases.as_ref().map(|phases| phases.shares);
    let interval = time.and_then(|time| Some(serde_json::to_value(time.interval).ok()?.as_str()?.to_owned()));
    [
        group.label.clone(),
        names(group).collect::<Vec<_>>().join("; "),
        runs(group),
        group.parameters.num_workers.to_string(),
        group.n.to_string(),
        group.reached.to_string(),
        number(time.map(|time| time.median)),
        number(time.map(|time| time.low)),
        number(time.and_then(|time| time.high)),
        interval.unwrap_or_default(),
        comparison.groups.get(group.baseline).map(|baseline| baseline.label.clone()).unwrap_or_default(),
        number(speed_up.map(|it| it.median)),
        number(speed_up.map(|it| it.low)),
        number(speed_up.and_then(|it| it.high)),
        number(group.efficiency.map(|it| it.median)),
        number(shares.map(|shares| shares.compute)),
        number(shares.and_then(|shares| shares.communication)),
        number(shares.and_then(|shares| shares.transfer)),
        number(shares.and_then(|shares| shares.waiting)),
        number(shares.map(|shares| shares.other)),
        group.oversubscribed.map(|it| it.to_string()).unwrap_or_default(),
        group.no_time_reason.clone().unwrap_or_default(),
    ]
}

fn names(group: &Group) -> impl Iterator<Item = &str> {
    group.names.iter().map(RunName::as_str)
}

fn runs(group: &Group) -> String {
    group.runs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output::Layout;

    fn estimate(n: u32, median: f64, low: f64, high: Option<f64>) -> serde_json::Value {
        json!({"n": n, "median": median, "low": low, "high": high, "interval": "min_max"})
    }

    fn group(id: u64, workers: u32, time: f64, speed_up: f64) -> serde_json::Value {
        let values = json!({
            "compute": 0.75, "communication": 0.2, "transfer": 0.05, "waiting": 0.15, "other": 0.05
        });
        json!({
            "label": format!("{workers} workers"), "names": [format!("run {id}")], "runs": [id],
            "parameters": {
                "image": null, "command": "train", "backend": null, "run_all_nodes": true,
                "num_workers": workers, "num_cpus": null, "max_bandwidth": null, "gpu_enabled": false,
                "light_target": false, "use_horovod": false
            },
            "oversubscribed": workers > 2, "n": 3, "reached": 2,
            "time_to_accuracy": estimate(3, time, time * 0.9, None), "no_time_reason": null, "baseline": 0,
            "speed_up": estimate(3, speed_up, speed_up, Some(speed_up)),
            "efficiency": estimate(3, speed_up / f64::from(workers), 0.0, None), "no_speed_up_reason": null,
            "phases": {"source": "totals", "total": 1.0, "seconds": values, "shares": values, "steps": {}},
            "trainings": [{
                "run": id, "number": 2, "reached": false, "seconds": null, "date": null,
                "reason": "no points of x", "pending": false, "best": null
            }],
            "all_reduce": []
        })
    }

    fn comparison() -> Comparison {
        serde_json::from_value(json!({
            "metric": "val_global_Prec@1", "direction": "at_least", "goal": 80.0, "clock": "training", "cores": 2.0,
            "groups": [group(1, 2, 7.5, 1.0), group(2, 4, 0.0015, 2.0)], "runs": [], "warnings": ["a warning"]
        }))
        .unwrap()
    }

    fn printed(layout: Layout) -> String {
        printed_of(&comparison(), layout)
    }

    fn printed_of(comparison: &Comparison, layout: Layout) -> String {
        let mut to = Vec::new();
        print_comparison(&mut Printer::new(layout, &mut to), comparison).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn a_comparison_fits_into_80_columns() {
        let text = printed(Layout::Table { fit_to_width: false });
        assert_eq!(
            text,
            "\
training time to val_global_Prec@1 ≥ 80

group       reached  time     interval      speed-up  efficiency
─────────────────────────────────────────────────────────────────
2 workers   2/3      7.50 s   from 6.75 s   1.00 ×    50 %
4 workers*  2/3      1.50 ms  from 1.35 ms  2.00 ×    50 %

runs  name   compute  communication  transfer  waiting  other
──────────────────────────────────────────────────────────────
1     run 1  75 %     20 %           5 %       15 %     5 %
2     run 2  75 %     20 %           5 %       15 %     5 %

* more workers than the 2 cores of this machine
run 1, training 2: no points of x
run 2, training 2: no points of x
a warning
"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn programs_get_a_row_per_group_with_unrounded_numbers() {
        let csv = printed(Layout::Csv);
        let mut lines = csv.lines();
        assert_eq!(lines.next().unwrap(), FULL_HEAD.join(","));
        let first =
            "2 workers,run 1,1,2,3,2,7.5,6.75,,min_max,2 workers,1,1,1,0.5,0.75,0.2,0.05,0.15,0.05,false,";
        assert_eq!(lines.next().unwrap(), first);
        let json: Comparison = serde_json::from_str(&printed(Layout::Json)).unwrap();
        assert_eq!(json, comparison());
    }

    #[test]
    fn every_csv_cell_is_what_json_has() {
        let mut one = comparison();
        one.groups[0].label = "=1+1, \"two\" workers".to_owned();
        one.groups[0].names = vec![RunName::new("=cmd(\"x\")").unwrap(), RunName::new("a, b").unwrap()];
        let time = one.groups[1].time_to_accuracy.as_mut().unwrap();
        (time.median, time.low, time.high) = (0.1 + 0.2, 1e-7, Some(1e21));
        let (csv, json) = (printed_of(&one, Layout::Csv), printed_of(&one, Layout::Json));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let mut csv = csv::Reader::from_reader(csv.as_bytes());
        assert_eq!(csv.headers().unwrap(), FULL_HEAD.as_slice());
        let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2);
        for (row, group) in rows.iter().zip(json["groups"].as_array().unwrap()) {
            let cell =
                |name: &str| row.get(FULL_HEAD.iter().position(|head| *head == name).unwrap()).unwrap();
            let names: Vec<&str> =
                group["names"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
            assert_eq!(cell("group"), group["label"]);
            assert_eq!(cell("names"), names.join("; "));
            let paths = "workers=/parameters/num_workers n=/n reached=/reached seconds=/time_to_accuracy/median \
                         low=/time_to_accuracy/low high=/time_to_accuracy/high speed_up=/speed_up/median \
                         speed_up_low=/speed_up/low speed_up_high=/speed_up/high efficiency=/efficiency/median \
                         compute=/phases/shares/compute communication=/phases/shares/communication \
                         transfer=/phases/shares/transfer waiting=/phases/shares/waiting other=/phases/shares/other";
            for (name, path) in paths.split(' ').map(|pair| pair.split_once('=').unwrap()) {
                let number = cell(name).parse::<f64>().ok();
                assert_eq!(number, group.pointer(path).unwrap().as_f64(), "{name}: {:?}", cell(name));
            }
        }
    }

    #[test]
    fn trainings_that_failed_alike_share_a_note() {
        let mut one = comparison();
        let training = one.groups[0].trainings[0].clone();
        one.groups[0].trainings = (1..=3).map(|number| Training { number, ..training.clone() }).collect();
        assert_eq!(notes(&one)[1], "run 1, trainings 1 to 3: no points of x");
        one.groups[0].trainings.truncate(1);
        assert_eq!(notes(&one)[1], "run 1: no points of x");
    }

    #[test]
    fn a_group_that_nothing_is_compared_with_has_no_speed_up() {
        let mut one = comparison();
        one.groups.truncate(1);
        assert_eq!(time_row(&one, &one.groups[0])[4..], [NONE, NONE]);
        one.groups[0].time_to_accuracy = None;
        assert_eq!(time_row(&one, &one.groups[0])[2..4], [NONE, NONE]);
    }
}
