//! Draws the whole terminal.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::text::{Line, Span};
use ratatui::widgets::TableState;

use super::frame::{draw_foot, draw_head};
use super::logs::draw_logs;
use super::overview::draw_overview;
use super::popup::{draw_help, draw_question};
use super::run::draw_run;
use super::theme::Theme;
use super::workers::draw_workers;
use crate::commands::top::state::{App, Screen};

/// What a view keeps from one time to the next: how far lists are scrolled.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    runs: TableState,
}

/// Draws the state.
pub(crate) fn draw(frame: &mut Frame<'_>, app: &App, memory: &mut Memory, theme: Theme) {
    match app.screen {
        Screen::Overview => draw_overview(frame, app, &mut memory.runs, theme),
        Screen::Run => draw_run(frame, app, theme),
        Screen::Logs { .. } => draw_logs(frame, app, theme),
        Screen::Workers => draw_all_workers(frame, app, theme),
    }
    if app.shows_help {
        draw_help(frame, theme);
    }
    draw_question(frame, app, theme);
}

fn draw_all_workers(frame: &mut Frame<'_>, app: &App, theme: Theme) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)])
            .areas(frame.area());
    let title = Line::from(Span::styled(format!("{} workers", app.workers.len()), theme.heading()));
    draw_head(frame, head, app, |_| title, theme);
    draw_workers(frame, body, app, app.first_worker, theme);
    draw_foot(frame, foot, app, theme);
}
