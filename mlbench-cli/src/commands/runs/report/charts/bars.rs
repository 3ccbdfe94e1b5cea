//! Times to accuracy as bars with their intervals.

use mlbench_client::{Comparison, Interval};
use plotters::style::text_anchor::HPos;
use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::canvas::{Canvas, Drawn, SMALL, shortened, text_width};
use super::frame::{MARGIN, TOP, WIDTH, Words};
use super::palette::{BLUE, FAINT, GRID, TEXT};
use crate::commands::runs::comparison::{label, title};

const ROW: f64 = 34.0;
const BAR: f64 = 20.0;
/// Below the rows: the numbers of the axis and its name.
const BOTTOM: f64 = 56.0;
/// Most space for labels.
pub(super) const MAX_LABEL: f64 = 320.0;

/// Bars, each with a label.
pub(super) struct Bars {
    rows: Vec<Bar>,
    unit: &'static str,
}

struct Bar {
    label: String,
    /// Median, lower and upper end, or why there is none. An open interval has no upper end.
    value: Result<(f64, f64, Option<f64>), String>,
    n: u32,
}

/// Returns the chart of the times to accuracy.
pub(super) fn times(comparison: &Comparison) -> Option<(Words, Bars)> {
    let longest = comparison.groups.iter().filter_map(|group| Some(group.time_to_accuracy?.median));
    let (factor, unit) =
        if longest.reduce(f64::max)? < 1.0 { (1e3, "milliseconds") } else { (1.0, "seconds") };
    let rows = comparison.groups.iter().map(|group| Bar {
        label: label(group),
        value: match &group.time_to_accuracy {
            Some(time) => Ok((time.median * factor, time.low * factor, time.high.map(|high| high * factor))),
            None => Err(group.no_time_reason.clone().unwrap_or_else(|| "no time".to_owned())),
        },
        n: group.n,
    });
    let estimates = || comparison.groups.iter().filter_map(|group| group.time_to_accuracy);
    let subtitle = if estimates().all(|time| time.n == 1) {
        "one training each".to_owned()
    } else if estimates().all(|time| time.interval == Interval::Bootstrap95) {
        "median of the trainings, and its 95 % interval".to_owned()
    } else if estimates().all(|time| time.interval == Interval::MinMax) {
        "median of the trainings, and their range".to_owned()
    } else {
        "median of the trainings, and their range (from five on its 95 % interval)".to_owned()
    };
    let words = Words { name: "time", title: capital(&title(comparison)), subtitle };
    Some((words, Bars { rows: rows.collect(), unit }))
}

/// Begins a title with a capital letter.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

impl Bars {
    /// Returns the texts that others have chosen.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.rows
            .iter()
            .flat_map(|row| [Some(&row.label), row.value.as_ref().err()])
            .flatten()
            .map(String::as_str)
    }

    pub(super) fn height(&self) -> f64 {
        TOP + rows_height(self.rows.len()) + BOTTOM
    }

    pub(super) fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let left = label_column(self.rows.iter().map(|row| row.label.as_str()));
        let ends = self.rows.iter().filter_map(|row| row.value.as_ref().ok());
        let axis = Axis::up_to(
            ends.map(|(median, _, high)| high.unwrap_or(*median).max(*median)).fold(0.0, f64::max),
        );
        // A number is written behind the longest bar.
        let (right, bottom) = (WIDTH - MARGIN - 60.0, TOP + rows_height(self.rows.len()));
        let x = |value: f64| left + (right - left) * (value / axis.end).min(1.0);
        for value in axis.lines() {
            canvas.line(&[(x(value), TOP), (x(value), bottom)], GRID, 1.0)?;
            canvas.text(&axis.text(value), (x(value), bottom + 14.0), SMALL, FAINT, HPos::Center)?;
        }
        canvas.text(self.unit, (f64::midpoint(left, right), bottom + 36.0), SMALL, FAINT, HPos::Center)?;
        for (index, row) in (0_u32..).zip(&self.rows) {
            let y = TOP + ROW * (f64::from(index) + 0.5);
            canvas.text(
                &shortened(&row.label, SMALL, MAX_LABEL),
                (left - 10.0, y),
                SMALL,
                TEXT,
                HPos::Right,
            )?;
            match &row.value {
                Ok((median, low, high)) => {
                    canvas.rectangle((left, y - BAR / 2.0), (x(*median), y + BAR / 2.0), BLUE)?;
                    let end = high.map_or(right, x);
                    if row.n > 1 {
                        canvas.line(&[(x(*low), y), (end, y)], TEXT, 1.5)?;
                        for at in [Some(x(*low)), high.map(x)].into_iter().flatten() {
                            canvas.line(&[(at, y - 5.0), (at, y + 5.0)], TEXT, 1.5)?;
                        }
                    }
                    let text = format!("{} {}", digits(*median), if high.is_none() { "…" } else { "" });
                    canvas.text(text.trim_end(), (x(*median).max(end) + 8.0, y), SMALL, TEXT, HPos::Left)?;
                }
                Err(reason) => {
                    let reason = shortened(reason, SMALL, WIDTH - MARGIN - left - 8.0);
                    canvas.text(&reason, (left + 8.0, y), SMALL, FAINT, HPos::Left)?;
                }
            }
        }
        canvas.line(&[(left, TOP), (left, bottom)], FAINT, 1.0)
    }
}

fn digits(number: f64) -> String {
    match number {
        _ if number >= 100.0 => format!("{number:.0}"),
        _ if number >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// Returns the height of rows.
pub(super) fn rows_height(rows: usize) -> f64 {
    ROW * f64::from(u32::try_from(rows).unwrap_or(u32::MAX))
}

/// Returns where the bars begin, so that their labels fit before them.
pub(super) fn label_column<'a>(labels: impl Iterator<Item = &'a str>) -> f64 {
    let widest = labels.map(|label| text_width(label, SMALL)).fold(60.0, f64::max);
    MARGIN + widest.min(MAX_LABEL) + 10.0
}
