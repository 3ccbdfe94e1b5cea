//! Prints comparisons as tables for people.

use std::io::Write;

use mlbench_client::{Clock, Comparison, Estimate, Group, Phases, RunName, Training};

use super::quantity::{NONE, bandwidth, digits, interval, percent, seconds};
use crate::failure::Failure;
use crate::output::Printer;

pub(super) const TIME_HEAD: [&str; 6] = ["group", "reached", "time", "interval", "speed-up", "efficiency"];
pub(super) const PHASE_HEAD: [&str; 7] =
    ["runs", "name", "compute", "communication", "transfer", "waiting", "other"];
pub(super) const ALL_REDUCE_HEAD: [&str; 5] = ["runs", "bytes", "bits", "all-reduce time", "bus bandwidth"];

/// Prints a comparison as people read it.
pub(super) fn print_comparison(
    printer: &mut Printer<impl Write>,
    comparison: &Comparison,
) -> Result<(), Failure> {
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
        printer.sentence(&note)?;
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

pub(super) fn names(group: &Group) -> impl Iterator<Item = &str> {
    group.names.iter().map(RunName::as_str)
}

pub(super) fn runs(group: &Group) -> String {
    group.runs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
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
    fn a_group_that_nothing_is_compared_with_has_no_speed_up() {
        let mut one = comparison();
        one.groups.truncate(1);
        assert_eq!(time_row(&one, &one.groups[0])[4..], [NONE, NONE]);
        one.groups[0].time_to_accuracy = None;
        assert_eq!(time_row(&one, &one.groups[0])[2..4], [NONE, NONE]);
    }
}
