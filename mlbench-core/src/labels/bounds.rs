//! The limits that parameters and tags share.

use crate::error::{Error, Result};
use crate::quote::quote;

/// Most characters of a name.
const MAX_KEY_CHARS: usize = 250;
/// Most characters of a text.
const MAX_TEXT_CHARS: usize = 8_000;
/// Most parameters, and most tags, of a run.
const MAX_COUNT: usize = 1_000;
/// Most bytes of all names and values of the parameters, and of the tags, of a run.
///
/// Lists of runs have all of them.
const MAX_BYTES: usize = 64 * 1024;

/// Checks the name of a parameter or a tag.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) for `field`.
pub(super) fn check_key(field: &str, key: &str) -> Result<()> {
    let length = key.chars().count();
    if !(1..=MAX_KEY_CHARS).contains(&length) {
        let rule = format_args!("{} has {length} characters; use a name of 1 to {MAX_KEY_CHARS}", quote(key));
        return Err(Error::invalid(field, rule));
    }
    if let Some(forbidden) = key.chars().find(|c| *c == '=' || c.is_control()) {
        let rule = format_args!("the name {} contains {forbidden:?}; remove it", quote(key));
        return Err(Error::invalid(field, rule));
    }
    Ok(())
}

/// Checks a text under this name.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) for `field`.
pub(super) fn check_text(field: &str, key: &str, text: &str) -> Result<()> {
    let length = if text.len() <= MAX_TEXT_CHARS { 0 } else { text.chars().count() };
    if length > MAX_TEXT_CHARS {
        let rule = format_args!("{} has {length} characters; use at most {MAX_TEXT_CHARS}", quote(key));
        return Err(Error::invalid(field, rule));
    }
    Ok(())
}

/// Checks the number of all names and the bytes of them and their values.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) for `field`.
pub(super) fn check_size(field: &str, count: usize, bytes: usize) -> Result<()> {
    if count > MAX_COUNT {
        return Err(Error::invalid(
            field,
            format_args!("at most {MAX_COUNT} of them are stored, not {count}"),
        ));
    }
    if bytes > MAX_BYTES {
        let rule = format_args!("at most {MAX_BYTES} bytes of names and values are stored, not {bytes}");
        return Err(Error::invalid(field, rule));
    }
    Ok(())
}

/// The error for a name that is there twice.
pub(super) fn repeated(field: &str, key: &str) -> Error {
    Error::invalid(field, format_args!("{} is there twice; remove one", quote(key)))
}

/// Splits `NAME=VALUE` at the first equals sign.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) for `field`.
pub(super) fn split<'a>(field: &str, text: &'a str) -> Result<(&'a str, &'a str)> {
    text.split_once('=')
        .ok_or_else(|| Error::invalid(field, format_args!("must be NAME=VALUE, not {}", quote(text))))
}
