//! The files of the repository, read once for all checks.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::source::Source;

/// What tools make or keep (`.git` is a file in a work tree).
const SKIPPED: [&str; 3] = ["target", ".git", "node_modules"];

/// All text files, by their path below the top, with `/` between the parts.
pub(super) struct Tree {
    texts: BTreeMap<String, String>,
    sources: Vec<Source>,
}

impl Tree {
    /// Reads everything below `root` that is text.
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let mut texts = Vec::new();
        read_folder(root, "", &mut texts)?;
        Ok(Self::from_texts(texts))
    }

    /// A tree of texts.
    pub(super) fn from_texts(texts: impl IntoIterator<Item = (String, String)>) -> Self {
        let texts: BTreeMap<String, String> = texts.into_iter().collect();
        let sources = Source::parse_all(texts.iter().filter(|(path, _)| path.ends_with(".rs")));
        Self { texts, sources }
    }

    /// Every text file.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// One text file; empty when there is none.
    pub(super) fn text(&self, path: &str) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    /// Whether there is such a file or folder.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let inside = |file: &String| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        self.texts.contains_key(path) || self.texts.keys().any(inside)
    }

    /// Every Rust file.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// The Rust files below a folder.
    pub(super) fn sources_in(&self, folder: &str) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(move |source| source.path.starts_with(folder))
    }

    /// How many text files there are.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}

fn read_folder(folder: &Path, prefix: &str, texts: &mut Vec<(String, String)>) -> Result<(), String> {
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
            read_folder(&entry.path(), &format!("{path}/"), texts)?;
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            texts.push((path, text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_without_what_tools_made() {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [("src/lib.rs", "//! x\n"), ("target/debug/lib.rs", "no"), ("README.md", "hi")] {
            let file = dir.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let tree = Tree::read(dir.path()).unwrap();
        assert_eq!(tree.texts().map(|(path, _)| path).collect::<Vec<_>>(), ["README.md", "src/lib.rs"]);
        assert!(tree.has("src") && tree.has("src/") && tree.has("README.md") && !tree.has("sr"));
    }
}
