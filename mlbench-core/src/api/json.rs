//! JSON as libraries write it: with a byte order mark, half surrogate pairs and non-finite numbers.

use crate::error::{Error, ErrorCode};
use crate::quote::shorten;

/// Creates the error for a body that is not valid JSON, with line and column.
pub(crate) fn not_json(what: &str, body: &[u8], error: &serde_json::Error) -> Error {
    let place = format!("line {}, column {}", error.line(), error.column());
    Error::new(ErrorCode::Malformed, format!("{what} ({place}): {}", reason(body, error)))
}

/// Returns why a text is not the wanted JSON, without its place.
pub(super) fn reason(json: &[u8], error: &serde_json::Error) -> String {
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    // The reason names the type that was found, and repeats a string in full.
    match lone_surrogate(json) {
        Some(escape) if is_bad_escape(reason) => escape,
        _ => shorten(reason).into_owned(),
    }
}

/// Returns whether the JSON parser refused an escape.
fn is_bad_escape(reason: &str) -> bool {
    reason.contains("surrogate") || reason.contains("hex escape")
}

/// Names the first escape of half a surrogate pair, such as `\ud83d` alone. `None` if the text has none.
pub(super) fn lone_surrogate(json: &[u8]) -> Option<String> {
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        let length = match (byte, escaped_unit(&json[at..])) {
            (_, Some(0xD800..=0xDBFF)) if matches!(escaped_unit(&json[at + 6..]), Some(0xDC00..=0xDFFF)) => {
                12
            }
            (_, Some(0xD800..=0xDFFF)) => {
                let escape = String::from_utf8_lossy(&json[at..at + 6]);
                return Some(format!(
                    "has the lone surrogate {escape}; send both halves of the pair, or \\ufffd"
                ));
            }
            (b'\\', _) => 2,
            _ => 1,
        };
        at += length;
    }
    None
}

/// Parses `\u` and four hexadecimal digits at the start of a text.
fn escaped_unit(json: &[u8]) -> Option<u16> {
    let digits = json.strip_prefix(b"\\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Returns a body without its byte order mark, which RFC 8259 (section 8.1) lets a reader ignore.
#[must_use]
pub fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

/// Puts quotes around every bare `NaN`, `Infinity` and `-Infinity`. `None` if the body has none.
pub(super) fn quote_non_finite(body: &[u8]) -> Option<Vec<u8>> {
    const WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let mut out = Vec::new();
    let (mut copied, mut at, mut in_text) = (0, 0, false);
    while let Some(&byte) = body.get(at) {
        match byte {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'N' | b'I' | b'-' if !in_text => {
                if let Some(word) = WORDS.iter().find(|word| body[at..].starts_with(word)) {
                    out.extend_from_slice(&body[copied..at]);
                    out.push(b'"');
                    out.extend_from_slice(word);
                    out.push(b'"');
                    at += word.len() - 1;
                    copied = at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    out.extend_from_slice(&body[copied..]);
    (copied > 0).then_some(out)
}
