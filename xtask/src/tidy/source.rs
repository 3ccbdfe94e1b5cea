//! A Rust file as the checks see it: line by line, comments and strings blanked, tests told from the rest.

use std::collections::BTreeSet;

/// A Rust file.
pub(super) struct Source {
    /// Its path below the top of the repository.
    pub(super) path: String,
    lines: Vec<Line>,
}

/// A line of a Rust file.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: usize,
    /// The line without comments and without what is in its string literals (the quotes stay).
    pub(super) code: String,
    /// Whether only tests contain it.
    pub(super) test: bool,
}

impl Source {
    /// Parses files together: a module that is declared under `#[cfg(test)]` in one file is a test in another.
    pub(super) fn parse_all<'a>(files: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<Self> {
        let mut test_modules = BTreeSet::new();
        let mut sources: Vec<Self> = files
            .map(|(path, text)| {
                let code = code_only(text);
                let (test_lines, modules) = test_regions(&code);
                let folder = module_folder(path);
                test_modules.extend(modules.iter().map(|name| format!("{folder}{name}")));
                let lines = code.lines().enumerate().map(|(index, code)| Line {
                    number: index + 1,
                    code: code.to_owned(),
                    test: test_lines.contains(&index),
                });
                Self { path: path.clone(), lines: lines.collect() }
            })
            .collect();
        for source in &mut sources {
            let stem = source.path.trim_end_matches(".rs");
            let in_test_module = test_modules.iter().any(|module| {
                stem.strip_prefix(module.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
            // `doc/` holds what examples in doc comments include: rustdoc runs them as tests.
            let in_test_folder = ["/tests/", "/doc/"].iter().any(|folder| stem.contains(folder));
            if in_test_module || in_test_folder || stem.starts_with("tests/") {
                source.lines.iter_mut().for_each(|line| line.test = true);
            }
        }
        sources
    }

    /// All lines.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The lines that are not tests.
    pub(super) fn product(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| !line.test)
    }

    /// The lines that are tests.
    pub(super) fn tests(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.test)
    }
}

/// The folder in which the modules lie that a file declares.
fn module_folder(path: &str) -> String {
    let stem = path.trim_end_matches(".rs");
    let owns_folder = ["/mod", "/lib", "/main"].iter().find_map(|end| stem.strip_suffix(end));
    format!("{}/", owns_folder.unwrap_or(stem))
}

/// Whether `code` holds `word`, not as part of a longer one.
pub(super) fn has_word(code: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let free_before = !word.starts_with(is_part) || !code[..at].ends_with(is_part);
        let free_after = !word.ends_with(is_part) || !code[at + word.len()..].starts_with(is_part);
        free_before && free_after
    })
}

/// The numbers (from 0) of the lines that stand under a `#[cfg(test)]`, and the modules declared there.
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

/// The length of a block that begins with `{`, up to its `}`.
pub(super) fn block_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// The text with comments and the contents of literals replaced by blanks; lines stay where they are.
fn code_only(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word_before = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let (length, keep_ends) = match first {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            '/' if rest.starts_with("/*") => (block_comment(rest), false),
            '"' => (quoted(rest, '"'), true),
            '\'' => (character(rest), true),
            'r' | 'b' | 'c' if !word_before => (raw_string(rest), true),
            _ => (0, true),
        };
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (literal, after) = rest.split_at(length);
        for (index, c) in literal.char_indices() {
            let is_end = index == 0 || index + c.len_utf8() == length;
            out.push(if c == '\n' || (keep_ends && is_end) { c } else { ' ' });
        }
        rest = after;
    }
    out
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), _) => quoted(text, '\''),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// The length of a raw string (`r"…"`, `br#"…"#`); 0 for anything else.
fn raw_string(text: &str) -> usize {
    let Some(after) = ["br", "cr", "r"].iter().find_map(|prefix| text.strip_prefix(prefix)) else { return 0 };
    let hashes = after.len() - after.trim_start_matches('#').len();
    if !after[hashes..].starts_with('"') {
        return 0;
    }
    let begin = text.len() - after.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    text[begin..].find(&end).map_or(text.len(), |at| begin + at + end.len())
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
    fn comments_and_strings_are_blanked_and_lines_stay() {
        let text = "let a = \"x.unwrap()\\\"\"; // unwrap\n/* one\n/* two */ three */ b('\"', '\\'', &'a str)\nr#\"raw \" \"#;\n";
        let code = code_only(text);
        assert!(!code.contains("unwrap") && !code.contains("three") && !code.contains("raw"), "{code}");
        assert!(code.contains("let a = \"") && code.contains("&'a str)"), "{code}");
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn tests_are_told_from_the_rest() {
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
