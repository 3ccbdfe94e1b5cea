//! The output of a run.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::frame::{draw_foot, draw_head};
use super::overview::state_text;
use super::text::{name, output};
use super::theme::Theme;
use crate::commands::top::state::{App, Focus};

/// Draws the output of the run in view over the whole terminal.
pub(crate) fn draw_logs(frame: &mut Frame<'_>, app: &App, theme: Theme) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)])
            .areas(frame.area());
    let Some(focus) = &app.focus else { return };
    let Some(entry) = app.runs.get(focus.id) else { return };
    let place = match (focus.scroll(), entry.is_active) {
        (0, true) => "following".to_owned(),
        (0, false) => "end".to_owned(),
        (lines, _) => format!("{lines} lines above the end"),
    };
    let title = Line::from(vec![
        Span::styled(format!("run {} {}", entry.id, name(&entry.name)), theme.heading()),
        Span::styled(format!("  {}", state_text(entry)), theme.state(entry.state)),
        Span::styled(format!("  output: {place}"), theme.quiet()),
    ]);
    draw_head(frame, head, app, |_| title, theme);
    draw_lines(frame, body, focus, entry.id.get(), theme);
    draw_foot(frame, foot, app, theme);
}

/// Draws the lines of the run in view that end where it is scrolled to.
pub(crate) fn draw_lines(frame: &mut Frame<'_>, area: Rect, focus: &Focus, id: i64, theme: Theme) {
    let rows = usize::from(area.height);
    let column = u16::try_from(focus.column).unwrap_or(u16::MAX);
    let mut lines: Vec<Line> = focus
        .lines()
        .rev()
        .skip(focus.scroll())
        .take(rows)
        .map(|line| output(&line.labelled(), theme))
        .collect();
    if lines.len() < rows && focus.has_more_lines {
        lines.push(Line::styled(format!("… `mlbench runs logs {id}` has the lines before"), theme.quiet()));
    }
    if lines.is_empty() {
        let text = if focus.is_read { "no output yet" } else { "reading…" };
        lines.push(Line::styled(text, theme.quiet()));
    }
    lines.reverse();
    frame.render_widget(Paragraph::new(lines).scroll((0, column)), area);
}
