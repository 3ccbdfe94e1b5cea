//! Words that this code base does not use, each with advice.

use std::collections::BTreeMap;

use crate::tidy::finding::Finding;
use crate::tidy::tree::{Line, Tree};

/// Words and phrases in lower case, sorted, and the advice for each. To add one, add a line.
///
/// They match whole words, also across the end of a line.
const WORDS: &[(&str, &str)] = &[
    ("all there is", "name what exists"),
    ("answer", "write response, result or reply"),
    ("answered", "write returned, responded or completed"),
    ("answering", "write responding"),
    ("answers", "write responses, or returns and responds"),
    ("be had", "say who can do or get what"),
    ("bears", "write has or carries"),
    ("became of", "name the result"),
    ("becomes of", "name the result"),
    ("came of", "name the result"),
    ("comes of", "name the result"),
    ("did not end well", "write failed or was stopped"),
    ("figures", "write measurements, results or statistics"),
    ("for ever", "write forever, or state the limit"),
    ("is not possible here", "write is not allowed"),
    ("is not read here", "write unsupported"),
    ("is not there", "write does not exist or is missing"),
    ("lending", "write pool, borrow or attach"),
    ("lent", "write pooled, borrowed or attached"),
    ("mend", "write fix or correct"),
    ("mended", "write fixed or corrected"),
    ("nobody", "say who does not, or use the passive (the Unix user is `nobody`, in code quotes)"),
    ("of its own kind", "write separate or custom"),
    ("patience", "write timeout"),
    ("patient", "say how long it retries"),
    ("patiently", "say how long it retries"),
    ("portion", "write chunk"),
    ("portions", "write chunks"),
    ("run_being_removed", "write run_deleting"),
    ("said of", "say who reports what"),
    ("says of", "say who reports what"),
    ("stand beside", "name the place, or write with or next to"),
    ("stand in", "write are in or replace"),
    ("stand there", "write are or exist"),
    ("standing", "write static for workers, else active or existing"),
    ("stands", "write is, is written or represents"),
    ("tells", "write returns, reports, prints or says"),
    ("that what", "name the subject"),
    ("the house", "write the code base"),
    ("there is nothing", "say what is missing"),
    ("thinned", "write downsampled"),
    ("thinning", "write downsampling"),
    ("told", "write returned, reported, printed, passed or distinguished"),
    ("what is asked", "name the request"),
    ("what is there", "name what exists"),
    ("what is wanted", "name the goal"),
    ("what waits", "name the subject"),
    ("who asks", "write the caller, the client or the user"),
    ("who waits", "write the caller or the waiting task"),
    ("whoever", "write the caller, the client or the user"),
];

/// Files by others, and this table.
const EXEMPT: [&str; 5] =
    ["LICENSE", "STYLE.md", "mlbench-cli/data/", "Cargo.lock", "xtask/src/tidy/rules/prose.rs"];

/// [`WORDS`] by their first word.
type Table = BTreeMap<&'static str, Vec<(&'static str, &'static str)>>;

/// Comments, strings, documents and the sources of the page do not use the words of [`WORDS`].
pub(super) fn words(tree: &Tree) -> Vec<Finding> {
    let table = table();
    let mut findings = Vec::new();
    let exempt = |path: &str| EXEMPT.iter().any(|exempt| path.starts_with(exempt));
    for source in tree.sources().filter(|source| !exempt(&source.path)) {
        let layers: [fn(&Line) -> &str; 2] = [|line| &line.comment, |line| &line.literals];
        for layer in layers {
            let lines = source.lines().iter().map(|line| (line.number, layer(line)));
            findings.extend(check(&table, &source.path, lines));
        }
    }
    for (path, text) in tree.texts().filter(|(path, _)| is_document(path) && !exempt(path)) {
        findings.extend(check(&table, path, text.lines().enumerate().map(|(index, line)| (index + 1, line))));
    }
    findings
}

fn is_document(path: &str) -> bool {
    let ends = [
        ".md",
        ".toml",
        ".sh",
        ".py",
        ".yml",
        ".yaml",
        ".sql",
        "Dockerfile",
        ".dockerignore",
        ".ts",
        ".tsx",
        ".mjs",
        ".css",
    ];
    path.starts_with(".ci/") || ends.iter().any(|end| path.ends_with(end))
}

fn table() -> Table {
    let mut table = Table::new();
    for &(phrase, advice) in WORDS {
        let first = phrase.split(' ').next().unwrap_or(phrase);
        table.entry(first).or_default().push((phrase, advice));
    }
    table
}

/// Checks lines as running text. An empty line ends a paragraph.
fn check<'a>(table: &Table, path: &str, lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut paragraph = Paragraph::default();
    for (number, line) in lines {
        let words = plain_words(line);
        if words.is_empty() {
            findings.extend(paragraph.check(table, path));
            paragraph = Paragraph::default();
        } else {
            paragraph.push(number, &words);
        }
    }
    findings.extend(paragraph.check(table, path));
    findings
}

/// A line in lower case without comment signs, line continuations and code quotes.
fn plain_words(line: &str) -> String {
    let text = line.trim().trim_start_matches(['/', '!', '#', '*', '>', '-']).trim_end_matches('\\');
    let is_fence = text.starts_with("```");
    let parts = text.split('`').step_by(if is_fence { 1 } else { 2 });
    let text = parts.collect::<Vec<_>>().join("`").to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Consecutive lines as one text.
#[derive(Default)]
struct Paragraph {
    text: String,
    /// The offset in `text` at which each line begins, and its number.
    lines: Vec<(usize, usize)>,
}

impl Paragraph {
    fn push(&mut self, number: usize, words: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.lines.push((self.text.len(), number));
        self.text.push_str(words);
    }

    fn check(&self, table: &Table, path: &str) -> Vec<Finding> {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let line_at = |at: usize| self.lines.iter().rfind(|(begin, _)| *begin <= at).map_or(0, |line| line.1);
        let mut findings = Vec::new();
        let mut at = 0;
        for word in self.text.split_inclusive(|c| !is_part(c)) {
            let candidates = table.get(word.trim_end_matches(|c| !is_part(c)));
            for (phrase, advice) in candidates.into_iter().flatten() {
                let after = self.text[at..].strip_prefix(phrase);
                if after.is_some_and(|after| !after.starts_with(is_part)) {
                    let what = format!("{phrase:?} is not used here");
                    findings.push(Finding::new(path, line_at(at), what, advice));
                }
            }
            at += word.len();
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::{check, message};

    #[test]
    fn a_word_is_found_in_comments_strings_and_documents() {
        let code =
            "/// No threads can be\n/// had.\nfn told() {}\nlet x = \"nobody is \\\n    told\"; // `told`\n";
        let files =
            [("x/src/a.rs", code), ("README.md", "Whoever\n\n`nobody` be\n\nhad, outstanding, retold\n")];
        assert_eq!(check(words, &files), ["x/src/a.rs:1", "x/src/a.rs:4", "x/src/a.rs:5", "README.md:1"]);
    }

    #[test]
    fn a_word_is_found_in_the_sources_of_the_page() {
        let code = "/** Whether nobody uses it. */\ntest(\"a date bears an offset\", () => {});\n";
        for name in ["a.ts", "a.tsx", "a.mjs", "a.css"] {
            let path = format!("x/dashboard/src/{name}");
            let at = [format!("{path}:1"), format!("{path}:2")];
            assert_eq!(check(words, &[(&path, code)]), at);
        }
    }

    #[test]
    fn the_advice_belongs_to_the_word() {
        let files = [("docs/a.md", "What waits")];
        assert_eq!(message(words, &files), "\"what waits\" is not used here; name the subject");
    }

    #[test]
    fn files_by_others_are_free() {
        assert!(
            check(words, &[("LICENSE", "nobody"), ("mlbench-cli/data/README.md", "told apart")]).is_empty()
        );
    }

    #[test]
    fn the_table_is_sorted_and_in_lower_case() {
        assert!(WORDS.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(WORDS.iter().all(|(word, _)| word.to_lowercase() == *word));
    }
}
