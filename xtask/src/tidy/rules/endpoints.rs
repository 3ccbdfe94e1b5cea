//! Paths of the API are written in one table.

use crate::tidy::finding::Finding;
use crate::tidy::tree::{Line, Tree};

/// The table, and the client of another API.
const FREE: [&str; 2] = ["mlbench-core/src/api/endpoint.rs", "mlbench-server/src/cluster/kubernetes/"];

/// Starts of string literals that are paths of the API.
const PATHS: [&str; 4] = ["\"/api/", "\"/healthz", "\"/readyz", "\"/metrics"];

/// Outside tests, only `endpoint.rs` contains a path of the API.
pub(super) fn paths_in_one_table(tree: &Tree) -> Vec<Finding> {
    let advice = "take it from Endpoint::spec() in mlbench-core/src/api/endpoint.rs";
    let mut findings = Vec::new();
    let sources = tree.sources().filter(|source| !FREE.iter().any(|free| source.path.starts_with(free)));
    for source in sources.filter(|source| source.path.starts_with("mlbench-")) {
        for line in source.product().filter(|line| has_path(line)) {
            findings.push(Finding::new(
                &source.path,
                line.number,
                "a path of the API is written here",
                advice,
            ));
        }
    }
    findings
}

fn has_path(line: &Line) -> bool {
    let literals = &line.literals;
    let of_macro = line.code.contains("path!(") && literals.contains("\"api\"");
    of_macro || literals.contains("}/api/") || PATHS.iter().any(|path| literals.contains(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check;

    #[test]
    fn a_path_outside_the_table_is_found() {
        let path =
            "/// GET \"/api/runs/\"\nlet a = \"/api/runs/\";\nlet b = \"x/metrics\";\nf(\"/readyz\");\n";
        let files = [
            ("mlbench-core/src/api/endpoint.rs", path),
            ("mlbench-server/src/cluster/kubernetes/kubelet.rs", path),
            ("mlbench-server/src/http/router.rs", "warp::path!(\"api\" / \"runs\")\nformat!(\"{url}/api/\")"),
            ("mlbench-client/src/runs.rs", path),
            ("mlbench-client/src/tests/runs.rs", path),
            ("tests/tests/it/runs.rs", path),
        ];
        let expected = [
            "mlbench-client/src/runs.rs:2",
            "mlbench-client/src/runs.rs:4",
            "mlbench-server/src/http/router.rs:1",
            "mlbench-server/src/http/router.rs:2",
        ];
        assert_eq!(check(paths_in_one_table, &files), expected);
    }
}
