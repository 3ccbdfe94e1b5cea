//! The table at the end of the demo.

use std::fmt::Write as _;

use super::measurements::Measurements;

const MEBIBYTE: f64 = 1_048_576.0;

const NOTES: &str = "
Time to accuracy is the median of all trainings of the run; the spread is from the fastest to the slowest.
It counts training only, without start-up and evaluation. Compute, transfer and waiting are shares of it:
transfer is sending, receiving and summing gradients, waiting is for the gradients of other workers.
CPU seconds are the total of all workers for the whole run. Peak memory is that of the worker that used most.
";

/// Renders a row for each run, and notes on how to read them.
pub(super) fn render(runs: &[Measurements], cores: usize) -> String {
    let mut out = format!(
        "\n{:<26} {:>7} {:>16} {:>16} {:>8} {:>8} {:>8} {:>8} {:>11} {:>11}\n",
        "run",
        "workers",
        "time to accuracy",
        "spread",
        "speed-up",
        "compute",
        "transfer",
        "waiting",
        "CPU seconds",
        "peak memory"
    );
    let base = runs.iter().find(|run| run.compared && run.workers == 1);
    let mut oversubscribed = false;
    for run in runs {
        let mark = if run.workers > cores { "*" } else { "" };
        oversubscribed |= run.workers > cores;
        let speed_up = base.filter(|_| run.compared).map_or_else(String::new, |base| {
            format!("{:.2} ×", base.time_to_accuracy / run.time_to_accuracy)
        });
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        let _ = writeln!(
            out,
            "{:<26} {:>7} {:>16} {:>16} {speed_up:>8} {:>8} {:>8} {:>8} {:>11} {:>11}",
            run.name,
            format!("{}{mark}", run.workers),
            format!("{:.2} s", run.time_to_accuracy),
            spread(&run.times_to_accuracy),
            percent(run.compute),
            percent(run.transfer),
            percent(run.waiting),
            format!("{:.2}", run.cpu),
            format!("{:.0} MiB", run.memory / MEBIBYTE),
        );
    }
    out.push_str(NOTES);
    if oversubscribed {
        let _ = writeln!(out, "* More workers than cores ({cores}), so do not expect a speed-up.");
    }
    for run in runs {
        let _ = write!(out, "\n{}: {}", run.name, run.result);
    }
    out.push('\n');
    out
}

fn spread(times: &[f64]) -> String {
    let extreme = |of: fn(f64, f64) -> f64| times.iter().copied().reduce(of);
    let (min, max) = (extreme(f64::min), extreme(f64::max));
    min.zip(max).map_or_else(String::new, |(min, max)| format!("{min:.2} to {max:.2} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &'static str, workers: usize, seconds: f64, compared: bool) -> Measurements {
        Measurements {
            name,
            workers,
            compared,
            times_to_accuracy: vec![seconds + 0.5, seconds, seconds - 0.25],
            time_to_accuracy: seconds,
            compute: 0.75,
            transfer: 0.05,
            waiting: 0.15,
            cpu: 12.0,
            memory: 200.0 * MEBIBYTE,
            result: "reached".to_owned(),
        }
    }

    #[test]
    fn runs_on_more_workers_than_cores_are_marked() {
        let runs = [
            run("one", 1, 10.0, true),
            run("two", 2, 5.0, true),
            run("four", 4, 5.0, true),
            run("real", 2, 1.0, false),
        ];
        let text = render(&runs, 2);
        let cells = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(cells("two"), "two 2 5.00 s 4.75 to 5.50 s 2.00 × 75 % 5 % 15 % 12.00 200 MiB");
        assert_eq!(cells("four"), "four 4* 5.00 s 4.75 to 5.50 s 2.00 × 75 % 5 % 15 % 12.00 200 MiB");
        assert_eq!(cells("real"), "real 2 1.00 s 0.75 to 1.50 s 75 % 5 % 15 % 12.00 200 MiB");
        assert!(text.contains("* More workers than cores (2)"));
        assert!(!render(&runs[..2], 2).contains('*'));
    }
}
