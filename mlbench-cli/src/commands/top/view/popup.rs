//! What covers the rest: the help, and the question before a run is stopped.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Paragraph};

use super::text::{fit, name};
use super::theme::Theme;
use crate::commands::top::state::App;

const HELP: [(&str, &str); 13] = [
    ("↑ ↓  j k", "select a run, scroll"),
    ("PgUp PgDn", "ten lines"),
    ("g G", "first, last; in the output: follow its end"),
    ("Enter", "open the run: charts, parameters, last lines"),
    ("← →", "more charts; in the output: to the side"),
    ("l", "the output of the run, followed"),
    ("s", "stop the run, after a question"),
    ("/", "show runs with these words: name, state, tag, parameter"),
    ("w", "all workers"),
    ("q Esc", "back; on the overview: quit"),
    ("Ctrl-Z", "suspend; fg resumes"),
    ("Ctrl-L", "draw anew"),
    ("?", "this help"),
];

/// Draws the keys and what they do.
pub(crate) fn draw_help(frame: &mut Frame<'_>, theme: Theme) {
    let lines: Vec<Line> = HELP
        .iter()
        .map(|(key, what)| {
            Line::from(vec![Span::styled(format!("{key:<11}"), theme.heading()), Span::raw(*what)])
        })
        .collect();
    draw_box(frame, " Keys ", lines, theme);
}

/// Draws the question whether to stop a run.
pub(crate) fn draw_question(frame: &mut Frame<'_>, app: &App, theme: Theme) {
    let Some(entry) = app.question.and_then(|id| app.runs.get(id)) else { return };
    let columns = usize::from(frame.area().width).saturating_sub(30).max(8);
    let run = format!("run {} \"{}\"", entry.id, fit(&name(&entry.name), columns));
    let lines = vec![
        Line::from(vec![Span::raw("Stop "), Span::styled(run, theme.heading()), Span::raw("?")]),
        Line::raw(""),
        Line::from(vec![
            Span::styled("y", theme.heading()),
            Span::raw(" stops it    "),
            Span::styled("any other key", theme.heading()),
            Span::raw(" does not"),
        ]),
    ];
    draw_box(frame, " Stop a run ", lines, theme);
}

fn draw_box(frame: &mut Frame<'_>, title: &str, lines: Vec<Line<'_>>, theme: Theme) {
    let width = lines.iter().map(Line::width).max().unwrap_or_default();
    let (width, height) =
        (u16::try_from(width + 6).unwrap_or(u16::MAX), u16::try_from(lines.len() + 2).unwrap_or(u16::MAX));
    let area: Rect = frame.area().centered(Constraint::Length(width), Constraint::Length(height));
    let block = Block::bordered().title(Span::styled(title, theme.heading())).padding(Padding::horizontal(2));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}
