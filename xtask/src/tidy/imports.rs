//! Each library that shapes the house has one place that may import it.

use super::source::has_word;
use super::{Finding, Tree};

/// A library, the places that may import it, and what to do instead.
struct Import {
    library: &'static str,
    allowed: &'static [&'static str],
    advice: &'static str,
}

const SERVER_HTTP: &str = "mlbench-server/src/http/";

/// The end-to-end tests may speak raw HTTP and to the cluster themselves.
const TESTS: &str = "tests/";

/// The benchmarks compare the server with SQLite itself: one file does the same work without the server.
const LIMITS: &str = "tests/benches/speed/bare.rs";

const IMPORTS: &[Import] = &[
    Import {
        library: "warp",
        allowed: &[SERVER_HTTP],
        advice: "put what speaks HTTP into the server's http/",
    },
    Import {
        library: "hyper",
        allowed: &[SERVER_HTTP, TESTS],
        advice: "put what speaks HTTP into the server's http/",
    },
    Import {
        library: "hyper_util",
        allowed: &[SERVER_HTTP, TESTS],
        advice: "put what speaks HTTP into the server's http/",
    },
    Import {
        library: "rusqlite",
        allowed: &["mlbench-server/src/sqlite/", LIMITS],
        advice: "add a use case to trait Storage and its SQL to the server's sqlite/",
    },
    Import {
        library: "kube",
        allowed: &["mlbench-server/src/cluster/kubernetes/", TESTS],
        advice: "put it behind trait Cluster, in the server's cluster/kubernetes/",
    },
    Import {
        library: "k8s_openapi",
        allowed: &["mlbench-server/src/cluster/kubernetes/", TESTS],
        advice: "put it behind trait Cluster, in the server's cluster/kubernetes/",
    },
    Import {
        library: "comfy_table",
        allowed: &["mlbench-cli/src/output.rs"],
        advice: "hand rows to the command line's output.rs",
    },
    Import {
        library: "reqwest",
        allowed: &["mlbench-client/src/transport.rs", TESTS],
        advice: "go through the client's transport.rs",
    },
];

/// Invariant 2.
pub(super) fn one_importer_per_library(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        let forbidden: Vec<&Import> = IMPORTS
            .iter()
            .filter(|import| !import.allowed.iter().any(|place| source.path.starts_with(place)))
            .collect();
        for line in source.lines() {
            for import in forbidden.iter().filter(|import| imports(&line.code, import.library)) {
                let rule = format!("{} is imported outside {}", import.library, import.allowed[0]);
                findings.push(Finding::new(&source.path, line.number, rule, import.advice));
            }
        }
    }
    findings
}

fn imports(code: &str, library: &str) -> bool {
    let path = format!("{library}::");
    let from_root = code
        .match_indices(&path)
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
    from_root || has_word(code, &format!("use {library}")) || has_word(code, &format!("crate {library}"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn a_library_is_imported_in_its_place_only() {
        let found = check(
            one_importer_per_library,
            &[
                ("mlbench-server/src/http/pods.rs", "use warp::Filter;\n"),
                ("mlbench-server/src/app/pods.rs", "// warp::no\nuse warp::Filter;\n"),
                ("mlbench-server/src/app/runs.rs", "fn f(c: &rusqlite::Connection) {}\n"),
                ("mlbench-client/src/error.rs", "use reqwest as http;\n"),
                ("mlbench-cli/src/output.rs", "use comfy_table::Table;\n"),
                ("mlbench-server/src/cluster/mod.rs", "use crate::cluster::kube::X;\n"),
            ],
        );
        assert_eq!(
            found,
            [
                "mlbench-client/src/error.rs:1",
                "mlbench-server/src/app/pods.rs:2",
                "mlbench-server/src/app/runs.rs:1"
            ]
        );
    }
}
