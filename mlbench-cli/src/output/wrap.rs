//! Breaks the lines of a message between words, so that a terminal does not break them within one.

use unicode_width::UnicodeWidthChar;

/// What a line begins with that continues another one.
const INDENT: &str = "  ";

/// Returns a text whose lines have at most `columns` columns. A longer word has a line of its own.
pub(super) fn wrap(text: &str, columns: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| wrap_line(line, columns)).collect();
    lines.join("\n")
}

fn wrap_line(line: &str, columns: usize) -> String {
    let words = line.trim_start_matches(' ');
    let indent = &line[..line.len() - words.len()];
    let (mut wrapped, mut used) = (indent.to_owned(), indent.len());
    for (number, word) in words.split(' ').enumerate() {
        let width = width(word);
        if number > 0 && used + 1 + width > columns {
            wrapped.push('\n');
            wrapped.push_str(indent);
            wrapped.push_str(INDENT);
            used = indent.len() + INDENT.len();
        } else if number > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += width;
    }
    wrapped
}

/// Returns the columns of a word. Sequences that set colours have none.
fn width(word: &str) -> usize {
    let (mut columns, mut is_colour) = (0, false);
    for c in word.chars() {
        match c {
            '\u{1b}' => is_colour = true,
            'm' if is_colour => is_colour = false,
            _ if is_colour => {}
            _ => columns += c.width().unwrap_or(0),
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 13), "one two three");
        assert_eq!(wrap("one two three", 12), "one two\n  three");
        assert_eq!(wrap("one two three four", 9), "one two\n  three\n  four");
        assert_eq!(wrap("a\n\n  bb cc dd\nee ff", 7), "a\n\n  bb cc\n    dd\nee ff");
        assert_eq!(wrap("an unbreakable word", 5), "an\n  unbreakable\n  word");
        assert_eq!(wrap("日本 日本", 8), "日本\n  日本");
    }

    #[test]
    fn colours_have_no_width() {
        let text = "\u{1b}[1m\u{1b}[31mone\u{1b}[0m two";
        assert_eq!(wrap(text, 7), text);
    }
}
