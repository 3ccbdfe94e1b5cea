//! JSON from libraries that write non-finite numbers.

use crate::error::{Error, ErrorCode};

/// Creates the error for text that is not valid JSON, with line and column.
pub(crate) fn not_json(what: &str, error: &serde_json::Error) -> Error {
    let place = format!("line {}, column {}", error.line(), error.column());
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or_default();
    Error::new(ErrorCode::Malformed, format!("{what} ({place}): {reason}"))
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
