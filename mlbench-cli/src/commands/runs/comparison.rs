//! Prints comparisons as tables for people.

use std::io::Write;

use mlbench_client::{Clock, Comparison, Estimate, Group, Phases, RunName, Training};

use crate::failure::Failure;
use crate::output::Printer;

/// What a cell shows that has no value.
const NONE: &str = "–";

/// Prints a comparison as people read it.
pub(super) fn print_comparison(
    printer: &mut Printer<impl Write>,
    comparison: &Comparison,
) -> Result<(), Failure> {
    printer.line(title(comparison))?;
    printer.line("")?;
    let times = comparison.groups.iter().map(|group| time_row(comparison, group));
    printer.print(comparison, ["group", "reached", "time", "interval", "speed-up", "efficiency"], times)?;
    let phases = comparison.groups.iter().filter_map(|group| phase_row(group, group.phases.as_ref()?));
    let phases: Vec<[String; 7]> = phases.collect();
    if !phases.is_empty() {
        printer.line("")?;
        let head = ["runs", "name", "compute", "communication", "transfer", "waiting", "other"];
        printer.print(comparison, head, phases)?;
    }
    let all_reduce: Vec<[String; 5]> = comparison.groups.iter().flat_map(all_reduce_rows).collect();
    if !all_reduce.is_empty() {
        printer.line("")?;
        let head = ["runs", "bytes", "bits", "all-reduce time", "bus bandwidth"];
        printer.print(comparison, head, all_reduce)?;
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
fn title(comparison: &Comparison) -> String {
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
fn label(group: &Group) -> String {
    let mark = if group.oversubscribed == Some(true) { "*" } else { "" };
    format!("{}{mark}", group.label)
}

fn time_row(comparison: &Comparison, group: &Group) -> [String; 6] {
    let is_compared =
        |group: &Group| comparison.groups.iter().filter(|it| it.baseline == group.baseline).count() > 1;
    let compared = |estimate: Option<Estimate>| estimate.filter(|_| is_compared(group));
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

fn all_reduce_rows(group: &Group) -> impl Iterator<Item = [String; 5]> {
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
fn notes(comparison: &Comparison) -> Vec<String> {
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

pub(super) fn names(group: &Group) -> impl Iterator<Item = &str> {
    group.names.iter().map(RunName::as_str)
}

pub(super) fn runs(group: &Group) -> String {
    group.runs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// Formats a time in seconds, or in milliseconds if it is short.
fn seconds(seconds: f64) -> String {
    let (factor, unit) = unit(seconds);
    format!("{} {unit}", digits(seconds * factor))
}

/// Formats an interval in the unit of its median.
fn interval(time: &Estimate) -> String {
    let (factor, unit) = unit(time.median);
    match time.high {
        _ if time.n == 1 => NONE.to_owned(),
        Some(high) => format!("{} to {} {unit}", digits(time.low * factor), digits(high * factor)),
        None => format!("from {} {unit}", digits(time.low * factor)),
    }
}

fn unit(seconds: f64) -> (f64, &'static str) {
    if seconds < 1.0 { (1e3, "ms") } else { (1.0, "s") }
}

/// Formats a bandwidth in bytes per second.
fn bandwidth(bytes: f64) -> String {
    let units = [(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")];
    let (factor, unit) = units.into_iter().find(|(factor, _)| bytes >= *factor).unwrap_or((1.0, "B/s"));
    format!("{} {unit}", digits(bytes / factor))
}

fn digits(number: f64) -> String {
    match number {
        _ if number >= 100.0 => format!("{number:.0}"),
        _ if number >= 0.1 || number == 0.0 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::comparison;
    use crate::output::Layout;

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
────────────────────────────────────────────────────────────────
2 workers   2/3      7.50 s   from 6.75 s   1.00 ×    50 %
4 workers*  2/3      1.50 ms  from 1.35 ms  2.00 ×    50 %

runs  name   compute  communication  transfer  waiting  other
─────────────────────────────────────────────────────────────
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
    fn trainings_that_failed_alike_share_a_note() {
        let mut one = comparison();
        let training = one.groups[0].trainings[0].clone();
        one.groups[0].trainings = (1..=3).map(|number| Training { number, ..training.clone() }).collect();
        assert_eq!(notes(&one)[1], "run 1, trainings 1 to 3: no points of x");
        one.groups[0].trainings.truncate(1);
        assert_eq!(notes(&one)[1], "run 1: no points of x");
    }

    #[test]
    fn numbers_have_the_unit_of_their_size() {
        assert_eq!(
            (bandwidth(7.02e6), bandwidth(2.5e10), bandwidth(0.0)),
            ("7.02 MB/s".into(), "25.00 GB/s".into(), "0.00 B/s".into())
        );
        assert_eq!((seconds(0.00025), seconds(250.4)), ("0.25 ms".into(), "250 s".into()));
        assert_eq!((digits(0.003_256), digits(1.966)), ("0.0033".into(), "1.97".into()));
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
