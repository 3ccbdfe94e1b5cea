//! The overview: workers, runs, and charts of the selected run.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Table, TableState};

use super::chart::{ChartOf, draw_chart, draw_values};
use super::format::{bytes, elapsed, number};
use super::frame::{draw_foot, draw_head};
use super::text::{fit, name};
use super::theme::Theme;
use super::workers::draw_workers;
use crate::commands::top::state::{App, Entry, Focus, Newest};

/// Columns of the table of runs beside the name: id, state, workers, elapsed, progress, loss, accuracy.
const COLUMNS: [u16; 7] = [5, 11, 3, 7, 10, 8, 15];

/// Draws the overview.
pub(crate) fn draw_overview(frame: &mut Frame<'_>, app: &App, runs: &mut TableState, theme: Theme) {
    let area = frame.area();
    let workers = u16::try_from(app.workers.len().max(1)).unwrap_or(u16::MAX);
    let workers = if area.height < 10 { 0 } else { 1 + workers.min((area.height / 6).max(1)) };
    let charts =
        if area.width < 34 { 0 } else { chart_lines(area.height, workers, app.runs.shown().count()) };
    let [head, workers, runs_area, charts, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(workers),
        Constraint::Fill(1),
        Constraint::Length(charts),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_head(frame, head, app, |columns| title(app, columns, theme), theme);
    if workers.height > 0 {
        draw_workers(frame, workers, app, 0, theme);
    }
    draw_runs(frame, runs_area, app, runs, theme);
    draw_measures(frame, charts, app, theme);
    draw_foot(frame, foot, app, theme);
}

/// Returns the lines for charts: a third of the terminal, or up to a half if there are few runs.
fn chart_lines(height: u16, workers: u16, runs: usize) -> u16 {
    if height < 18 {
        return 0;
    }
    let runs = u16::try_from(runs.max(4)).unwrap_or(u16::MAX);
    let free = height.saturating_sub(workers).saturating_sub(runs.saturating_add(3));
    free.min(height / 2).min(20).max((height / 3).min(16))
}

/// Returns the title without what has no room: first the usage, then the server.
fn title(app: &App, columns: usize, theme: Theme) -> Line<'static> {
    let (cores, memory) = app.workers.total();
    let active = app.runs.all().filter(|entry| entry.is_active).count();
    let runs = if app.runs.len() == 1 { "run" } else { "runs" };
    let server = format!("  {}", name(&app.server));
    let runs = format!("  {} {runs}, {active} active", app.runs.len());
    let usage = format!("  {cores:.1} cores  {}", bytes(memory));
    let mut left = columns.saturating_sub("mlbench top".len() + runs.len());
    let mut fitting = |text: String| {
        let width = text.chars().count();
        let fits = width <= left;
        left -= if fits { width } else { 0 };
        if fits { text } else { String::new() }
    };
    let (server, usage) = (fitting(server), fitting(usage));
    Line::from(vec![
        Span::styled("mlbench top", theme.heading()),
        Span::styled(server, theme.quiet()),
        Span::raw(runs),
        Span::raw(usage),
    ])
}

fn draw_runs(frame: &mut Frame<'_>, area: Rect, app: &App, state: &mut TableState, theme: Theme) {
    let shows_workers = area.width >= 90;
    let widths: Vec<u16> = COLUMNS
        .into_iter()
        .enumerate()
        .filter(|(column, _)| *column != 2 || shows_workers)
        .map(|(_, width)| width)
        .collect();
    let fixed: u16 = widths.iter().map(|width| width + 1).sum();
    let name_width = area.width.saturating_sub(fixed);
    let cells = |id: Line<'static>, name: Line<'static>, rest: [Line<'static>; 6]| {
        let [state, workers, rest @ ..] = rest;
        let cells = [id, name, state].into_iter().chain(shows_workers.then_some(workers)).chain(rest);
        Row::new(cells.map(Cell::from))
    };
    let filter = app.runs.filter();
    let title = if filter.is_empty() { "NAME".to_owned() } else { format!("NAME /{}", name(filter)) };
    let right = |text: String| Line::raw(text).right_aligned();
    let head = cells(
        right("ID".to_owned()),
        Line::raw(fit(&title, usize::from(name_width))),
        [
            Line::raw("STATE"),
            right("W".to_owned()),
            right("TIME".to_owned()),
            right("PROGRESS".to_owned()),
            right("LOSS".to_owned()),
            right("ACCURACY/GOAL".to_owned()),
        ],
    );
    let rows = app.runs.shown().map(|entry| {
        cells(
            right(entry.id.to_string()),
            Line::raw(fit(&name(&entry.name), usize::from(name_width))),
            [
                Line::styled(state_text(entry), theme.state(entry.state)),
                right(entry.num_workers.to_string()),
                right(elapsed(entry.elapsed(app.now))),
                right(progress(entry)),
                right(value(entry.loss.as_ref())),
                accuracy(entry, theme).right_aligned(),
            ],
        )
    });
    let rows: Vec<Row> = rows.collect();
    if rows.is_empty() {
        let text = match (app.is_read, filter.is_empty()) {
            (false, _) => "reading…",
            (_, true) => "no runs yet; start one with `mlbench runs start --name NAME`",
            _ => "no run has these words; Esc shows all",
        };
        let [_, area] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        frame.render_widget(Line::styled(text, theme.quiet()), area);
    }
    state.select((!rows.is_empty()).then(|| app.runs.selected_index()));
    let mut constraints: Vec<Constraint> = widths.into_iter().map(Constraint::Length).collect();
    constraints.insert(1, Constraint::Fill(1));
    let table =
        Table::new(rows, constraints).header(head.style(theme.quiet())).row_highlight_style(theme.selected());
    frame.render_stateful_widget(table, area, state);
}

/// Returns the state, or the place in the queue.
pub(crate) fn state_text(entry: &Entry) -> String {
    match entry.queue_position {
        Some(position) => format!("queue: {position}"),
        None => entry.state.to_string(),
    }
}

/// Returns how far the training is.
pub(crate) fn progress(entry: &Entry) -> String {
    match (entry.epoch, entry.step) {
        (Some(epoch), _) => format!("epoch {}", progress_number(epoch)),
        (None, Some(step)) => format!("step {step}"),
        (None, None) => String::new(),
    }
}

/// Formats an epoch in four columns.
fn progress_number(epoch: f64) -> String {
    let decimals = usize::from(epoch.abs() < 99.95 && epoch.fract() != 0.0);
    format!("{epoch:.decimals$}")
}

fn value(newest: Option<&Newest>) -> String {
    newest.map(|newest| number(newest.value)).unwrap_or_default()
}

/// Returns the accuracy, the goal, and whether it is reached.
fn accuracy(entry: &Entry, theme: Theme) -> Line<'static> {
    let Some(newest) = &entry.accuracy else { return Line::raw("") };
    match entry.target_of(&newest.name) {
        None => Line::raw(number(newest.value)),
        Some(target) => {
            let is_reached = target.is_reached(newest.value);
            let style = if is_reached { theme.good() } else { Style::new() };
            let mark = if is_reached { " ✓" } else { "" };
            Line::styled(format!("{} / {}{mark}", number(newest.value), number(target.value)), style)
        }
    }
}

/// Draws the charts of the selected run: two, or as many as have room.
fn draw_measures(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let (Some(focus), false) = (&app.focus, area.is_empty()) else { return };
    let Some(entry) = app.runs.get(focus.id) else { return };
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let what = match (&entry.reason, &entry.waiting_for) {
        (Some(reason), _) => format!("  {}", name(reason)),
        (None, Some(waiting_for)) => format!("  {}", name(waiting_for)),
        (None, None) => String::new(),
    };
    let rule = "─".repeat(usize::from(area.width));
    frame.render_widget(Line::styled(rule, theme.quiet()), head);
    let title = format!(" run {} {}{what} ", entry.id, name(&entry.name));
    let title = fit(&title, usize::from(area.width).saturating_sub(4));
    frame.render_widget(
        Span::styled(title, theme.heading()),
        Rect { x: head.x + 2, width: head.width.saturating_sub(2), ..head },
    );
    let charts = focus.charts();
    if charts.is_empty() {
        return draw_without_charts(frame, body, focus, theme);
    }
    let count = usize::from((body.width / 36).clamp(1, 4)).min(charts.len());
    let columns = Layout::horizontal(vec![Constraint::Fill(1); count]).spacing(2).split(body);
    for (number, ((name, metric), column)) in charts.into_iter().zip(columns.iter()).enumerate() {
        let chart = ChartOf { name, metric, goal: goal_of(entry, name), style: theme.curve(number) };
        draw_chart(frame, *column, &chart, theme);
    }
}

/// Draws the values of a run without curves, or why there are none.
pub(crate) fn draw_without_charts(frame: &mut Frame<'_>, area: Rect, focus: &Focus, theme: Theme) {
    let values = focus.values();
    if values.is_empty() {
        let text = if focus.is_read { "no metrics yet" } else { "reading…" };
        return frame.render_widget(Line::styled(text, theme.quiet()), area);
    }
    draw_values(frame, area, &values, theme);
}

/// Returns the goal of a run for a metric.
pub(crate) fn goal_of(entry: &Entry, metric: &str) -> Option<(&'static str, f64)> {
    let target = entry.target_of(metric)?;
    Some((target.direction.sign(), target.value))
}
