//! The table of workers.

use mlbench_client::PodName;
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Table};

use super::format::{bytes, number};
use super::spark::spark;
use super::text::{fit, name};
use super::theme::Theme;
use crate::commands::top::state::{App, Entry, Worker};

/// Draws a table of the workers from `first` on, under a heading.
pub(crate) fn draw_workers(frame: &mut Frame<'_>, area: Rect, app: &App, first: usize, theme: Theme) {
    let rows = usize::from(area.height).saturating_sub(1);
    let wide = usize::from(area.width.saturating_sub(80)) / 5;
    let (cpu_width, memory_width) = (12 + wide, 8 + wide);
    let left = app.workers.len().saturating_sub(first + rows);
    let more = match (left, app.workers.len()) {
        (_, 0) => "no workers yet".to_owned(),
        (0, _) => String::new(),
        _ => format!("+{left}: w"),
    };
    let fixed = 9 + 5 + cpu_width + 6 + memory_width + 9 + 6;
    let name_width = usize::from(area.width).saturating_sub(fixed);
    let head = Row::new([
        Line::from(vec![Span::raw("WORKER "), Span::styled(more, theme.goal())]),
        Line::raw("PHASE"),
        Line::raw("RUN"),
        Line::raw("CPU"),
        Line::raw("cores").right_aligned(),
        Line::raw("MEMORY"),
        Line::raw(""),
    ])
    .style(theme.quiet());
    let most_memory = app.workers.iter().filter_map(|(_, worker)| worker.memory.last()).fold(1.0, f64::max);
    let row = |(pod, worker): (&PodName, &Worker)| {
        let cpu = worker.cpu.newest(2 * cpu_width);
        let most = cpu.iter().copied().fold(1.0, f64::max);
        let memory = worker.memory.newest(2 * memory_width);
        let most_memory = memory.iter().copied().fold(most_memory, f64::max);
        Row::new([
            Cell::from(fit(&name(pod.as_str()), name_width)),
            Cell::from(worker.phase.to_string()),
            Cell::from(run_of(app, pod)),
            Cell::from(Span::styled(spark(&cpu, cpu_width, most), theme.curve(0))),
            Cell::from(Line::raw(worker.cpu.last().map(cores).unwrap_or_default()).right_aligned()),
            Cell::from(Span::styled(spark(&memory, memory_width, most_memory), theme.curve(2))),
            Cell::from(Line::raw(worker.memory.last().map(bytes).unwrap_or_default()).right_aligned()),
        ])
    };
    let length = |columns: usize| Constraint::Length(u16::try_from(columns).unwrap_or(u16::MAX));
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(9),
        Constraint::Length(5),
        length(cpu_width),
        Constraint::Length(6),
        length(memory_width),
        Constraint::Length(9),
    ];
    frame.render_widget(
        Table::new(app.workers.iter().skip(first).take(rows).map(row), widths).header(head),
        area,
    );
}

/// Formats cores: two digits behind the point are what the counter has.
fn cores(cores: f64) -> String {
    if cores < 100.0 { format!("{cores:.2}") } else { number(cores) }
}

/// Returns the newest active run that a pod works for.
fn run_of(app: &App, pod: &PodName) -> String {
    let works = |entry: &&Entry| entry.is_active && entry.pods.contains(pod);
    app.runs.all().rev().find(works).map(|entry| entry.id.to_string()).unwrap_or_default()
}
