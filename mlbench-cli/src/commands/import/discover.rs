//! Finds the files to import, and the run that each belongs to.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mlbench_client::RunName;
use mlbench_core::quote::shorten;

use super::events::begins_with_record;
use super::open::open;
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

/// What a path of the command line leads to.
struct Root {
    /// The directory of event files, or the file of CSV.
    from: PathBuf,
    files: Vec<(PathBuf, Found)>,
}

/// Returns the files at these paths by their runs, in the order of the paths.
///
/// The names depend on the paths alone, and not on what is found there by now.
///
/// # Errors
/// For a path that does not exist, or is no file that can be read twice.
pub(super) fn discover(paths: &[PathBuf], name: Option<&RunName>) -> Result<Vec<Group>, Failure> {
    let mut roots: Vec<Root> = Vec::new();
    for path in paths {
        let root = root(path).map_err(|error| Failure::Failed(problem(path, &error)))?;
        match roots.iter_mut().find(|other| other.from == root.from) {
            Some(other) => other.files.extend(root.files),
            None => roots.push(root),
        }
    }
    let mut groups: Vec<(PathBuf, String, Vec<Found>)> = Vec::new();
    let labels = labels(&roots);
    let is_alone = roots.len() == 1;
    for (root, label) in roots.into_iter().zip(labels) {
        for (from, file) in root.files {
            match groups.iter_mut().find(|(other, ..)| *other == from) {
                Some((_, _, files)) if files.contains(&file) => {}
                Some((_, _, files)) => files.push(file),
                None => {
                    let below = from.strip_prefix(&root.from).unwrap_or(&from).to_string_lossy();
                    let parts = match (name, below.as_ref()) {
                        (Some(name), "") if is_alone => name.to_string(),
                        (Some(name), _) if is_alone => format!("{name}/{below}"),
                        (Some(name), "") => format!("{name}/{label}"),
                        (Some(name), _) => format!("{name}/{label}/{below}"),
                        (None, "") => label.clone(),
                        (None, _) if is_alone => below.into_owned(),
                        (None, _) => format!("{label}/{below}"),
                    };
                    groups.push((from, parts, vec![file]));
                }
            }
        }
    }
    let named = groups.into_iter().map(|(from, name, mut files)| {
        files.sort_unstable();
        Ok(Group { from, name: run_name(&name)?, files })
    });
    named.collect()
}

fn problem(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!(
                "{}: does not exist; give directories with event files, event files or CSV files",
                shown(path)
            )
        }
        _ => format!("{}: {error}", shown(path)),
    }
}

/// Returns a short name of each root: its last part, or as many as distinguish it from the others.
fn labels(roots: &[Root]) -> Vec<String> {
    let most = roots.iter().map(|root| root.from.components().count()).max().unwrap_or(0);
    let label = |root: &Root, parts: usize| -> String {
        let is_file = root.files.first().is_some_and(|(_, found)| found.kind == Kind::Csv);
        match root.from.file_stem() {
            Some(stem) if parts == 0 && is_file => stem.to_string_lossy().into_owned(),
            _ => {
                let all: Vec<_> = root.from.iter().collect();
                let last: PathBuf = all[all.len().saturating_sub(parts.max(1))..].iter().collect();
                last.to_string_lossy().into_owned()
            }
        }
    };
    let is_unique = |root: &Root, parts: usize| {
        roots.iter().filter(|other| label(other, parts) == label(root, parts)).count() == 1
    };
    let parts = |root: &Root| (0..=most).find(|parts| is_unique(root, *parts)).unwrap_or(most);
    roots.iter().map(|root| label(root, parts(root))).collect()
}

/// Returns a path as messages show it.
pub(super) fn shown(path: &Path) -> String {
    shorten(&path.to_string_lossy()).into_owned()
}

/// Returns what is at a path.
fn root(path: &Path) -> io::Result<Root> {
    // What has no place, such as a pipe of the shell, is refused by its kind.
    if !fs::metadata(path)?.is_dir() {
        open(path)?;
    }
    let path = fs::canonicalize(path)?;
    if path.is_dir() {
        let files = in_directory(&path)?;
        return Ok(Root { from: path, files });
    }
    let is_events = is_event_file(&path) || begins_with_record(&mut open(&path)?)?;
    let (kind, from) = match path.parent() {
        Some(directory) if is_events => (Kind::Events, directory.to_owned()),
        _ => (Kind::Csv, path.clone()),
    };
    Ok(Root { from: from.clone(), files: vec![(from, Found { path, kind })] })
}

/// Returns the event files below a directory, with their directories.
fn in_directory(root: &Path) -> io::Result<Vec<(PathBuf, Found)>> {
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
    let found = found.into_iter();
    Ok(found.map(|(path, directory)| (directory, Found { path, kind: Kind::Events })).collect())
}

/// Returns whether a file has the name of an event file.
fn is_event_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains("tfevents"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[PathBuf], name: Option<&str>) -> Vec<String> {
        let name = name.map(|name| RunName::new(name).unwrap());
        let groups = discover(paths, name.as_ref()).unwrap();
        groups.iter().map(|group| group.name.to_string()).collect()
    }

    fn write(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "step,loss\n").unwrap();
    }

    #[test]
    fn names_are_distinct_and_do_not_change_when_more_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        write(&at("logs/train/tfevents.1"));
        let logs = [at("logs")];
        assert_eq!(names(&logs, None), ["train"]);
        assert_eq!(names(&logs, Some("x")), ["x/train"]);
        write(&at("logs/tfevents.2"));
        write(&at("logs/test/tfevents.3"));
        assert_eq!(names(&logs, None), ["test", "logs", "train"]);
        assert_eq!(names(&logs, Some("x")), ["x/test", "x", "x/train"]);
        let files = [at("logs/tfevents.2"), at("logs/tfevents.2"), at("logs/train/tfevents.1")];
        assert_eq!(names(&files, Some("x")), ["x/logs", "x/train"]);
    }

    #[test]
    fn paths_with_equal_ends_have_longer_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let events = [at("a/logs"), at("b/logs"), at("c")];
        for directory in &events {
            write(&directory.join("train/tfevents.1"));
        }
        assert_eq!(names(&events, Some("x")), ["x/a/logs/train", "x/b/logs/train", "x/c/train"]);
        assert_eq!(names(&events, None), ["a/logs/train", "b/logs/train", "c/train"]);
        let tables = [at("a/x.csv"), at("b/x.csv"), at("b/x.tsv"), at("y.csv")];
        tables.iter().for_each(|path| write(path));
        assert_eq!(names(&tables, None), ["a/x.csv", "b/x.csv", "x.tsv", "y"]);
        assert_eq!(names(&tables[3..], Some("x")), ["x"]);
    }
}
