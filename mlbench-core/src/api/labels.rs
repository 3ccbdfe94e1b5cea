//! Pod labels on the wire: a Python dictionary literal, as in the example of the specification.

use crate::error::{Error, Result};
use crate::pod::Labels;

/// Formats labels as a Python literal with sorted keys: `{'app': 'mlbench', 'component': 'worker'}`.
///
/// Escapes quotes, backslashes and control characters, so that Python's `ast.literal_eval` returns the same map.
#[must_use]
pub fn format_labels(labels: &Labels) -> String {
    let items: Vec<String> =
        labels.iter().map(|(key, value)| format!("{}: {}", quote(key), quote(value))).collect();
    format!("{{{}}}", items.join(", "))
}

fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_ascii_control() => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// Parses a Python literal with single or double quotes.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) if the text is not a dictionary of strings.
pub fn parse_labels(text: &str) -> Result<Labels> {
    let mut reader = Reader(text.trim());
    reader.dictionary().filter(|_| reader.0.is_empty()).ok_or_else(|| {
        let rule =
            format_args!("must be a dictionary like {{'app': 'mlbench'}}, not {}", crate::quote::quote(text));
        Error::invalid("labels", rule)
    })
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn eat(&mut self, wanted: char) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(wanted)?.trim_start();
        Some(())
    }

    fn dictionary(&mut self) -> Option<Labels> {
        let mut labels = Labels::new();
        self.eat('{')?;
        while self.eat('}').is_none() {
            let key = self.string()?;
            self.eat(':')?;
            labels.insert(key, self.string()?);
            if self.eat(',').is_none() && !self.0.starts_with('}') {
                return None;
            }
        }
        Some(labels)
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.0.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let mut text = String::new();
        let mut chars = self.0[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.0 = self.0[1 + at + 1..].trim_start();
                return Some(text);
            }
            text.push(if c == '\\' { escape(&mut chars)? } else { c });
        }
        None
    }
}

fn escape(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    match chars.next()?.1 {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'x' => hex(chars, 2),
        'u' => hex(chars, 4),
        'U' => hex(chars, 8),
        c @ ('\'' | '"' | '\\') => Some(c),
        _ => None,
    }
}

fn hex(chars: &mut std::str::CharIndices<'_>, digits: usize) -> Option<char> {
    let code: String = chars.take(digits).map(|(_, c)| c).collect();
    let exact = code.len() == digits && code.bytes().all(|b| b.is_ascii_hexdigit());
    char::from_u32(u32::from_str_radix(&code, 16).ok().filter(|_| exact)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_are_formatted_as_in_the_specification() {
        let labels = Labels::from([("component".into(), "worker".into()), ("app".into(), "mlbench".into())]);
        assert_eq!(format_labels(&labels), "{'app': 'mlbench', 'component': 'worker'}");
        assert_eq!(format_labels(&Labels::new()), "{}");
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        let labels = Labels::from([("a".into(), "it's a \\ \n".into())]);
        assert_eq!(format_labels(&labels), r"{'a': 'it\'s a \\ \n'}");
    }

    #[test]
    fn python_literals_are_parsed() {
        let labels = parse_labels(r#"{'a': "it's", 'b': 'x\x41\u00e9' }"#).unwrap();
        assert_eq!(labels, Labels::from([("a".into(), "it's".into()), ("b".into(), "xAé".into())]));
        for text in ["", "{", "{'a'}", "{'a': 1}", "{'a': 'b'", "{'a': 'b'} x", "['a']", r"{'a': '\q'}"] {
            assert!(parse_labels(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_map_parses_back(labels in proptest::collection::btree_map(".*", ".*", 0..5)) {
            prop_assert_eq!(parse_labels(&format_labels(&labels)).unwrap(), labels);
        }
    }
}
