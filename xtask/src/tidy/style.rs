//! How a file reads.

use super::source::{Source, block_length, has_word};
use super::{Finding, Tree};

const MAX_FILE_LINES: usize = 400;
const MAX_HANDLER_LINES: usize = 20;

/// A file over 400 lines is two ideas.
pub(super) fn file_length(tree: &Tree) -> Vec<Finding> {
    let long = tree.sources().filter(|source| source.lines().len() > MAX_FILE_LINES);
    long.map(|source| {
        let rule = format!("the file has {} lines, more than {MAX_FILE_LINES}", source.lines().len());
        Finding::new(&source.path, MAX_FILE_LINES + 1, rule, "split it where the idea changes")
    })
    .collect()
}

/// Invariant 4: over 20 lines it belongs in `app/`. A handler is an `async fn` in `http/` that takes a `Call`.
pub(super) fn handlers_are_short(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources_in("mlbench-server/src/http/") {
        let lines: Vec<&str> = source.product().map(|line| line.code.as_str()).collect();
        let numbers: Vec<usize> = source.product().map(|line| line.number).collect();
        for (index, _) in lines.iter().enumerate().filter(|(_, line)| has_word(line, "async fn")) {
            let item = lines[index..].join("\n");
            let Some(open) = item.find('{') else { continue };
            let body = item[open..open + block_length(&item[open..])].matches('\n').count().saturating_sub(1);
            if item[..open].contains("(call: Call)") && body > MAX_HANDLER_LINES {
                let rule = format!("a handler has {body} lines, more than {MAX_HANDLER_LINES}");
                findings.push(Finding::new(
                    &source.path,
                    numbers[index],
                    rule,
                    "move the use case into app/",
                ));
            }
        }
    }
    findings
}

/// A lint that is wrong in one place is expected there, with the reason; when it gets right again, the build says so.
pub(super) fn no_allow(tree: &Tree) -> Vec<Finding> {
    let found = |code: &str| code.contains("#[allow(") || code.contains("#![allow(");
    each_line(tree.sources(), true, found, "a lint is allowed", "use #[expect(…, reason = \"…\")]")
}

/// Invariant 8: nothing that comes from outside may end the process.
pub(super) fn no_unwrap(tree: &Tree) -> Vec<Finding> {
    let found = |code: &str| code.contains(".unwrap()") || code.contains(".expect(");
    each_line(
        tree.sources(),
        false,
        found,
        "unwrap or expect outside tests",
        "return an error that says what was expected",
    )
}

/// Standard output is data and has one author; a library prints nothing.
pub(super) fn printing(tree: &Tree) -> Vec<Finding> {
    let stdout = |code: &str| has_word(code, "println!") || has_word(code, "print!");
    let stderr = |code: &str| has_word(code, "eprintln!") || has_word(code, "eprint!");
    let prints = |source: &&Source| source.path.starts_with("mlbench-") && source.path.contains("/src/");
    let output = |source: &&Source| {
        source.path == "mlbench-cli/src/output.rs" || source.path.starts_with("mlbench-cli/src/output/")
    };
    let talks = |source: &&Source| output(source) || source.path.ends_with("/src/main.rs");
    let to_stdout = tree.sources().filter(prints).filter(|source| !output(source));
    let to_stderr = tree.sources().filter(prints).filter(|source| !talks(source));
    let mut findings = each_line(
        to_stdout,
        false,
        stdout,
        "stdout is written to",
        "hand it to the command line's output.rs",
    );
    findings.extend(each_line(
        to_stderr,
        false,
        stderr,
        "stderr is written to",
        "return an error, or log with tracing",
    ));
    findings
}

/// A test that is not run is no test.
pub(super) fn no_ignored_tests(tree: &Tree) -> Vec<Finding> {
    let found = |code: &str| code.contains("#[ignore");
    let advice = "let it say that it is skipped and what it needs (tests/src/tools.rs)";
    each_line(tree.sources(), true, found, "a test is ignored", advice)
}

/// What is not finished is an issue, not a comment.
pub(super) fn nothing_unfinished(tree: &Tree) -> Vec<Finding> {
    let words =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")];
    let readable =
        |path: &str| [".rs", ".toml", ".sh", ".py", ".yml", ".yaml"].iter().any(|end| path.ends_with(end));
    each_text(tree, readable, &words, "something is unfinished", "finish it or file it")
}

/// The repository is cloned anywhere.
pub(super) fn no_paths_of_a_machine(tree: &Tree) -> Vec<Finding> {
    let paths = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];
    each_text(
        tree,
        |path| path != "LICENSE",
        &paths,
        "a path of one machine",
        "use a setting, a temporary directory or the repository's own path",
    )
}

fn each_line<'a>(
    sources: impl Iterator<Item = &'a Source>,
    tests_too: bool,
    found: impl Fn(&str) -> bool,
    rule: &str,
    advice: &'static str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = source.lines().iter().filter(|line| tests_too || !line.test);
        let bad = lines.filter(|line| found(&line.code));
        findings.extend(bad.map(|line| Finding::new(&source.path, line.number, rule, advice)));
    }
    findings
}

fn each_text(
    tree: &Tree,
    readable: impl Fn(&str) -> bool,
    words: &[&str],
    rule: &str,
    advice: &'static str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| readable(path)) {
        for (index, line) in text.lines().enumerate() {
            if words.iter().any(|word| stands_alone(line, word)) {
                findings.push(Finding::new(path, index + 1, rule, advice));
            }
        }
    }
    findings
}

/// Whether `word` stands in `line` and is not the rest of a longer word or path.
fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_.-}~*".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn a_long_file_is_found() {
        let files = [("x/src/a.rs", "x\n".repeat(400)), ("x/src/b.rs", "x\n".repeat(401))];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert_eq!(check(file_length, &files), ["x/src/b.rs:401"]);
    }

    #[test]
    fn a_long_handler_is_found() {
        let handler = |lines: usize| {
            format!(
                "async fn get(call: Call) -> Result<Response> {{\n{}}}\nfn f() {{}}\n",
                "    x();\n".repeat(lines)
            )
        };
        let (short, long) = (handler(20), handler(21));
        let files = [
            ("mlbench-server/src/http/a.rs", short.as_str()),
            ("mlbench-server/src/http/b.rs", long.as_str()),
        ];
        assert_eq!(check(handlers_are_short, &files), ["mlbench-server/src/http/b.rs:1"]);
    }

    #[test]
    fn an_allowed_lint_is_found_even_in_tests() {
        let text = "#[expect(dead_code, reason = \"x\")]\n#[allow(dead_code)]\n";
        assert_eq!(check(no_allow, &[("tests/src/lib.rs", text)]), ["tests/src/lib.rs:2"]);
    }

    #[test]
    fn unwrap_is_for_tests() {
        let text = "a.unwrap_or_default();\nb.unwrap();\nc.expect(\"x\");\n#[cfg(test)]\nmod tests {\n d.unwrap();\n}\n";
        assert_eq!(check(no_unwrap, &[("x/src/a.rs", text)]), ["x/src/a.rs:2", "x/src/a.rs:3"]);
    }

    #[test]
    fn stdout_has_one_author() {
        let text = "println!(\"x\");\neprintln!(\"y\");\n";
        let files = [
            ("mlbench-cli/src/output.rs", text),
            ("mlbench-cli/src/main.rs", text),
            ("mlbench-client/src/lib.rs", text),
            ("xtask/src/main.rs", text),
        ];
        let expected =
            ["mlbench-cli/src/main.rs:1", "mlbench-client/src/lib.rs:1", "mlbench-client/src/lib.rs:2"];
        assert_eq!(check(printing, &files), expected);
    }

    #[test]
    fn an_ignored_test_is_found() {
        let text = "#[test]\n#[ignore = \"slow\"]\nfn t() {}\n";
        assert_eq!(check(no_ignored_tests, &[("tests/tests/it/a.rs", text)]), ["tests/tests/it/a.rs:2"]);
    }

    #[test]
    fn what_is_unfinished_is_found() {
        let text = concat!("// TO", "DO: later\nlet x = \"MATO", "DOR\";\n");
        assert_eq!(check(nothing_unfinished, &[("x/src/a.rs", text)]), ["x/src/a.rs:1"]);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let text = concat!("cd /ho", "me/me\ncp x/ho", "me/y ~/ho", "me/z\n");
        assert_eq!(check(no_paths_of_a_machine, &[("README.md", text)]), ["README.md:1"]);
    }
}
