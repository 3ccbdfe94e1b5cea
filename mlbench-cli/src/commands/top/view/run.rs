//! One run: charts of its metrics, its parameters, its last lines.

use mlbench_client::RunState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};

use super::chart::{ChartOf, draw_chart, draw_values};
use super::format::elapsed;
use super::frame::{draw_foot, draw_head};
use super::logs::draw_lines;
use super::overview::{draw_without_charts, goal_of, progress, state_text};
use super::text::{fit, name};
use super::theme::Theme;
use crate::commands::top::state::{App, Entry, Focus};

/// Columns and lines that a chart has at least.
const CHART: (u16, u16) = (36, 8);

/// Draws the run in view.
pub(crate) fn draw_run(frame: &mut Frame<'_>, app: &App, theme: Theme) {
    let Some(focus) = &app.focus else { return };
    let Some(entry) = app.runs.get(focus.id) else { return };
    let area = frame.area();
    let facts = facts(entry, theme, usize::from(area.width));
    let height = u16::try_from(facts.len()).unwrap_or(u16::MAX).min(area.height / 4);
    let output = if area.height < 12 { 0 } else { (area.height / 4).max(4) };
    let [head, about, charts, output, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(height),
        Constraint::Fill(1),
        Constraint::Length(output),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_head(frame, head, app, |columns| title(app, entry, columns, theme), theme);
    frame.render_widget(Text::from(facts), about);
    draw_charts(frame, charts, focus, entry, theme);
    if !output.is_empty() {
        let [head, lines] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(output);
        draw_rule(frame, head, "output", theme);
        draw_lines(frame, lines, focus, entry.id.get(), theme);
    }
    draw_foot(frame, foot, app, theme);
}

/// Returns the title, of which the name of the run is cut.
fn title(app: &App, entry: &Entry, columns: usize, theme: Theme) -> Line<'static> {
    let state = format!("  {}", state_text(entry));
    let times = format!("  {}  {}", elapsed(entry.elapsed(app.now)), progress(entry));
    let run = format!("run {} {}", entry.id, name(&entry.name));
    let run = fit(&run, columns.saturating_sub(state.len() + times.len()));
    Line::from(vec![
        Span::styled(run, theme.heading()),
        Span::styled(state, theme.state(entry.state)),
        Span::raw(times),
    ])
}

/// Returns what is known of a run beside its metrics, a line each.
fn facts(entry: &Entry, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let pods: Vec<String> = entry.pods.iter().map(|pod| name(pod.as_str())).collect();
    let workers = match &pods[..] {
        [] => entry.num_workers.to_string(),
        pods => format!("{}: {}", entry.num_workers, pods.join(", ")),
    };
    let joined = |texts: &[String]| name(&texts.join("  "));
    // A run that has reached its goal has a reason, too.
    let reason = if entry.state == RunState::Finished { theme.good() } else { theme.problem() };
    let facts = [
        ("reason", entry.reason.as_deref().map(name).unwrap_or_default(), reason),
        ("waits", entry.waiting_for.as_deref().map(name).unwrap_or_default(), theme.goal()),
        ("params", joined(&entry.params), Style::new()),
        ("tags", joined(&entry.tags), Style::new()),
        ("workers", workers, Style::new()),
        ("command", name(&entry.command), Style::new()),
    ];
    let line = |(what, text, style): (&str, String, Style)| {
        let text = fit(&text, columns.saturating_sub(9));
        Line::from(vec![Span::styled(format!("{what:<9}"), theme.quiet()), Span::styled(text, style)])
    };
    facts.into_iter().filter(|(_, text, _)| !text.is_empty()).map(line).collect()
}

/// Draws as many charts as have room, and which of them these are.
fn draw_charts(frame: &mut Frame<'_>, area: Rect, focus: &Focus, entry: &Entry, theme: Theme) {
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let charts = focus.charts();
    if charts.is_empty() {
        draw_rule(frame, head, "metrics", theme);
        return draw_without_charts(frame, body, focus, theme);
    }
    // The values have up to a third of the room.
    let values = focus.values();
    let lines = u16::try_from(values.len()).unwrap_or(u16::MAX).min(area.height / 3);
    let [body, single] = Layout::vertical([Constraint::Fill(1), Constraint::Length(lines)]).areas(body);
    if !values.is_empty() && !single.is_empty() {
        draw_values(frame, single, &values, theme);
    }
    let columns = usize::from((body.width / CHART.0).max(1)).min(charts.len());
    let rows = usize::from((body.height / CHART.1).max(1)).min(charts.len().div_ceil(columns));
    let on_page = columns * rows;
    let pages = charts.len().div_ceil(on_page);
    let page = focus.page.rem_euclid(isize::try_from(pages).unwrap_or(1)).unsigned_abs();
    let more = if focus.has_more_metrics { ", of more" } else { "" };
    let text = match pages {
        1 => format!("{} metrics{more}", charts.len()),
        _ => format!("{} metrics{more}  ←→ {}/{pages}", charts.len(), page + 1),
    };
    draw_rule(frame, head, &text, theme);
    let lines = Layout::vertical(vec![Constraint::Fill(1); rows]).split(body);
    let cells = lines.iter().flat_map(|line| {
        Layout::horizontal(vec![Constraint::Fill(1); columns]).spacing(2).split(*line).to_vec()
    });
    let shown = charts.into_iter().enumerate().skip(page * on_page);
    for ((number, (name, metric)), cell) in shown.zip(cells) {
        let chart = ChartOf { name, metric, goal: goal_of(entry, name), style: theme.curve(number) };
        draw_chart(frame, cell, &chart, theme);
    }
}

/// Draws a line across with a text at its beginning.
fn draw_rule(frame: &mut Frame<'_>, area: Rect, text: &str, theme: Theme) {
    let rule = format!("── {text} {}", "─".repeat(usize::from(area.width)));
    frame.render_widget(Line::styled(rule, theme.quiet()), area);
}
