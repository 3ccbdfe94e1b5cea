//! A chart of one metric.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::format::{elapsed, number, tick};
use super::text::{fit, name};
use super::theme::Theme;
use crate::commands::top::state::MetricCurve;

/// The smallest area with room for axes.
const SMALLEST: (u16, u16) = (16, 4);

/// Larger values are outside every chart, because the range of a chart must be a finite number.
const LARGEST: f64 = 1e300;

/// What a chart shows.
pub(crate) struct ChartOf<'a> {
    pub(crate) name: &'a str,
    pub(crate) metric: &'a MetricCurve,
    /// The goal, with the sign of its direction.
    pub(crate) goal: Option<(&'static str, f64)>,
    pub(crate) style: Style,
}

/// Draws a chart under a line with its name, its newest value and the goal.
pub(crate) fn draw_chart(frame: &mut Frame<'_>, area: Rect, chart: &ChartOf<'_>, theme: Theme) {
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let last = chart.metric.last.map(number).unwrap_or_default();
    let goal = chart.goal.map(|(sign, goal)| format!("  goal {sign} {}", number(goal))).unwrap_or_default();
    let columns = usize::from(area.width).saturating_sub(last.len() + goal.chars().count() + 2);
    let head_line = Line::from(vec![
        Span::styled(fit(&name(chart.name), columns), theme.heading()),
        Span::raw("  "),
        Span::styled(last, chart.style),
        Span::styled(goal, theme.goal()),
    ]);
    frame.render_widget(head_line, head);
    let points = chart.metric.curve.points();
    let (Some(first), Some(end)) = (points.first(), points.last()) else { return };
    if body.width < SMALLEST.0 || body.height < SMALLEST.1 {
        return;
    }
    let x = if end.0 > first.0 { [first.0, end.0] } else { [first.0 - 1.0, first.0 + 1.0] };
    let y = bounds(points, chart.goal.map(|(_, goal)| goal));
    let dots = goal_dots(chart.goal.map(|(_, goal)| goal), x, body.width);
    let shape = if points.len() == 1 { GraphType::Scatter } else { GraphType::Line };
    let curve = Dataset::default().marker(Marker::Braille).graph_type(shape).style(chart.style).data(points);
    let goal = Dataset::default()
        .marker(Marker::Braille)
        .graph_type(GraphType::Scatter)
        .style(theme.goal())
        .data(&dots);
    let label = |text: String| Span::styled(text, theme.quiet());
    let axis = |bounds: [f64; 2]| Axis::default().bounds(bounds).style(theme.quiet());
    let middle = (body.height >= 8).then(|| label(tick(f64::midpoint(y[0], y[1]), y)));
    let y_labels = [Some(label(tick(y[0], y))), middle, Some(label(tick(y[1], y)))];
    let drawn = Chart::new(vec![goal, curve])
        .legend_position(None)
        .x_axis(axis(x).labels([label(elapsed(x[0])), label(elapsed(x[1]))]))
        .y_axis(axis(y).labels(y_labels.into_iter().flatten()));
    frame.render_widget(drawn, body);
}

/// Returns the range of values, with the goal and some room.
fn bounds(points: &[(f64, f64)], goal: Option<f64>) -> [f64; 2] {
    let values = points.iter().map(|point| point.1).chain(goal.filter(|goal| goal.is_finite()));
    let values = values.map(|value| value.clamp(-LARGEST, LARGEST));
    let none = [f64::INFINITY, f64::NEG_INFINITY];
    let [low, high] = values.fold(none, |[low, high], value| [low.min(value), high.max(value)]);
    let room = match (high - low) / 20.0 {
        room if room > 0.0 => room,
        _ => (low.abs() / 20.0).max(1e-9),
    };
    // Most metrics are never negative, and their axis is not either.
    let below = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
    [below, high + room]
}

/// Returns a dotted line at the goal.
fn goal_dots(goal: Option<f64>, x: [f64; 2], width: u16) -> Vec<(f64, f64)> {
    let Some(goal) = goal else { return Vec::new() };
    (0..=width).map(|dot| (x[0] + (x[1] - x[0]) * f64::from(dot) / f64::from(width.max(1)), goal)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_has_the_goal_and_is_never_empty() {
        assert_eq!(bounds(&[(0.0, 0.0), (1.0, 20.0)], None), [0.0, 21.0]);
        assert_eq!(bounds(&[(0.0, -20.0), (1.0, 0.0)], None), [-21.0, 1.0]);
        assert_eq!(bounds(&[(0.0, 50.0)], Some(100.0)), [47.5, 102.5]);
        for value in [0.0, 3.0, -3.0, 1e300, f64::MAX, f64::MIN] {
            let [low, high] = bounds(&[(0.0, value)], None);
            assert!(low < high && (high - low).is_finite(), "{value}");
        }
        let [low, high] = bounds(&[(0.0, f64::MIN), (0.0, f64::MAX)], None);
        assert!(low < high && (high - low).is_finite());
    }
}
