//! A Rust file line by line, with test code marked.

use std::collections::BTreeSet;

use super::lexer::{Layers, block_length, split};

/// A Rust file.
pub(crate) struct Source {
    /// Its path below the top of the repository.
    pub(crate) path: String,
    lines: Vec<Line>,
}

/// A line of a Rust file.
pub(crate) struct Line {
    /// Its number, from 1.
    pub(crate) number: usize,
    /// The line without comments and without the contents of string literals. The quotes stay.
    pub(crate) code: String,
    /// The comment on the line, with its slashes. Blanks replace the rest.
    pub(crate) comment: String,
    /// The string literals on the line, with their quotes. Blanks replace the rest.
    pub(crate) literals: String,
    /// Whether only test builds compile it.
    pub(crate) test: bool,
}

impl Source {
    /// Parses all files together: `#[cfg(test)] mod x;` in one file marks another as a test.
    pub(super) fn parse_all<'a>(files: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<Self> {
        let mut test_modules = BTreeSet::new();
        let mut sources: Vec<Self> = files
            .map(|(path, text)| {
                let layers = split(text);
                let (test_lines, modules) = test_regions(&layers.code);
                let folder = module_folder(path);
                test_modules.extend(modules.iter().map(|name| format!("{folder}{name}")));
                Self { path: path.clone(), lines: lines(&layers, &test_lines) }
            })
            .collect();
        for source in &mut sources {
            let stem = source.path.trim_end_matches(".rs");
            let in_test_module = test_modules.iter().any(|module| {
                stem.strip_prefix(module.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
            // `doc/` holds code that doc comments include. Rustdoc runs it as tests.
            let in_test_folder = ["/tests/", "/doc/"].iter().any(|folder| stem.contains(folder));
            if in_test_module || in_test_folder || stem.starts_with("tests/") {
                source.lines.iter_mut().for_each(|line| line.test = true);
            }
        }
        sources
    }

    /// All lines.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The lines outside tests.
    pub(crate) fn product(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| !line.test)
    }

    /// The lines of tests.
    pub(crate) fn tests(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.test)
    }
}

fn lines(layers: &Layers, tests: &BTreeSet<usize>) -> Vec<Line> {
    let other = layers.comments.lines().zip(layers.literals.lines());
    let all = layers.code.lines().zip(other).enumerate();
    all.map(|(index, (code, (comment, literals)))| Line {
        number: index + 1,
        code: code.to_owned(),
        comment: comment.to_owned(),
        literals: literals.to_owned(),
        test: tests.contains(&index),
    })
    .collect()
}

/// The folder of the modules that a file declares.
pub(crate) fn module_folder(path: &str) -> String {
    let stem = path.trim_end_matches(".rs");
    let owns_folder = ["/mod", "/lib", "/main"].iter().find_map(|end| stem.strip_suffix(end));
    format!("{}/", owns_folder.unwrap_or(stem))
}

/// Whether `text` contains `word`, not as part of a longer one.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let free_before = !word.starts_with(is_part) || !text[..at].ends_with(is_part);
        let free_after = !word.ends_with(is_part) || !text[at + word.len()..].starts_with(is_part);
        free_before && free_after
    })
}

/// The numbers (from 0) of the lines under a `#[cfg(test)]`, and the modules declared there.
fn test_regions(code: &str) -> (BTreeSet<usize>, Vec<String>) {
    let line_of = |at: usize| code[..at].matches('\n').count();
    let mut lines = BTreeSet::new();
    let mut modules = Vec::new();
    for (at, _) in code.match_indices("#[cfg(") {
        let Some(length) = code[at..].find(")]") else { continue };
        let condition = &code[at..at + length];
        if !has_word(condition, "test") || condition.contains("not(test") {
            continue;
        }
        let item = &code[at + length..];
        let Some(open) = item.find(['{', ';']) else { continue };
        let end = if item[open..].starts_with('{') { open + block_length(&item[open..]) } else { open };
        if let Some(name) = item[..open].split_once("mod ").filter(|_| end == open) {
            modules.push(name.1.trim().to_owned());
        }
        lines.extend(line_of(at)..=line_of(at + length + end));
    }
    (lines, modules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(files: &[(&str, &str)]) -> Vec<Source> {
        let owned: Vec<_> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Source::parse_all(owned.iter().map(|(path, text)| (path, text)))
    }

    #[test]
    fn test_code_is_marked() {
        let lib = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { { } }\n}\nfn c() {}\n#[cfg(all(test, unix))]\nmod helpers;\n";
        let sources = parse(&[
            ("x/src/lib.rs", lib),
            ("x/src/helpers.rs", "fn d() {}\n"),
            ("tests/src/lib.rs", "fn e() {}"),
        ]);
        let product = |path: &str| {
            let source = sources.iter().find(|source| source.path == path).unwrap();
            source.product().map(|line| line.number).collect::<Vec<_>>()
        };
        assert_eq!(product("x/src/lib.rs"), [1, 6]);
        assert!(product("x/src/helpers.rs").is_empty() && product("tests/src/lib.rs").is_empty());
    }

    #[test]
    fn a_word_is_not_part_of_a_longer_one() {
        assert!(
            has_word("use warp::Filter", "warp")
                && !has_word("warped::x", "warp")
                && !has_word("my_warp", "warp")
        );
        assert!(has_word("a.unwrap()", ".unwrap()") && has_word("tokio::spawn(x)", "tokio::spawn("));
    }
}
