//! Handlers are short.

use crate::tidy::finding::Finding;
use crate::tidy::tree::{Tree, block_length, has_word};

const MAX_LINES: usize = 12;

/// Invariant 6: a handler over 12 lines is a use case and belongs in `app/`.
///
/// Every function in `http/handlers/` counts.
pub(super) fn short(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources_in("mlbench-server/src/http/handlers/") {
        let lines: Vec<_> = source.product().collect();
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| has_word(&line.code, "fn")) {
            let item = lines[index..].iter().map(|line| line.code.as_str()).collect::<Vec<_>>().join("\n");
            let Some(open) = item.find(['{', ';']).filter(|&at| item[at..].starts_with('{')) else {
                continue;
            };
            let body = item[open..open + block_length(&item[open..])].matches('\n').count().saturating_sub(1);
            if body > MAX_LINES {
                let what = format!("the function has {body} lines, more than {MAX_LINES}");
                findings.push(Finding::new(
                    &source.path,
                    line.number,
                    what,
                    "move the use case into app/, or helpers into http/request/ or http/response/",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check;

    #[test]
    fn a_long_handler_is_found() {
        let handler = |lines: usize| {
            let body = "    x();\n".repeat(lines);
            format!(
                "const A: B = of(\n    get);\nasync fn get(id: Path<RunId>) -> Result<Response> {{\n{body}}}\nfn f() {{}}\n"
            )
        };
        let (short_text, long_text) = (handler(12), handler(13));
        let files = [
            ("mlbench-server/src/http/handlers/a.rs", short_text.as_str()),
            ("mlbench-server/src/http/handlers/b.rs", long_text.as_str()),
            ("mlbench-server/src/http/router.rs", long_text.as_str()),
        ];
        assert_eq!(check(short, &files), ["mlbench-server/src/http/handlers/b.rs:3"]);
    }
}
