//! Names of runs and metrics as file names.

use std::borrow::Cow;

/// Maximum length of a file name in bytes, on nearly all file systems.
pub const MAX_FILE_NAME_BYTES: usize = 255;

/// Returns `stem` with `ending` as a file name of at most [`MAX_FILE_NAME_BYTES`] bytes.
///
/// Cuts a long stem between two characters and keeps the ending. Replaces characters like [`file_name_part`].
#[must_use]
pub fn file_name(stem: &str, ending: &str) -> String {
    let stem = file_name_part(stem);
    let room = MAX_FILE_NAME_BYTES.saturating_sub(ending.len());
    format!("{}{ending}", &stem[..stem.floor_char_boundary(room)])
}

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
        assert_eq!(file_name("../a", ".json"), ".._a.json");
    }

    #[test]
    fn a_file_name_has_at_most_255_bytes() {
        assert_eq!(file_name(&"x".repeat(250), ".json").len(), 255);
        assert_eq!(file_name(&"x".repeat(251), ".json"), format!("{}.json", "x".repeat(250)));
        assert_eq!(file_name(&"é".repeat(256), ".json"), format!("{}.json", "é".repeat(125)));
        assert_eq!(file_name(&"\u{1f600}".repeat(100), ".zip"), format!("{}.zip", "\u{1f600}".repeat(62)));
    }
}
