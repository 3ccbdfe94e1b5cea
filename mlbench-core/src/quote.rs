//! Input in messages, never longer than [`MAX_CHARS`] characters.
//!
//! Every message that repeats what somebody sent passes it through [`quote`] or [`shorten`], because messages are sent
//! back, logged and stored.

use std::borrow::Cow;
use std::fmt;

/// Maximum number of characters of an input that a message repeats.
pub const MAX_CHARS: usize = 200;
/// Maximum number of characters of a message.
///
/// It bounds messages whose parts come from libraries, from the cluster or from programs.
pub const MAX_MESSAGE_CHARS: usize = 2_000;

/// Quotes a text with escapes. Of a long one, writes the first [`MAX_CHARS`] characters and the length.
#[must_use]
pub const fn quote(text: &str) -> Quoted<'_> {
    Quoted(text)
}

/// Shortens a text to its first [`MAX_CHARS`] characters and its length.
#[must_use]
pub fn shorten(text: &str) -> Cow<'_, str> {
    shorten_to(text, MAX_CHARS)
}

/// Shortens a whole message to its first [`MAX_MESSAGE_CHARS`] characters and its length.
#[must_use]
pub fn shorten_message(text: &str) -> Cow<'_, str> {
    shorten_to(text, MAX_MESSAGE_CHARS)
}

/// Shortens a text to its first `max` characters and its length.
fn shorten_to(text: &str, max: usize) -> Cow<'_, str> {
    match start(text, max) {
        Some(start) => Cow::Owned(format!("{start}{}", Length(text))),
        None => Cow::Borrowed(text),
    }
}

/// Returns the first `max` characters of a text that has more.
fn start(text: &str, max: usize) -> Option<&str> {
    if text.len() <= max {
        return None;
    }
    text.char_indices().nth(max).map(|(end, _)| &text[..end])
}

/// A text that displays quoted and shortened.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match start(self.0, MAX_CHARS) {
            Some(start) => write!(f, "{start:?}{}", Length(self.0)),
            None => write!(f, "{:?}", self.0),
        }
    }
}

/// The end of a shortened text.
struct Length<'a>(&'a str);

impl fmt::Display for Length<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "… ({} characters)", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_200_characters_is_whole() {
        for text in ["", "a\n\"b\"", &"é".repeat(MAX_CHARS)] {
            assert_eq!(quote(text).to_string(), format!("{text:?}"));
            assert_eq!(shorten(text), text);
        }
    }

    #[test]
    fn a_longer_text_ends_with_its_length() {
        let (text, start) = ("é".repeat(MAX_CHARS + 1), "é".repeat(MAX_CHARS));
        assert_eq!(quote(&text).to_string(), format!("\"{start}\"… (201 characters)"));
        assert_eq!(shorten(&text), format!("{start}… (201 characters)"));
        let long = "\u{1}".repeat(9 << 20);
        assert!(quote(&long).to_string().len() < 2_000 && shorten(&long).len() < 1_000);
    }
}
