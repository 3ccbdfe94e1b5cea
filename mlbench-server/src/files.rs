//! Small files that others wait for: they are there complete or not at all.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

/// Writes a file under another name beside its place, then moves it there.
///
/// # Errors
/// What the file system refuses.
pub fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let mut other = OsString::from(file.as_os_str());
    other.push(format!(".{}.new", std::process::id()));
    fs::write(&other, text)?;
    fs::rename(&other, file).inspect_err(|_| drop(fs::remove_file(&other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_replaces_the_one_before_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("address");
        write_whole(&file, "a").unwrap();
        write_whole(&file, "b").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "b");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_whole(&folder.path().join("no/where"), "c").is_err());
    }
}
