//! Texts of others on a terminal: they can colour it, but not control it.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::theme::Theme;
use crate::harmless::{escape, harmless};

/// Columns between two tab stops.
const TAB: usize = 8;

/// Returns a name, or another short text, without control characters.
pub(crate) fn name(text: &str) -> String {
    escape(text.to_owned())
}

/// Returns the beginning of a text that fits into `columns`, with `…` if it is cut.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if Span::raw(text).width() <= columns {
        return text.to_owned();
    }
    let (mut kept, mut left) = (String::new(), columns.saturating_sub(1));
    for c in text.chars() {
        let width = Span::raw(c.to_string()).width();
        if width > left {
            break;
        }
        left -= width;
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// Returns a line of output with its colours. Every other control character becomes visible.
pub(crate) fn output(text: &str, theme: Theme) -> Line<'static> {
    let shown = harmless(text);
    let (mut spans, mut style, mut column) = (Vec::new(), Style::new(), 0);
    let mut parts = shown.split("\u{1b}[");
    let first = parts.next().unwrap_or_default();
    spans.push(Span::raw(plain(first, &mut column)));
    for part in parts {
        // What is left of control sequences after `harmless` are colours.
        let (codes, rest) = part.split_once('m').unwrap_or(("", part));
        if theme.has_colours {
            style = with_codes(style, codes);
        }
        if !rest.is_empty() {
            spans.push(Span::styled(plain(rest, &mut column), style));
        }
    }
    Line::from(spans)
}

/// Expands tabs and shows line ends.
fn plain(text: &str, column: &mut usize) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let before = shown.len();
        match c {
            '\t' => shown.extend(std::iter::repeat_n(' ', TAB - *column % TAB)),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
        *column += Span::raw(&shown[before..]).width();
    }
    shown
}

/// Applies the codes of a colour sequence, such as `1;31` or `38;5;9`.
fn with_codes(mut style: Style, codes: &str) -> Style {
    let mut codes = codes.split([';', ':']).map(|code| code.parse::<u8>().unwrap_or(0));
    while let Some(code) = codes.next() {
        style = match code {
            0 => Style::new(),
            1 => style.add_modifier(Modifier::BOLD),
            2 => style.add_modifier(Modifier::DIM),
            3 => style.add_modifier(Modifier::ITALIC),
            4 => style.add_modifier(Modifier::UNDERLINED),
            7 => style.add_modifier(Modifier::REVERSED),
            22 => style.remove_modifier(Modifier::BOLD | Modifier::DIM),
            30..=37 => style.fg(Color::Indexed(code - 30)),
            90..=97 => style.fg(Color::Indexed(code - 82)),
            40..=47 => style.bg(Color::Indexed(code - 40)),
            100..=107 => style.bg(Color::Indexed(code - 92)),
            38 => extended(&mut codes).map_or(style, |colour| style.fg(colour)),
            48 => extended(&mut codes).map_or(style, |colour| style.bg(colour)),
            39 => style.fg(Color::Reset),
            49 => style.bg(Color::Reset),
            _ => style,
        };
    }
    style
}

/// Reads a colour of 256 or of all.
fn extended(codes: &mut impl Iterator<Item = u8>) -> Option<Color> {
    match codes.next()? {
        5 => Some(Color::Indexed(codes.next()?)),
        2 => Some(Color::Rgb(codes.next()?, codes.next()?, codes.next()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOURS: Theme = Theme { has_colours: true };

    fn parts(line: &Line) -> Vec<(String, Option<Color>)> {
        line.spans.iter().map(|span| (span.content.to_string(), span.style.fg)).collect()
    }

    #[test]
    fn colours_pass_and_nothing_else() {
        let line = output("a\u{1b}[31mred\u{1b}[0m b\u{1b}[2J\u{9b}x\r", COLOURS);
        let expected = [
            ("a".to_owned(), None),
            ("red".to_owned(), Some(Color::Indexed(1))),
            (" b\\u{1b}[2J\\u{9b}x\\r".to_owned(), None),
        ];
        assert_eq!(parts(&line)[..3], expected);
        let plain = output("\u{1b}[1;38;5;9mx\u{1b}[m", Theme { has_colours: false });
        assert!(plain.spans.iter().all(|span| span.style == Style::new()), "{plain:?}");
        let indexed = output("\u{1b}[1;38;5;9mx", COLOURS);
        assert_eq!(indexed.spans[1].style, Style::new().fg(Color::Indexed(9)).add_modifier(Modifier::BOLD));
    }

    #[test]
    fn tabs_and_line_ends_cannot_move_the_cursor() {
        assert_eq!(output("a\tb\n日\tc", COLOURS).to_string(), "a       b\\n日   c");
        assert_eq!(name("a\u{1b}]0;x\u{7}\n\tb"), "a\\u{1b}]0;x\\u{7}\\n\\tb");
    }

    #[test]
    fn a_long_text_is_cut_to_its_columns() {
        for (columns, text) in [(8, "abcdef"), (6, "abcdef"), (5, "abcd…"), (1, "…"), (0, "")] {
            assert_eq!(fit("abcdef", columns), text);
        }
        assert_eq!(fit("日本語", 4), "日…");
    }
}
