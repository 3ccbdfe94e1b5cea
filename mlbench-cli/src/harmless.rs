//! Text that others chose, on its way to a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Ends colours and styles.
const RESET: &str = "\u{1b}[0m";

/// Returns text that can colour a terminal, but not control it otherwise.
///
/// Colours and styles (SGR sequences) pass and end with the text. Line ends and tabs pass too. Every other control
/// character becomes visible, so no sequence can move the cursor, set a title or write to the clipboard.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut rest, mut is_coloured) = (String::with_capacity(text.len() + 16), text, false);
    while let Some(at) = rest.find(is_harmful) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(length) = sgr_length(rest) {
            shown.push_str(&rest[..length]);
            (rest, is_coloured) = (&rest[length..], true);
        } else if let Some(control) = rest.chars().next() {
            shown.extend(control.escape_default());
            rest = &rest[control.len_utf8()..];
        }
    }
    shown.push_str(rest);
    if is_coloured {
        shown.push_str(RESET);
    }
    Cow::Owned(shown)
}

/// Returns JSON with the same meaning that has no control character but line ends.
pub(crate) fn harmless_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_harmful(c) {
            // Writing to a string succeeds.
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Replaces the passwords in the URLs of a text, such as `secret` in `http://me:secret@bench.example`.
pub(crate) fn hide_password(text: &str) -> Cow<'_, str> {
    let (mut shown, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at + 3);
        let is_end = |c: char| matches!(c, '/' | '?' | '#' | '"' | '\'' | '`') || c.is_whitespace();
        let host = &address[..address.find(is_end).unwrap_or(address.len())];
        shown.push_str(before);
        rest = address;
        let Some((user, password)) = host.rsplit_once('@').and_then(|(info, _)| info.split_once(':')) else {
            continue;
        };
        shown.push_str(user);
        shown.push_str(":***");
        rest = &address[user.len() + 1 + password.len()..];
    }
    if shown.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(shown + rest) }
}

/// Escapes control characters, so that a value can neither break a row nor control the terminal.
pub(crate) fn escape(text: String) -> String {
    if !text.contains(is_control) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_control(c) { escaped.extend(c.escape_default()) } else { escaped.push(c) }
    }
    escaped
}

/// Returns whether a character controls the terminal: also those that reverse the text of a whole row.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

fn is_harmful(c: char) -> bool {
    is_control(c) && c != '\n' && c != '\t'
}

/// Returns the length of the SGR sequence with which a text begins.
fn sgr_length(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?;
    parameters[end..].starts_with('m').then(|| text.len() - parameters.len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_pass_and_end_with_the_text() {
        for (text, shown) in [
            ("plain, ünïcödé\ttab\nline", "plain, ünïcödé\ttab\nline"),
            ("\u{1b}[31mred\u{1b}[0m", "\u{1b}[31mred\u{1b}[0m\u{1b}[0m"),
            ("\u{1b}[1;38:5:9mx", "\u{1b}[1;38:5:9mx\u{1b}[0m"),
            ("\u{1b}[mx", "\u{1b}[mx\u{1b}[0m"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }

    #[test]
    fn every_other_control_sequence_becomes_visible() {
        for (text, shown) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{1b}]52;c;aGk=\u{1b}\\", "\\u{1b}]52;c;aGk=\\u{1b}\\"),
            ("10 %\r20 %\u{8}", "10 %\\r20 %\\u{8}"),
            ("\u{9b}31m\u{7f}\0", "\\u{9b}31m\\u{7f}\\u{0}"),
            ("\u{1b}[?25l\u{1b}[>4;1m\u{1b}[3", "\\u{1b}[?25l\\u{1b}[>4;1m\\u{1b}[3"),
            ("\u{1b}\u{1b}[1mx", "\\u{1b}\u{1b}[1mx\u{1b}[0m"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }

    #[test]
    fn the_password_of_a_url_is_hidden() {
        for (text, shown) in [
            (
                "cannot connect to http://me:sec:r@t@host:8000/x: refused",
                "cannot connect to http://me:***@host:8000/x: refused",
            ),
            ("http://a:b@c and \"https://:x@d\"", "http://a:***@c and \"https://:***@d\""),
            ("http://host:8000/a:b@c", "http://host:8000/a:b@c"),
            ("http://me@host and a://", "http://me@host and a://"),
            ("no URL: a:b@c", "no URL: a:b@c"),
        ] {
            assert_eq!(hide_password(text), shown);
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = "a\u{1b}[31m\u{9b}2J\u{7f}\n";
        let json = serde_json::to_string_pretty(&[value]).unwrap();
        let shown = harmless_json(&json);
        assert!(!shown.contains(is_harmful) && shown.contains("\\u009b2J\\u007f"), "{shown}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&shown).unwrap(), [value]);
        assert_eq!(harmless_json("[\n  1\n]"), "[\n  1\n]");
    }
}
