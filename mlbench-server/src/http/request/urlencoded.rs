//! Strict `application/x-www-form-urlencoded`: invalid input is refused, not replaced.

use mlbench_core::api::{Fields, MAX_FIELDS};
use mlbench_core::quote::quote;
use mlbench_core::{Error, ErrorCode, Result};
use percent_encoding::percent_decode;

/// Reads the pairs of a query string or a form. `what` names it in errors.
///
/// # Errors
/// [`ErrorCode::Malformed`] for a `%` without two hexadecimal digits, for what is not UTF-8, and for too many fields.
pub(super) fn fields(what: &str, encoded: &[u8]) -> Result<Fields> {
    pairs(what, encoded).map(Fields::from_pairs)
}

/// Reads the pairs in their order.
///
/// # Errors
/// Those of [`fields`].
pub(super) fn pairs(what: &str, encoded: &[u8]) -> Result<Vec<(String, String)>> {
    let pairs = || encoded.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
    if pairs().nth(MAX_FIELDS).is_some() {
        return Err(Error::new(ErrorCode::Malformed, format!("{what}: more than {MAX_FIELDS} fields")));
    }
    let pairs = pairs().map(|pair| {
        let equals = pair.iter().position(|b| *b == b'=');
        let (key, value) = equals.map_or((pair, &b""[..]), |at| (&pair[..at], &pair[at + 1..]));
        Ok((decode(what, key)?, decode(what, value)?))
    });
    pairs.collect()
}

fn decode(what: &str, encoded: &[u8]) -> Result<String> {
    let spaced: Vec<u8> = encoded.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    let malformed = |reason: &str| {
        let shown = String::from_utf8_lossy(encoded);
        Error::new(ErrorCode::Malformed, format!("{what}: {} {reason}", quote(&shown)))
    };
    let escapes = spaced.split(|b| *b == b'%').skip(1);
    if !escapes.into_iter().all(|after| after.len() >= 2 && after[..2].iter().all(u8::is_ascii_hexdigit)) {
        return Err(malformed("has a % without two hexadecimal digits after it; write %25 for a %"));
    }
    String::from_utf8(percent_decode(&spaced).collect()).map_err(|_| malformed("is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(encoded: &str, name: &'static str) -> Option<String> {
        fields("query", encoded.as_bytes()).unwrap().text(name).unwrap()
    }

    #[test]
    fn pairs_are_decoded() {
        assert_eq!(take("name=loss+%40+0&x", "name").unwrap(), "loss @ 0");
        assert_eq!(take("name=loss+%40+0&x", "x").unwrap(), "");
        assert_eq!(take("a=b=c&&d=%C3%BC", "a").unwrap(), "b=c");
        assert_eq!(take("a=b=c&&d=%C3%BC", "d").unwrap(), "ü");
    }

    #[test]
    fn too_many_fields_are_refused() {
        assert!(fields("form", "=&".repeat(MAX_FIELDS).as_bytes()).is_ok());
        let error = fields("form", "=&".repeat(500_000).as_bytes()).unwrap_err();
        assert_eq!((error.code(), error.detail()), (ErrorCode::Malformed, "form: more than 10000 fields"));
    }

    #[test]
    fn a_broken_encoding_is_refused() {
        for broken in ["a=%", "a=%4", "a=%zz", "%g0=1", "a=%ff", "a=1%"] {
            let error = fields("query", broken.as_bytes()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Malformed, "{broken}");
            assert!(error.detail().starts_with("query: "), "{error}");
        }
    }
}
