//! Finds the files to import, and the run that each belongs to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use mlbench_client::RunName;
use mlbench_core::quote::shorten;

use super::events::begins_with_record;
use crate::failure::Failure;

/// Files that become one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// The directory of the event files, or the file of CSV, without symbolic links.
    pub(super) from: PathBuf,
    /// Name of the run.
    pub(super) name: RunName,
    pub(super) files: Vec<Found>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Events,
    Csv,
}

/// Returns the files at these paths by their runs, in the order of the paths.
///
/// # Errors
/// For a path that does not exist.
pub(super) fn discover(paths: &[PathBuf], name: Option<&RunName>) -> Result<Vec<Group>, Failure> {
    let mut groups: Vec<(PathBuf, String, Vec<Found>)> = Vec::new();
    for path in paths {
        let failed = |error: io::Error| Failure::Failed(format!("{}: {error}", shown(path)));
        let root = fs::canonicalize(path).map_err(failed)?;
        let found = if root.is_dir() {
            in_directory(&root).map_err(failed)?
        } else {
            vec![alone(&root).map_err(failed)?]
        };
        for (from, name, file) in found {
            match groups.iter_mut().find(|(other, ..)| *other == from) {
                Some((_, _, files)) if files.contains(&file) => {}
                Some((_, _, files)) => files.push(file),
                None => groups.push((from, name, vec![file])),
            }
        }
    }
    let is_alone = groups.len() == 1;
    let named = groups.into_iter().map(|(from, path, mut files)| {
        files.sort_unstable();
        let name = match name {
            Some(name) if is_alone => name.clone(),
            Some(name) => run_name(&format!("{name}/{path}"))?,
            None => run_name(&path)?,
        };
        Ok(Group { from, name, files })
    });
    named.collect()
}

/// Returns a path as messages show it.
pub(super) fn shown(path: &Path) -> String {
    shorten(&path.to_string_lossy()).into_owned()
}

/// Returns the event files below a directory, with their directories and the names of their runs.
fn in_directory(root: &Path) -> io::Result<Vec<(PathBuf, String, Found)>> {
    let (mut directories, mut found) = (vec![root.to_owned()], BTreeMap::new());
    while let Some(directory) = directories.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            // It was deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound && directory != root => continue,
            Err(error) => {
                return Err(io::Error::new(error.kind(), format!("{}: {error}", shown(&directory))));
            }
        };
        for entry in entries {
            let entry = entry?;
            // A link to a directory may lead back here.
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            } else if is_event_file(&entry.path()) && entry.path().is_file() {
                found.insert(entry.path(), directory.clone());
            }
        }
    }
    let named = found.into_iter().map(|(path, directory)| {
        let below = directory.strip_prefix(root).unwrap_or(&directory).to_string_lossy().into_owned();
        let name = if below.is_empty() { last_name(root) } else { below };
        (directory, name, Found { path, kind: Kind::Events })
    });
    Ok(named.collect())
}

/// Returns what a file by itself is: that of a directory, or CSV.
fn alone(path: &Path) -> io::Result<(PathBuf, String, Found)> {
    let is_events = is_event_file(path) || begins_with_record(&mut File::open(path)?)?;
    let kind = if is_events { Kind::Events } else { Kind::Csv };
    let found = Found { path: path.to_owned(), kind };
    Ok(match (kind, path.parent()) {
        (Kind::Events, Some(directory)) => (directory.to_owned(), last_name(directory), found),
        _ => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (path.to_owned(), stem, found)
        }
    })
}

/// Returns whether a file has the name of an event file.
fn is_event_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains("tfevents"))
}

fn last_name(directory: &Path) -> String {
    directory.file_name().map_or_else(|| "/".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Returns a valid name: the end of a path, which distinguishes it from others.
fn run_name(path: &str) -> Result<RunName, Failure> {
    let visible: Vec<char> = path.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    let text: String = match visible.len().checked_sub(RunName::MAX_CHARS) {
        None | Some(0) => visible.into_iter().collect(),
        Some(cut) => std::iter::once('…').chain(visible.into_iter().skip(cut + 1)).collect(),
    };
    RunName::new(text).map_err(|error| Failure::Client(error.into()))
}
