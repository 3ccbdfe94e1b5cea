//! The table at the end of the demo.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::api::{ComparedRun, Comparison, Estimate, Group};
use super::usage::Usage;

const MEBIBYTE: f64 = 1_048_576.0;

const NOTES: &str = "
Time to accuracy is the median of all trainings of the run; the interval is from the fastest to the slowest, or, of
five trainings and more, the 95 % interval of the median. It counts training only, without start-up and evaluation.
Compute, transfer and waiting are shares of it: transfer is sending, receiving and summing gradients, waiting is for
the gradients of other workers.
CPU seconds are the total of all workers for the whole run. Peak memory is that of the worker that used most.
";

/// Renders a row for each run, and notes on how to read them.
///
/// # Errors
/// When a run has no time to accuracy.
pub(super) fn render(comparison: &Comparison, used: &BTreeMap<u64, Usage>) -> Result<String, String> {
    let mut out = format!(
        "\n{:<26} {:>7} {:>16} {:>16} {:>8} {:>8} {:>8} {:>8} {:>11} {:>11}\n",
        "run",
        "workers",
        "time to accuracy",
        "interval",
        "speed-up",
        "compute",
        "transfer",
        "waiting",
        "CPU seconds",
        "peak memory"
    );
    for run in &comparison.runs {
        let usage = used.get(&run.id).ok_or_else(|| format!("run {} is not of this demo", run.id))?;
        let group = comparison.groups.get(run.group);
        let group = group.ok_or_else(|| format!("run {} has no group", run.id))?;
        row(&mut out, comparison, run, group, usage)?;
    }
    out.push_str(NOTES);
    let oversubscribed = comparison.groups.iter().any(|group| group.oversubscribed == Some(true));
    if let Some(cores) = comparison.cores.filter(|_| oversubscribed) {
        let _ = writeln!(out, "* More workers than cores ({cores}), so do not expect a speed-up.");
    }
    for run in &comparison.runs {
        let _ = write!(out, "\n{}: {}", run.name, run.result.as_deref().unwrap_or("no result"));
    }
    out.push('\n');
    Ok(out)
}

fn row(
    out: &mut String,
    comparison: &Comparison,
    run: &ComparedRun,
    group: &Group,
    usage: &Usage,
) -> Result<(), String> {
    let time = group.time_to_accuracy.ok_or_else(|| {
        format!(
            "run {}: no time to accuracy: {}",
            run.id,
            group.no_time_reason.as_deref().unwrap_or_default()
        )
    })?;
    let mark = if group.oversubscribed == Some(true) { "*" } else { "" };
    // A program that ran on one number of workers only has no speed-up.
    let with_same_baseline =
        comparison.groups.iter().filter(|other| other.baseline == group.baseline).count();
    let speed_up = group.speed_up.filter(|_| with_same_baseline > 1);
    let shares = run.phases.as_ref().map(|phases| phases.shares);
    let percent =
        |share: Option<f64>| share.map_or_else(String::new, |share| format!("{:.0} %", 100.0 * share));
    let _ = writeln!(
        out,
        "{:<26} {:>7} {:>16} {:>16} {:>8} {:>8} {:>8} {:>8} {:>11} {:>11}",
        run.name,
        format!("{}{mark}", group.parameters.num_workers),
        format!("{:.2} s", time.median),
        interval(&time),
        speed_up.map_or_else(String::new, |speed_up| format!("{:.2} ×", speed_up.median)),
        percent(shares.map(|shares| shares.compute)),
        percent(shares.and_then(|shares| shares.transfer)),
        percent(shares.and_then(|shares| shares.waiting)),
        format!("{:.2}", usage.cpu),
        format!("{:.0} MiB", usage.memory / MEBIBYTE),
    );
    Ok(())
}

fn interval(time: &Estimate) -> String {
    match time.high {
        Some(high) => format!("{:.2} to {high:.2} s", time.low),
        None => format!("from {:.2} s", time.low),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn estimate(median: f64) -> Value {
        json!({"n": 3, "median": median, "low": median - 0.25, "high": median + 0.5, "interval": "min_max"})
    }

    fn group(workers: u32, baseline: usize, seconds: f64, speed_up: f64) -> Value {
        json!({
            "parameters": {"num_workers": workers}, "oversubscribed": workers > 2, "baseline": baseline,
            "time_to_accuracy": estimate(seconds), "no_time_reason": null, "speed_up": estimate(speed_up)
        })
    }

    fn comparison(groups: &[Value]) -> Comparison {
        let runs = (0..groups.len()).map(|index| {
            let shares = json!({"compute": 0.75, "transfer": 0.05, "waiting": 0.15});
            let name = ["one", "two", "four", "real"][index];
            json!({"id": index + 1, "name": name, "group": index, "result": "reached", "phases": {"shares": shares}})
        });
        let runs: Vec<Value> = runs.collect();
        serde_json::from_value(json!({"cores": 2.0, "groups": groups, "runs": runs})).unwrap()
    }

    fn render_groups(groups: &[Value]) -> Result<String, String> {
        let usage = Usage { cpu: 12.0, memory: 200.0 * MEBIBYTE };
        render(&comparison(groups), &(1..=4).map(|id| (id, usage)).collect())
    }

    #[test]
    fn runs_on_more_workers_than_cores_are_marked() {
        let groups =
            [group(1, 0, 10.0, 1.0), group(2, 0, 5.0, 2.0), group(4, 0, 5.0, 2.0), group(2, 3, 1.0, 1.0)];
        let text = render_groups(&groups).unwrap();
        let cells = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(cells("two"), "two 2 5.00 s 4.75 to 5.50 s 2.00 × 75 % 5 % 15 % 12.00 200 MiB");
        assert_eq!(cells("four"), "four 4* 5.00 s 4.75 to 5.50 s 2.00 × 75 % 5 % 15 % 12.00 200 MiB");
        assert_eq!(cells("real"), "real 2 1.00 s 0.75 to 1.50 s 75 % 5 % 15 % 12.00 200 MiB");
        assert!(text.contains("* More workers than cores (2)"));
        assert!(!render_groups(&groups[..2]).unwrap().contains('*'));
    }

    #[test]
    fn a_missing_time_is_an_error_with_its_reason() {
        let mut missing = group(1, 0, 10.0, 1.0);
        missing["time_to_accuracy"] = Value::Null;
        missing["no_time_reason"] = json!("no points of x");
        assert_eq!(render_groups(&[missing]).unwrap_err(), "run 1: no time to accuracy: no points of x");
    }
}
