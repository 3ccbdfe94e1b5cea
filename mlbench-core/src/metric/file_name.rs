//! Metric names as file names.

use std::borrow::Cow;

/// Replaces characters that are unsafe in file names with `_`.
///
/// The specification of the zip download asks for this for `/`. Backslashes, which Windows treats as separators, and
/// control characters are replaced too.
#[must_use]
pub fn file_name_part(name: &str) -> Cow<'_, str> {
    let forbidden = |c: char| matches!(c, '/' | '\\') || c.is_control();
    if name.contains(forbidden) { Cow::Owned(name.replace(forbidden, "_")) } else { Cow::Borrowed(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_its_folder() {
        assert_eq!(file_name_part("val_global_Prec@1 @ 0"), "val_global_Prec@1 @ 0");
        assert_eq!(file_name_part("a/..\\b\n"), "a_.._b_");
    }
}
