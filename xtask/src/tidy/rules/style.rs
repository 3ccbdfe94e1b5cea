//! Rules about lines and files.

use crate::tidy::finding::Finding;
use crate::tidy::tree::{Source, Tree, has_word};

const MAX_FILE_LINES: usize = 400;

/// A file has at most 400 lines.
pub(super) fn file_length(tree: &Tree) -> Vec<Finding> {
    let long = tree.sources().filter(|source| source.lines().len() > MAX_FILE_LINES);
    long.map(|source| {
        let what = format!("the file has {} lines, more than {MAX_FILE_LINES}", source.lines().len());
        Finding::new(&source.path, MAX_FILE_LINES + 1, what, "split it by responsibility")
    })
    .collect()
}

/// A lint that is wrong in one place is expected there with a reason.
///
/// The build fails once the expectation is no longer needed.
pub(super) fn no_allow(tree: &Tree) -> Vec<Finding> {
    let found = |code: &str| code.contains("#[allow(") || code.contains("#![allow(");
    each_line(tree.sources(), true, found, "a lint is turned off", "use #[expect(…, reason = \"…\")]")
}

/// Invariant 10: no input may end the process.
pub(super) fn no_unwrap(tree: &Tree) -> Vec<Finding> {
    let found = |code: &str| code.contains(".unwrap()") || code.contains(".expect(");
    each_line(
        tree.sources(),
        false,
        found,
        "unwrap or expect outside tests",
        "return an error that names what was expected",
    )
}

/// Only the command line's `output/` writes to standard output. Libraries print nothing.
pub(super) fn printing(tree: &Tree) -> Vec<Finding> {
    let stdout = |code: &str| has_word(code, "println!") || has_word(code, "print!");
    let stderr = |code: &str| has_word(code, "eprintln!") || has_word(code, "eprint!");
    let prints = |source: &&Source| source.path.starts_with("mlbench-") && source.path.contains("/src/");
    let output = |source: &&Source| source.path.starts_with("mlbench-cli/src/output/");
    let talks = |source: &&Source| output(source) || source.path.ends_with("/src/main.rs");
    let to_stdout = tree.sources().filter(prints).filter(|source| !output(source));
    let to_stderr = tree.sources().filter(prints).filter(|source| !talks(source));
    let mut findings =
        each_line(to_stdout, false, stdout, "this writes to stdout", "pass it to the command line's output/");
    findings.extend(each_line(
        to_stderr,
        false,
        stderr,
        "this writes to stderr",
        "return an error, or log with tracing",
    ));
    findings
}

/// A test that cannot run says so where `cargo xtask test` counts it, and not to the captured output.
pub(super) fn no_silent_skips(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        for line in source.tests().filter(|line| line.literals.to_lowercase().contains("\"skipped: ")) {
            let what = "this skips in silence";
            findings.push(Finding::new(
                &source.path,
                line.number,
                what,
                "call skipped with what the test needs",
            ));
        }
    }
    findings
}

/// No test is ignored.
pub(super) fn no_ignored_tests(tree: &Tree) -> Vec<Finding> {
    let found = |code: &str| code.contains("#[ignore");
    let advice = "let it print that it is skipped and what it needs (tests/src/tools.rs)";
    each_line(tree.sources(), true, found, "a test is ignored", advice)
}

/// Unfinished work is an issue, not a comment.
pub(super) fn nothing_unfinished(tree: &Tree) -> Vec<Finding> {
    let words =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")];
    let readable =
        |path: &str| [".rs", ".toml", ".sh", ".py", ".yml", ".yaml"].iter().any(|end| path.ends_with(end));
    each_text(tree, readable, &words, "something is unfinished", "finish it or file an issue")
}

/// No file names an absolute path of one machine.
pub(super) fn no_paths_of_a_machine(tree: &Tree) -> Vec<Finding> {
    let paths = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];
    each_text(
        tree,
        |path| path != "LICENSE",
        &paths,
        "this path exists on one machine only",
        "use a setting, a temporary directory or the repository's own path",
    )
}

fn each_line<'a>(
    sources: impl Iterator<Item = &'a Source>,
    tests_too: bool,
    found: impl Fn(&str) -> bool,
    what: &str,
    advice: &'static str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = source.lines().iter().filter(|line| tests_too || !line.test);
        let bad = lines.filter(|line| found(&line.code));
        findings.extend(bad.map(|line| Finding::new(&source.path, line.number, what, advice)));
    }
    findings
}

fn each_text(
    tree: &Tree,
    readable: impl Fn(&str) -> bool,
    words: &[&str],
    what: &str,
    advice: &'static str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| readable(path)) {
        for (index, line) in text.lines().enumerate() {
            if words.iter().any(|word| has_start(line, word)) {
                findings.push(Finding::new(path, index + 1, what, advice));
            }
        }
    }
    findings
}

/// Whether `line` contains `word`, not as the end of a longer word or path.
fn has_start(line: &str, word: &str) -> bool {
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_.-}~*".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check;

    #[test]
    fn a_long_file_is_found() {
        let files = [("x/src/a.rs", "x\n".repeat(400)), ("x/src/b.rs", "x\n".repeat(401))];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert_eq!(check(file_length, &files), ["x/src/b.rs:401"]);
    }

    #[test]
    fn an_allowed_lint_is_found_in_tests_too() {
        let text = "#[expect(dead_code, reason = \"x\")]\n#[allow(dead_code)]\n";
        assert_eq!(check(no_allow, &[("tests/src/lib.rs", text)]), ["tests/src/lib.rs:2"]);
    }

    #[test]
    fn unwrap_outside_tests_is_found() {
        let text = "a.unwrap_or_default();\nb.unwrap();\nc.expect(\"x\");\n#[cfg(test)]\nmod tests {\n d.unwrap();\n}\n";
        assert_eq!(check(no_unwrap, &[("x/src/a.rs", text)]), ["x/src/a.rs:2", "x/src/a.rs:3"]);
    }

    #[test]
    fn only_the_output_file_writes_to_stdout() {
        let text = "println!(\"x\");\neprintln!(\"y\");\n";
        let files = [
            ("mlbench-cli/src/output/printer.rs", text),
            ("mlbench-cli/src/main.rs", text),
            ("mlbench-client/src/lib.rs", text),
            ("xtask/src/main.rs", text),
        ];
        let expected =
            ["mlbench-cli/src/main.rs:1", "mlbench-client/src/lib.rs:1", "mlbench-client/src/lib.rs:2"];
        assert_eq!(check(printing, &files), expected);
    }

    #[test]
    fn a_silent_skip_is_found() {
        let print = |word: &str| format!("fn a() {{\n    println!(\"{word}: no tool\");\n}}\n");
        let (silent, other) = (print("skipped"), print("found"));
        let files =
            [("tests/src/a.rs", silent.as_str()), ("x/src/a.rs", &silent), ("tests/src/b.rs", &other)];
        assert_eq!(check(no_silent_skips, &files), ["tests/src/a.rs:2"]);
    }

    #[test]
    fn an_ignored_test_is_found() {
        let text = "#[test]\n#[ignore = \"slow\"]\nfn t() {}\n";
        assert_eq!(check(no_ignored_tests, &[("tests/tests/it/a.rs", text)]), ["tests/tests/it/a.rs:2"]);
    }

    #[test]
    fn unfinished_work_is_found() {
        let text = concat!("// TO", "DO: later\nlet x = \"MATO", "DOR\";\n");
        assert_eq!(check(nothing_unfinished, &[("x/src/a.rs", text)]), ["x/src/a.rs:1"]);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let text = concat!("cd /ho", "me/me\ncp x/ho", "me/y ~/ho", "me/z\n");
        assert_eq!(check(no_paths_of_a_machine, &[("README.md", text)]), ["README.md:1"]);
    }
}
