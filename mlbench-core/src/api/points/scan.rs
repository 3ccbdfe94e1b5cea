//! A fast scanner for points in the usual format: flat objects of known fields.
//!
//! The scanner never decides that a point is invalid. It leaves everything unusual to the general JSON parser.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// A scalar value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain<'a> {
    /// The content of a string.
    Text(Cow<'a, str>),
    /// A number, including `NaN`, `Infinity` and `-Infinity`, or `true` or `false`.
    Bare(&'a str),
}

/// Any value.
pub(super) enum Item<'a> {
    Null,
    Plain(Plain<'a>),
    /// An array, an object or a text that is no JSON.
    Raw(&'a RawValue),
}

impl Plain<'_> {
    /// Returns the text without quotes.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Bare(text) => text,
        }
    }
}

/// The fields run, pod, name, date, value, cumulative, metadata, step and epoch.
///
/// The last of a repeated field counts. `null` counts as absent.
pub(super) type PlainPoint<'a> = [Option<Plain<'a>>; 9];

/// Returns the index of a field in a [`PlainPoint`].
fn field_index(name: &str) -> Option<usize> {
    Some(match name {
        "run_id" => 0,
        "pod_name" => 1,
        "name" => 2,
        "date" => 3,
        "value" => 4,
        "cumulative" => 5,
        "metadata" => 6,
        "step" => 7,
        "epoch" => 8,
        _ => return None,
    })
}

/// Returns whether a field has an array only in a series.
pub(super) fn is_column(name: &str) -> bool {
    matches!(name, "value" | "step" | "epoch" | "date" | "cumulative")
}

/// Marks quotes, backslashes and control characters. A table, because most bytes of a body are looked up.
const ENDS_PLAIN_TEXT: [bool; 256] = {
    let mut table = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = true;
        control += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// Marks the characters of numbers and words.
const IS_BARE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let character = byte as u8;
        table[byte] = character.is_ascii_alphanumeric() || matches!(character, b'-' | b'+' | b'.');
        byte += 1;
    }
    table
};

/// Returns the number of bytes before the first that [`ENDS_PLAIN_TEXT`] marks.
fn plain_length(text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    // Eight bytes at a time. A byte is 0 where the high bit of its difference to 1 is set but not its own.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, rest) = text.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let marks =
            zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\'))) | control;
        // The lowest mark is right. Higher ones may come from the borrow of a lower byte.
        if marks != 0 {
            return Some(number * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let end = rest.iter().position(|b| ENDS_PLAIN_TEXT[usize::from(*b)])?;
    Some(words.len() * 8 + end)
}

/// Scans a text from start to end.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) const fn position(&self) -> usize {
        self.at
    }

    pub(super) const fn seek(&mut self, position: usize) {
        self.at = position;
    }

    /// Skips whitespace, and `byte` if it comes next. Returns whether it did.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let taken = self.next() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.next().is_none()
    }

    /// Scans any JSON value, and keeps the text of one that is unusual.
    pub(super) fn item(&mut self) -> Option<Item<'a>> {
        let begin = match self.next()? {
            b'"' => {
                let begin = self.at;
                if let Some(text) = self.string() {
                    return Some(Item::Plain(Plain::Text(text)));
                }
                begin
            }
            _ => {
                let begin = self.at;
                if let Some(bare) = self.bare() {
                    return Some(bare.map_or(Item::Null, Item::Plain));
                }
                begin
            }
        };
        let mut one = serde_json::Deserializer::from_str(self.text.get(begin..)?).into_iter::<&RawValue>();
        let raw = one.next()?.ok()?;
        self.at = begin + one.byte_offset();
        Some(Item::Raw(raw))
    }

    /// Scans the name of a field and the colon after it.
    pub(super) fn field(&mut self) -> Option<Cow<'a, str>> {
        let name = self.string()?;
        self.take(b':').then_some(name)
    }

    /// Returns whether the object that begins here, if it is one, is a series in columns. Scans it in part.
    pub(super) fn is_series(&mut self) -> bool {
        let mut more = self.take(b'{');
        while more {
            // An escape that is no text is named later, where the body is parsed.
            let begin = self.at;
            let name = self.string().or_else(|| {
                self.at = begin;
                self.skip_string().map(|()| Cow::Borrowed(""))
            });
            let Some(name) = name.filter(|_| self.take(b':')) else { return false };
            if is_column(&name) && self.next() == Some(b'[') {
                return true;
            }
            more = self.skip().is_some() && self.take(b',');
        }
        false
    }

    /// Skips a value whose brackets are in order.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.next()? {
                b'"' => self.skip_string()?,
                b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b']' | b'}' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                _ => drop(self.bare()?),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Scans an object of known fields with scalar values.
    pub(super) fn point(&mut self) -> Option<PlainPoint<'a>> {
        let mut point = [const { None }; 9];
        if !self.take(b'{') {
            return None;
        }
        loop {
            let name = self.string()?;
            let field = &mut point[field_index(&name)?];
            if !self.take(b':') {
                return None;
            }
            *field = match self.next()? {
                b'"' => Some(Plain::Text(self.string()?)),
                _ => self.bare()?,
            };
            if self.take(b'}') {
                return Some(point);
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    /// Skips whitespace and returns the next byte.
    pub(super) fn next(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Skips a string without decoding its escapes.
    fn skip_string(&mut self) -> Option<()> {
        self.raw_string().map(drop)
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        let (begin, end, escaped) = self.raw_string()?;
        let text = self.text;
        if escaped {
            return serde_json::from_str(text.get(begin - 1..=end)?).ok().map(Cow::Owned);
        }
        text.get(begin..end).map(Cow::Borrowed)
    }

    /// Scans a string. Returns where its content begins and ends, and whether it has escapes.
    fn raw_string(&mut self) -> Option<(usize, usize, bool)> {
        if !self.take(b'"') {
            return None;
        }
        let bytes = self.text.as_bytes();
        let (begin, mut escaped) = (self.at, false);
        loop {
            self.at += plain_length(bytes.get(self.at..)?)?;
            match bytes[self.at] {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => return None,
            }
            escaped = true;
        }
        let end = self.at;
        self.at += 1;
        Some((begin, end, escaped))
    }

    /// Scans a scalar that is not a string. The inner `None` is `null`.
    #[expect(clippy::option_option, reason = "the outer None is unusual, the inner one null")]
    fn bare(&mut self) -> Option<Option<Plain<'a>>> {
        let rest = self.text.get(self.at..)?;
        let length = rest.bytes().take_while(|b| IS_BARE[usize::from(*b)]).count();
        let bare = &rest[..length];
        self.at += length;
        match bare {
            "null" => Some(None),
            "true" | "false" | "NaN" | "Infinity" | "-Infinity" => Some(Some(Plain::Bare(bare))),
            number => is_number(number.as_bytes()).then_some(Some(Plain::Bare(number))),
        }
    }
}

/// Returns whether a text is a JSON number (RFC 8259, section 6).
fn is_number(text: &[u8]) -> bool {
    fn digits(text: &[u8]) -> Option<&[u8]> {
        let count = text.iter().take_while(|b| b.is_ascii_digit()).count();
        (count > 0).then(|| &text[count..])
    }
    let whole = text.strip_prefix(b"-").unwrap_or(text);
    let rest = match whole {
        [b'0', rest @ ..] => Some(rest),
        _ => digits(whole),
    };
    let rest = match rest {
        Some([b'.', fraction @ ..]) => digits(fraction),
        rest => rest,
    };
    let rest = match rest {
        Some([b'e' | b'E', b'-' | b'+', exponent @ ..] | [b'e' | b'E', exponent @ ..]) => digits(exponent),
        rest => rest,
    };
    rest.is_some_and(<[u8]>::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_follow_the_json_grammar() {
        for text in ["0", "-0", "7", "-7.50", "1e5", "1E-5", "0.1e+10", "123456789012345678901234567890"] {
            assert!(is_number(text.as_bytes()), "{text}");
        }
        for text in ["", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "1-", "--1", "1.5.2", "1e5e5"] {
            assert!(!is_number(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn texts_end_at_the_first_marked_byte(text in proptest::collection::vec(any::<u8>(), 0..40), plain in "[ -~äß]{0,40}") {
            let by_byte = |text: &[u8]| text.iter().position(|b| ENDS_PLAIN_TEXT[usize::from(*b)]);
            prop_assert_eq!(plain_length(&text), by_byte(&text));
            let long = [plain.as_bytes(), &text].concat();
            prop_assert_eq!(plain_length(&long), by_byte(&long));
        }

        #[test]
        fn the_scanner_agrees_with_a_json_parser(
            name in any::<String>(), text in "[\"{}:,\\\\ a-c0-9.]{0,12}", number in any::<f64>(), cut in 0..100_usize,
        ) {
            let body = serde_json::json!({"name": name, "value": text, "epoch": number}).to_string();
            let mut scanner = Scanner::new(&body);
            let point = scanner.point().unwrap();
            prop_assert!(scanner.is_at_end());
            prop_assert_eq!(point[2].as_ref().unwrap().as_str(), &name);
            prop_assert_eq!(point[4].as_ref().unwrap().as_str(), &text);
            let cut = body.char_indices().nth(cut).map_or(body.len() - 1, |(at, _)| at.min(body.len() - 1));
            prop_assert!(Scanner::new(&body[..cut]).point().is_none(), "a truncated point is refused");
        }

        #[test]
        fn scanned_points_are_valid_json(text in "[\\[{\":,\\\\ nametrue0-9.\\-+}]{0,30}") {
            let body = format!("{{\"value\":{text}}}");
            let mut scanner = Scanner::new(&body);
            if scanner.point().is_some() && scanner.is_at_end() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok(), "{body}");
            }
        }
    }
}
