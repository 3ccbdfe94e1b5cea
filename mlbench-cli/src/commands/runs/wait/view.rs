//! The lines about a run.

use mlbench_client::Timestamp;

use super::progress::Progress;
use crate::commands::top::{Entry, elapsed, number, progress_text, spark, state_text};
use crate::output::{Line, Tone};

/// The most columns of the curve of the loss.
const CURVE: usize = 32;

/// With fewer columns, words are shorter.
const NARROW: usize = 60;

/// Returns two lines with as much as `columns` have room for.
///
/// The first has the run, its state, the time and the epoch. The second has the loss with its curve, and the accuracy
/// with its goal, once there are some.
pub(super) fn lines(progress: &Progress, now: Timestamp, columns: usize) -> Vec<Line> {
    let mut lines = vec![about(progress, now, columns)];
    lines.extend(measured(progress, columns));
    lines
}

fn about(progress: &Progress, now: Timestamp, columns: usize) -> Line {
    let entry = &progress.entry;
    let (id, state) = (format!("run {}", entry.id), state_text(entry));
    let mut after = format!("  {}", elapsed(entry.elapsed(now)));
    let training = progress_text(entry);
    if !training.is_empty() {
        after.push_str(&format!("  {training}"));
    }
    if progress.is_away {
        after.push_str("  reconnecting…");
    } else if let Some(reason) = entry.waiting_for.as_ref().or(entry.reason.as_ref()) {
        after.push_str(&format!("  {reason}"));
    }
    let name = format!(" {:?}", entry.name);
    let room = columns.saturating_sub(id.len() + 2 + state.len() + after.chars().count());
    // A name without its end is of no use for another command.
    let name = if name.chars().count() <= room { name } else { String::new() };
    vec![(format!("{id}{name}  "), None), (state, Some(Tone::of_run(entry.state))), (after, None)]
}

fn measured(progress: &Progress, columns: usize) -> Option<Line> {
    let entry = &progress.entry;
    let loss = entry.loss.as_ref().map(|loss| against_goal(entry, "loss", &loss.name, loss.value));
    let word = if columns < NARROW { "acc" } else { "accuracy" };
    let accuracy = entry.accuracy.as_ref();
    let accuracy = accuracy.map(|accuracy| against_goal(entry, word, &accuracy.name, accuracy.value));
    let (accuracy, tone) = accuracy.unwrap_or_default();
    let Some((loss, loss_tone)) = loss else {
        return (!accuracy.is_empty()).then(|| vec![(accuracy, tone)]);
    };
    let gap = if accuracy.is_empty() { "" } else { "  " };
    let taken = loss.chars().count() + 1 + gap.len() + accuracy.chars().count();
    let width = columns.saturating_sub(taken).min(CURVE);
    let losses: Vec<f64> = progress.losses(2 * width).iter().map(|share| 0.05 + 0.95 * share).collect();
    let curve = spark(&losses, width.min(losses.len().div_ceil(2)), 1.0);
    Some(vec![
        (format!("{loss} "), loss_tone),
        (curve, Some(Tone::Active)),
        (gap.to_owned(), None),
        (accuracy, tone),
    ])
}

/// Returns a value with the goal that its metric has, and the tone of a reached one.
fn against_goal(entry: &Entry, word: &str, metric: &str, value: f64) -> (String, Option<Tone>) {
    let shown = number(value);
    let Some(target) = entry.target_of(metric) else { return (format!("{word} {shown}"), None) };
    let is_reached = target.is_reached(value);
    let mark = if is_reached { " ✓" } else { "" };
    let text = format!("{word} {shown} goal {} {}{mark}", target.direction.sign(), number(target.value));
    (text, is_reached.then_some(Tone::Good))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mlbench_client::{Direction, MetricName, NewPoints, Run, RunState};

    use super::*;
    use crate::commands::runs::wait::progress::History;
    use crate::commands::testing::failed_run;
    use crate::commands::top::Target;

    fn progress(accuracy: &str) -> Progress {
        let run = Run { state: RunState::Started, finished_at: None, ..failed_run(12, "train") };
        let mut progress = Progress::new(&run);
        let target =
            Target { metric: "val_global_Prec@1".to_owned(), direction: Direction::AtLeast, value: 95.0 };
        progress.note_history(History { target: Some(target), ..History::default() });
        let points = |value: &dyn Fn(u64) -> String| {
            let point = |second: u64| {
                let date = run.created_at.saturating_add(Duration::from_secs(second));
                serde_json::json!({"date": date, "value": value(second), "epoch": 2.5})
            };
            serde_json::from_value((0..40).map(point).collect()).unwrap()
        };
        let name = |name| MetricName::new(name).unwrap();
        let metrics = [
            (name("train_loss @ 0"), points(&|second| (2.0 / (1.0 + second as f64)).to_string())),
            (name("val_global_Prec@1 @ 0"), points(&|_| accuracy.to_owned())),
        ];
        progress.note_points(&NewPoints {
            after: 0,
            run_id: Some(run.id),
            pod_name: None,
            metrics: metrics.into(),
        });
        progress
    }

    fn shown(progress: &Progress, columns: usize) -> Vec<String> {
        let now = progress.entry.created_at.saturating_add(Duration::from_secs(64));
        let lines = lines(progress, now, columns);
        lines.iter().map(|line| line.iter().map(|(text, _)| text.as_str()).collect()).collect()
    }

    #[test]
    fn a_run_fits_into_80_and_into_40_columns() {
        let wide = shown(&progress("93.8"), 79);
        assert_eq!(wide[0], "run 12 \"train\"  STARTED  1m04s  epoch 2.5  rank 1 ended with exit code 3");
        assert!(
            wide[1].starts_with("loss 0.05 ⣷") && wide[1].ends_with("⣀  accuracy 93.8 goal ≥ 95"),
            "{wide:?}"
        );
        assert_eq!(wide[1].chars().count(), 9 + 1 + 20 + 2 + 23, "a dot for each of 40 points");
        let narrow = shown(&progress("93.8"), 39);
        assert!(narrow[0].starts_with("run 12  STARTED  1m04s  epoch 2.5"), "{narrow:?}");
        assert!(
            narrow[1].starts_with("loss 0.05 ⣄⣀") && narrow[1].ends_with("  acc 93.8 goal ≥ 95"),
            "{narrow:?}"
        );
        assert_eq!(narrow[1].chars().count(), 39);
    }

    #[test]
    fn a_reached_goal_and_a_server_that_is_away_are_said() {
        let mut progress = progress("95");
        progress.is_away = true;
        let lines = shown(&progress, 79);
        assert!(lines[0].ends_with("epoch 2.5  reconnecting…"), "{lines:?}");
        assert!(lines[1].ends_with("accuracy 95 goal ≥ 95 ✓"), "{lines:?}");
        progress.entry.target =
            Some(Target { metric: "train_loss".to_owned(), direction: Direction::AtMost, value: 0.05 });
        let lines_of_loss = shown(&progress, 79);
        assert!(lines_of_loss[1].starts_with("loss 0.05 goal ≤ 0.05 ✓ "), "{lines_of_loss:?}");
        let run = progress_without_points();
        assert_eq!(shown(&run, 79).len(), 1, "nothing is measured yet");
        for columns in 0..60 {
            shown(&progress, columns);
        }
    }

    fn progress_without_points() -> Progress {
        Progress::new(&failed_run(3, "first"))
    }
}
