//! The first and the last line of the terminal.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::format::elapsed;
use super::text::{fit, name};
use super::theme::Theme;
use crate::commands::top::state::{App, Screen};

/// Draws a title at the left, and at the right whether the server is there.
///
/// The title has as many columns as are left.
pub(crate) fn draw_head<'a>(
    frame: &mut Frame<'_>,
    area: Rect,
    app: &App,
    title: impl FnOnce(usize) -> Line<'a>,
    theme: Theme,
) {
    let (text, style) = match app.away_since {
        Some(heard) => {
            let age = elapsed(app.now.since(heard).as_secs_f64());
            (format!("reconnecting… shown is {age} old"), theme.problem())
        }
        None if app.is_read => ("● live".to_owned(), theme.good()),
        None => ("connecting…".to_owned(), theme.quiet()),
    };
    let link = Line::styled(text, style).right_aligned();
    let width = u16::try_from(link.width()).unwrap_or(area.width).min(area.width);
    let left = Rect { width: area.width.saturating_sub(width + 1), ..area };
    frame.render_widget(title(left.width.into()), left);
    frame.render_widget(link, Rect { x: area.x + (area.width - width), width, ..area });
}

/// Draws the filter, a notice, or the keys.
pub(crate) fn draw_foot(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let columns = usize::from(area.width);
    if app.edits_filter {
        let begin = "filter: ";
        // The end of a long filter is where the user writes.
        let filter = name(app.runs.filter());
        let room = columns.saturating_sub(begin.len() + 1);
        let skipped = filter.chars().count().saturating_sub(room);
        let shown: String = filter.chars().skip(skipped).collect();
        let line =
            vec![Span::styled(begin, theme.heading()), Span::raw(shown), Span::styled(" ", theme.selected())];
        return frame.render_widget(Line::from(line), area);
    }
    if let Some(notice) = app.notice() {
        let style = if notice.is_problem { theme.problem() } else { theme.good() };
        return frame.render_widget(Line::styled(fit(&name(&notice.text), columns), style), area);
    }
    let keys: &[(&str, &str)] = match app.screen {
        Screen::Overview => &[
            ("↑↓", "select"),
            ("Enter", "open"),
            ("l", "logs"),
            ("s", "stop"),
            ("/", "filter"),
            ("w", "workers"),
            ("?", "help"),
            ("q", "quit"),
        ],
        Screen::Run => &[
            ("q", "back"),
            ("←→", "charts"),
            ("↑↓", "other run"),
            ("l", "logs"),
            ("s", "stop"),
            ("?", "help"),
        ],
        Screen::Logs { .. } => {
            &[("q", "back"), ("↑↓", "scroll"), ("G", "follow"), ("←→", "aside"), ("s", "stop"), ("?", "help")]
        }
        Screen::Workers => &[("q", "back"), ("↑↓", "scroll"), ("?", "help")],
    };
    let mut spans = Vec::new();
    for (key, what) in keys {
        spans.push(Span::styled((*key).to_owned(), theme.heading()));
        spans.push(Span::styled(format!(" {what}  "), theme.quiet()));
    }
    frame.render_widget(Line::from(spans), area);
}
