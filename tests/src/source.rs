//! Finds the files of this repository.

use std::path::Path;

/// Returns the absolute path of a file or folder of this repository.
///
/// # Panics
/// If the path is not UTF-8.
#[must_use]
pub fn source(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join(path).to_str().unwrap().to_owned()
}
