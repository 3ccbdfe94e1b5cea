//! The files of the repository, read once for all rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::commits::{Commit, History};
use super::source::Source;

/// Folders that tools fill (`.git` is a file in a worktree).
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", "dist"];

/// All text files by their path below the top, with `/` as separator, and the history.
pub(crate) struct Tree {
    texts: BTreeMap<String, String>,
    /// The paths of the files that are no text, such as pictures.
    others: BTreeSet<String>,
    sources: Vec<Source>,
    history: History,
}

impl Tree {
    /// Reads all text files below `root`.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let (mut texts, mut others) = (Vec::new(), BTreeSet::new());
        read_folder(root, "", &mut texts, &mut others)?;
        Ok(Self { history: History::read(root), others, ..Self::from_texts(texts) })
    }

    /// Builds a tree without history from texts.
    pub(crate) fn from_texts(texts: impl IntoIterator<Item = (String, String)>) -> Self {
        let texts: BTreeMap<String, String> = texts.into_iter().collect();
        let sources = Source::parse_all(texts.iter().filter(|(path, _)| path.ends_with(".rs")));
        Self { texts, others: BTreeSet::new(), sources, history: History::Known(Vec::new()) }
    }

    /// Replaces the history.
    #[cfg(test)]
    pub(crate) fn with_commits(self, commits: impl IntoIterator<Item = Commit>) -> Self {
        Self { history: History::Known(commits.into_iter().collect()), ..self }
    }

    /// Every text file.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of one file, empty if it does not exist.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    /// Whether such a file or folder exists.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let inside = |file: &String| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        self.texts.contains_key(path) || self.others.contains(path) || self.texts.keys().any(inside)
    }

    /// Every Rust file.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// The Rust files below a folder.
    pub(crate) fn sources_in(&self, folder: &str) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(move |source| source.path.starts_with(folder))
    }

    /// One Rust file.
    pub(crate) fn source(&self, path: &str) -> Option<&Source> {
        let at = self.sources.binary_search_by(|source| source.path.as_str().cmp(path)).ok()?;
        self.sources.get(at)
    }

    /// The commits that the rules apply to, none if the history is unknown.
    pub(crate) fn commits(&self) -> &[Commit] {
        match &self.history {
            History::Known(commits) => commits,
            History::Unknown(_) => &[],
        }
    }

    /// Why the history is unknown, if it is.
    pub(crate) fn without_history(&self) -> Option<&str> {
        match &self.history {
            History::Known(_) => None,
            History::Unknown(why) => Some(why),
        }
    }

    /// The number of text files.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }
}

fn read_folder(
    folder: &Path,
    prefix: &str,
    texts: &mut Vec<(String, String)>,
    others: &mut BTreeSet<String>,
) -> Result<(), String> {
    let failed = |error| format!("cannot read {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            read_folder(&entry.path(), &format!("{path}/"), texts, others)?;
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            texts.push((path, text));
        } else {
            others.insert(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_leaves_out_the_folders_that_tools_fill() {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [("src/lib.rs", "//! x\n"), ("target/debug/lib.rs", "no"), ("README.md", "hi")] {
            let file = dir.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        fs::write(dir.path().join("page.png"), b"\x89PNG").unwrap();
        let tree = Tree::read(dir.path()).unwrap();
        assert_eq!(tree.texts().map(|(path, _)| path).collect::<Vec<_>>(), ["README.md", "src/lib.rs"]);
        assert!(tree.has("src") && tree.has("src/") && tree.has("README.md") && !tree.has("sr"));
        assert!(tree.has("page.png") && tree.text("page.png").is_empty());
        assert!(tree.source("src/lib.rs").is_some() && tree.source("README.md").is_none());
    }
}
