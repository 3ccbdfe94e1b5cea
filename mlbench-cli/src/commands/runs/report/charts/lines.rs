//! Speed-up and efficiency by the number of workers.

use std::collections::BTreeMap;

use mlbench_client::{Comparison, Estimate, Group};
use plotters::style::text_anchor::HPos;
use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::canvas::{Canvas, Drawn, Marker, Place, SMALL, shortened, text_width};
use super::frame::{MARGIN, TOP, WIDTH, Words};
use super::palette::{FAINT, GRID, TEXT, series as color};

/// Height with one line of the legend.
const HEIGHT: f64 = 480.0;
/// Height of a line of the legend.
const LEGEND: f64 = 24.0;
/// Where a chart begins, behind the numbers of its axis.
const LEFT: f64 = MARGIN + 56.0;
/// The line before a name of the legend, and the space behind the name.
const AROUND_NAME: (f64, f64) = (36.0, 24.0);

/// Lines over the number of workers.
pub(super) struct Lines {
    /// Name and points of each line.
    series: Vec<(String, Vec<Point>)>,
    ideal: Ideal,
    /// What follows a number at the axis.
    unit: &'static str,
}

/// What perfect scaling is.
enum Ideal {
    /// As many times faster as there are more workers than these.
    Proportional(u32),
    /// Always this.
    Constant(f64),
}

struct Point {
    workers: u32,
    median: f64,
    low: f64,
    high: Option<f64>,
    is_oversubscribed: bool,
}

/// Returns the chart of the speed-up.
pub(super) fn speed_up(comparison: &Comparison) -> Option<(Words, Lines)> {
    let series = series(comparison, |group| group.speed_up, 1.0)?;
    let base = comparison.groups.iter().filter_map(|group| comparison.groups.get(group.baseline));
    let ideal = Ideal::Proportional(base.map(|group| group.parameters.num_workers).min()?);
    let words = Words {
        name: "speed-up",
        title: "Speed-up".to_owned(),
        subtitle: subtitle(comparison, "time to accuracy of the baseline divided by that of the group"),
    };
    Some((words, Lines { series, ideal, unit: " ×" }))
}

/// Returns the chart of the efficiency.
pub(super) fn efficiency(comparison: &Comparison) -> Option<(Words, Lines)> {
    let series = series(comparison, |group| group.efficiency, 100.0)?;
    let words = Words {
        name: "efficiency",
        title: "Efficiency".to_owned(),
        subtitle: subtitle(comparison, "speed-up divided by the ratio of the numbers of workers"),
    };
    Some((words, Lines { series, ideal: Ideal::Constant(100.0), unit: " %" }))
}

fn subtitle(comparison: &Comparison, meaning: &str) -> String {
    let is_over = comparison.groups.iter().any(|group| group.oversubscribed == Some(true));
    match comparison.cores.filter(|_| is_over) {
        Some(cores) => format!("{meaning}; * more workers than the {cores} cores"),
        None => meaning.to_owned(),
    }
}

/// Returns a line for each kind of groups that differ in their workers only.
///
/// `None` without two groups to connect.
fn series(
    comparison: &Comparison,
    value: impl Fn(&Group) -> Option<Estimate>,
    factor: f64,
) -> Option<Vec<(String, Vec<Point>)>> {
    let mut by_kind: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for group in &comparison.groups {
        if let Some(estimate) = value(group) {
            by_kind.entry(kind(group)).or_default().push(Point {
                workers: group.parameters.num_workers,
                median: estimate.median * factor,
                low: estimate.low * factor,
                high: estimate.high.map(|high| high * factor),
                is_oversubscribed: group.oversubscribed == Some(true),
            });
        }
    }
    let mut series: Vec<_> = by_kind.into_iter().collect();
    for (_, points) in &mut series {
        points.sort_by_key(|point| point.workers);
    }
    let workers = |points: &[Point]| points.first().map(|point| point.workers);
    let first = series.iter().find_map(|(_, points)| workers(points))?;
    let differs = series.iter().flat_map(|(_, points)| points).any(|point| point.workers != first);
    differs.then_some(series)
}

/// Returns what distinguishes a group besides its number of workers: its label without them.
fn kind(group: &Group) -> String {
    let workers = match group.parameters.num_workers {
        1 => "1 worker".to_owned(),
        many => format!("{many} workers"),
    };
    let rest = group.label.strip_prefix(&workers).unwrap_or(&group.label);
    rest.trim_start_matches(", ").to_owned()
}

impl Lines {
    /// Returns the texts that others have chosen.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.series.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn height(&self) -> f64 {
        HEIGHT + self.legend_height() - LEGEND
    }

    fn legend_height(&self) -> f64 {
        self.legend().last().map_or(LEGEND, |(_, (_, y))| y + LEGEND)
    }

    pub(super) fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let points = || self.series.iter().flat_map(|(_, points)| points);
        let most = points().map(|point| point.workers).max().unwrap_or(1);
        let highest = points().map(|point| point.high.unwrap_or(point.median)).fold(0.0, f64::max);
        let axis = Axis::up_to(highest.max(self.ideal_at(most)));
        let (left, right) = (LEFT, WIDTH - MARGIN - 30.0);
        let (top, bottom) = (TOP + self.legend_height(), self.height() - 56.0);
        let x = |workers: u32| left + (right - left) * f64::from(workers) / f64::from(most);
        let y = |value: f64| bottom - (bottom - top) * value / axis.end;
        for value in axis.lines() {
            canvas.line(&[(left, y(value)), (right, y(value))], GRID, 1.0)?;
            let text = format!("{}{}", axis.text(value), self.unit);
            canvas.text(&text, (left - 8.0, y(value)), SMALL, FAINT, HPos::Right)?;
        }
        let mut ticks: Vec<u32> = points().map(|point| point.workers).collect();
        ticks.sort_unstable();
        ticks.dedup();
        let mut free = f64::MIN;
        for workers in ticks {
            let is_over = points().any(|point| point.workers == workers && point.is_oversubscribed);
            let text = format!("{workers}{}", if is_over { "*" } else { "" });
            canvas.line(&[(x(workers), bottom), (x(workers), bottom + 5.0)], FAINT, 1.0)?;
            // Where numbers are close together, some have no text.
            if x(workers) >= free {
                canvas.text(&text, (x(workers), bottom + 16.0), SMALL, FAINT, HPos::Center)?;
                free = x(workers) + text_width(&text, SMALL) + 8.0;
            }
        }
        canvas.text("workers", (f64::midpoint(left, right), bottom + 38.0), SMALL, FAINT, HPos::Center)?;
        canvas.line(&[(left, bottom), (right, bottom)], FAINT, 1.0)?;
        let ideal_from = if matches!(self.ideal, Ideal::Constant(_)) { left } else { x(0) };
        canvas.dashes((ideal_from, y(self.ideal_at(0))), (x(most), y(self.ideal_at(most))), FAINT)?;
        for (index, (_, points)) in self.series.iter().enumerate() {
            self.draw_series(canvas, index, points, &|point, value| (x(point.workers), y(value).max(top)))?;
        }
        self.draw_legend(canvas)
    }

    fn draw_series<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        index: usize,
        points: &[Point],
        place: &dyn Fn(&Point, f64) -> Place,
    ) -> Drawn<DB> {
        let color = color(index);
        for point in points {
            let (x, low) = place(point, point.low);
            let (_, high) = place(point, point.high.unwrap_or(f64::MAX));
            if low - high > 1.0 {
                canvas.line(&[(x, low), (x, high)], color, 1.5)?;
                for (at, is_end) in [(low, true), (high, point.high.is_some())] {
                    if is_end {
                        canvas.line(&[(x - 5.0, at), (x + 5.0, at)], color, 1.5)?;
                    }
                }
            }
        }
        let line: Vec<Place> = points.iter().map(|point| place(point, point.median)).collect();
        canvas.line(&line, color, 2.0)?;
        line.iter().try_for_each(|at| canvas.marker(Marker::of(index), *at, color))
    }

    fn ideal_at(&self, workers: u32) -> f64 {
        match self.ideal {
            Ideal::Proportional(base) => f64::from(workers) / f64::from(base.max(1)),
            Ideal::Constant(value) => value,
        }
    }

    /// Returns the names of the legend, each with its place below the title. The last is the ideal line.
    fn legend(&self) -> Vec<(String, Place)> {
        let (before, behind) = AROUND_NAME;
        let named = self.series.iter().map(|(name, _)| if name.is_empty() { "measured" } else { name });
        let mut at = (LEFT, 0.0);
        let placed = named.chain(["ideal"]).map(|name| {
            let name = shortened(name, SMALL, WIDTH - MARGIN - LEFT - before);
            let width = before + text_width(&name, SMALL);
            if at.0 + width > WIDTH - MARGIN && at.0 > LEFT {
                at = (LEFT, at.1 + LEGEND);
            }
            let place = at;
            at.0 += width + behind;
            (name, place)
        });
        placed.collect()
    }

    fn draw_legend<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        for (index, (name, (x, below))) in self.legend().into_iter().enumerate() {
            let y = TOP - 2.0 + below;
            if index == self.series.len() {
                canvas.dashes((x, y), (x + 28.0, y), FAINT)?;
            } else {
                canvas.line(&[(x, y), (x + 28.0, y)], color(index), 2.0)?;
                canvas.marker(Marker::of(index), (x + 14.0, y), color(index))?;
            }
            canvas.text(&name, (x + AROUND_NAME.0, y), SMALL, TEXT, HPos::Left)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(names: &[String]) -> Lines {
        let series = names.iter().map(|name| (name.clone(), Vec::new())).collect();
        Lines { series, ideal: Ideal::Constant(1.0), unit: "" }
    }

    #[test]
    fn a_legend_of_long_names_makes_the_picture_higher() {
        let few = lines(&["a".to_owned(), "b".to_owned()]);
        assert_eq!((few.height(), few.legend_height()), (HEIGHT, LEGEND));
        let long: Vec<String> =
            (0..20).map(|number| format!("{} {number}", "a long name".repeat(20))).collect();
        let many = lines(&long);
        assert_eq!(many.legend_height(), 21.0 * LEGEND, "one name per line");
        assert_eq!(many.height() - many.legend_height(), HEIGHT - LEGEND);
        let mut names: Vec<String> = many.legend().into_iter().map(|(name, _)| name).collect();
        assert!(names.iter().all(|name| text_width(name, SMALL) <= WIDTH - MARGIN - LEFT - AROUND_NAME.0));
        assert!(names[7].ends_with(" 7") && names[7].contains('…'), "{}", names[7]);
        names.dedup();
        assert_eq!(names.len(), 21, "the ends distinguish them");
    }
}
