//! Tables: aligned columns, each row in one line of the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::cell::Tone;

/// Columns between two columns of a table.
const GAP: usize = 2;

/// The least width of a column that is cut. The last columns are left out where this is too much.
const LEAST: usize = 5;

/// A cell as it is shown.
pub(super) struct Text {
    pub(super) text: String,
    /// The least columns that it has, whatever the width of the terminal.
    pub(super) least: usize,
    pub(super) tone: Option<Tone>,
}

/// Returns the lines of a table, which are cut to a width if there is one.
///
/// The rule under the head has a width of its own.
pub(super) fn lines(
    head: Option<Vec<String>>,
    rows: &[Vec<Text>],
    width: Option<usize>,
    rule: Option<usize>,
) -> Vec<String> {
    let count = head.as_ref().map_or(0, Vec::len).max(rows.iter().map(Vec::len).max().unwrap_or(0));
    let mut widths = vec![0; count];
    let heads = head.iter().map(|head| head.iter().map(String::as_str).collect::<Vec<_>>());
    let texts = rows.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect());
    for row in heads.chain(texts) {
        for (width, text) in widths.iter_mut().zip(row) {
            *width = (*width).max(text.width());
        }
    }
    let limit = width.unwrap_or(usize::MAX);
    let mut least = vec![0; count];
    for row in rows {
        for (least, cell) in least.iter_mut().zip(row) {
            *least = cell.least.max(*least);
        }
    }
    shrink(&mut widths, &least, limit);
    let mut lines = Vec::with_capacity(rows.len() + 2);
    if let Some(head) = head {
        let total = widths.iter().sum::<usize>() + GAP * count.saturating_sub(1);
        lines.push(line(head.iter().map(|name| (name.as_str(), None)), &widths, limit));
        lines.push("─".repeat(total.min(limit).min(rule.unwrap_or(limit))));
    }
    lines.extend(
        rows.iter().map(|row| line(row.iter().map(|cell| (cell.text.as_str(), cell.tone)), &widths, limit)),
    );
    lines
}

/// Makes the widest columns narrower until all of them fit, and leaves the others as they are.
///
/// No column becomes narrower than its least width.
fn shrink(widths: &mut [usize], least: &[usize], width: usize) {
    let available = width.saturating_sub(GAP * widths.len().saturating_sub(1));
    let columns = || widths.iter().zip(least);
    let total = |level: usize| columns().map(|(width, least)| (*width).min(level.max(*least))).sum::<usize>();
    let widest = widths.iter().copied().max().unwrap_or(0);
    if total(widest) <= available {
        return;
    }
    let level = (LEAST..widest).rev().find(|level| total(*level) <= available).unwrap_or(LEAST);
    let mut left = available.saturating_sub(total(level));
    for (width, least) in widths.iter_mut().zip(least) {
        let level = level.max(*least);
        if *width > level {
            *width = level + usize::from(left > 0);
            left = left.saturating_sub(1);
        }
    }
}

/// Returns a line that is not wider than `limit`.
fn line<'a>(cells: impl Iterator<Item = (&'a str, Option<Tone>)>, widths: &[usize], limit: usize) -> String {
    // Spaces are written before the next text, so that a line has none at its end.
    let (mut line, mut begin, mut end) = (String::new(), 0_usize, 0);
    for ((text, tone), width) in cells.zip(widths) {
        let text = cut(text, limit.saturating_sub(begin).min(*width));
        if !text.is_empty() {
            line.extend(std::iter::repeat_n(' ', begin - end));
            line.push_str(&coloured(&text, tone));
            end = begin + text.width();
        }
        begin += width + GAP;
    }
    line
}

/// Returns a text in the colour of a tone.
pub(super) fn coloured(text: &str, tone: Option<Tone>) -> String {
    match tone {
        Some(tone) => format!("\u{1b}[{}m{text}\u{1b}[0m", tone.colour()),
        None => text.to_owned(),
    }
}

/// Returns the text, or its beginning with `…` if it is wider.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        let fits = width <= left;
        left = if fits { left - width } else { 0 };
        fits
    };
    let begin: String = text.chars().take_while(fits).collect();
    if width == 0 { begin } else { format!("{}…", begin.trim_end()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: Option<usize>) -> Vec<String> {
        let row = |cells: [&str; 3]| {
            cells
                .into_iter()
                .map(|text| Text { text: text.to_owned(), least: 0, tone: None })
                .collect::<Vec<_>>()
        };
        let rows = [row(["1", "a rather long name", "FINISHED"]), row(["2", "日本語日本語日本語", ""])];
        lines(Some(["id", "name", "state"].map(str::to_owned).to_vec()), &rows, width, None)
    }

    #[test]
    fn columns_are_aligned_and_no_line_ends_in_a_space() {
        let expected = [
            "id  name                state",
            "──────────────────────────────",
            "1   a rather long name  FINISHED",
            "2   日本語日本語日本語",
        ];
        let lines = table(None);
        assert_eq!(lines[1].width(), lines[2].width());
        assert_eq!([&lines[0], &lines[2], &lines[3]], [expected[0], expected[2], expected[3]]);
    }

    #[test]
    fn the_widest_columns_are_cut_to_the_width_of_the_terminal() {
        let lines = table(Some(24));
        assert_eq!(lines[2], "1   a rather…   FINISHED");
        assert_eq!(lines[3], "2   日本語日…");
        for width in 0..40 {
            let lines = table(Some(width));
            assert!(lines.iter().all(|line| line.width() <= width), "{width}: {lines:?}");
        }
    }

    #[test]
    fn a_state_is_whole_where_the_columns_before_it_leave_room() {
        let cell = |text: &str, least| Text { text: text.to_owned(), least, tone: None };
        let long = "a rather long name";
        let row = || vec![cell("1", 0), cell(long, 0), cell("INITIALIZED", 11), cell(long, 0), cell(long, 0)];
        assert_eq!(lines(None, &[row()], Some(34), None), ["1  a ra…  INITIALIZED  a ra…  a r…"]);
        assert_eq!(lines(None, &[row()], Some(21), None), ["1  a ra…  INITIALIZED"]);
    }

    #[test]
    fn a_colour_takes_no_room() {
        let cell = |text: &str, tone| Text { text: text.to_owned(), least: 0, tone };
        let row = vec![cell("FAILED", Some(Tone::Bad)), cell("why", None)];
        assert_eq!(lines(None, &[row], Some(80), None), ["\u{1b}[31mFAILED\u{1b}[0m  why"]);
    }
}
