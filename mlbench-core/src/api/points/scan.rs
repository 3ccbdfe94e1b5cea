//! One pass over points in their usual spelling: flat objects of known fields.
//!
//! Three times as fast as a general reader of JSON, and never the last word: whatever is not plain, right or wrong, is
//! left to that.

use std::borrow::Cow;

/// A plain value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain<'a> {
    /// The inside of a string.
    Text(Cow<'a, str>),
    /// A number (`NaN`, `Infinity` and `-Infinity` are some here), `true` or `false`.
    Bare(&'a str),
}

impl Plain<'_> {
    /// The text, quoted or not.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Bare(text) => text,
        }
    }
}

/// Run, pod, name, date, value, cumulative, metadata, step, epoch; of a repeated field the last, and `null` is as good
/// as absent.
pub(super) type PlainPoint<'a> = [Option<Plain<'a>>; 9];

/// The place of a field in a [`PlainPoint`].
fn place(name: &str) -> Option<usize> {
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

/// Goes over a text.
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

    pub(super) const fn go_to(&mut self, position: usize) {
        self.at = position;
    }

    /// Goes over `byte`, if it comes next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let taken = self.next() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.next().is_none()
    }

    /// Reads an object of plain fields that are known.
    pub(super) fn point(&mut self) -> Option<PlainPoint<'a>> {
        let mut point = [const { None }; 9];
        if !self.take(b'{') {
            return None;
        }
        loop {
            let name = self.string()?;
            let field = &mut point[place(&name)?];
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

    /// The next byte that is no space.
    fn next(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        if !self.take(b'"') {
            return None;
        }
        let (text, begin) = (self.text, self.at);
        let bytes = text.as_bytes();
        let special = |b: &u8| matches!(b, b'"' | b'\\' | 0..0x20);
        let mut escaped = false;
        loop {
            self.at += bytes.get(self.at..)?.iter().position(special)?;
            match bytes[self.at] {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => return None,
            }
            escaped = true;
        }
        let end = self.at;
        self.at += 1;
        if escaped {
            return serde_json::from_str(text.get(begin - 1..=end)?).ok().map(Cow::Owned);
        }
        text.get(begin..end).map(Cow::Borrowed)
    }

    /// Reads what is neither string nor structure; the inner `None` is `null`.
    #[expect(clippy::option_option, reason = "unreadable, and read as absent")]
    fn bare(&mut self) -> Option<Option<Plain<'a>>> {
        let rest = self.text.get(self.at..)?;
        let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
        let bare = &rest[..rest.bytes().take_while(|b| word(b)).count()];
        self.at += bare.len();
        match bare {
            "null" => Some(None),
            "true" | "false" | "NaN" | "Infinity" | "-Infinity" => Some(Some(Plain::Bare(bare))),
            number => is_number(number.as_bytes()).then_some(Some(Plain::Bare(number))),
        }
    }
}

/// Whether a number is one of JSON (RFC 8259, section 6).
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
    fn numbers_are_those_of_json() {
        for text in ["0", "-0", "7", "-7.50", "1e5", "1E-5", "0.1e+10", "123456789012345678901234567890"] {
            assert!(is_number(text.as_bytes()), "{text}");
        }
        for text in ["", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "1-", "--1", "1.5.2", "1e5e5"] {
            assert!(!is_number(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_scanned_is_what_a_general_reader_reads(
            name in any::<String>(), text in "[\"{}:,\\\\ a-c0-9.]{0,12}", number in any::<f64>(), cut in 0..100_usize,
        ) {
            let body = serde_json::json!({"name": name, "value": text, "epoch": number}).to_string();
            let mut scanner = Scanner::new(&body);
            let point = scanner.point().unwrap();
            prop_assert!(scanner.is_at_end());
            prop_assert_eq!(point[2].as_ref().unwrap().as_str(), &name);
            prop_assert_eq!(point[4].as_ref().unwrap().as_str(), &text);
            let cut = body.char_indices().nth(cut).map_or(body.len() - 1, |(at, _)| at.min(body.len() - 1));
            prop_assert!(Scanner::new(&body[..cut]).point().is_none(), "half a point is none");
        }

        #[test]
        fn whatever_is_scanned_is_json(text in "[\\[{\":,\\\\ nametrue0-9.\\-+}]{0,30}") {
            let body = format!("{{\"value\":{text}}}");
            let mut scanner = Scanner::new(&body);
            if scanner.point().is_some() && scanner.is_at_end() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok(), "{body}");
            }
        }
    }
}
