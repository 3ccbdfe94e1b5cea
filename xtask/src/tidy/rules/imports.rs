//! Each library that shapes the design has one place that may import it.

use crate::tidy::finding::Finding;
use crate::tidy::tree::{Tree, has_word};

/// A library, the places that may import it, and advice for all others.
struct Import {
    library: &'static str,
    allowed: &'static [&'static str],
    advice: &'static str,
}

const SERVER_HTTP: &str = "mlbench-server/src/http/";

/// The end-to-end tests may use raw HTTP and the Kubernetes API directly.
const TESTS: &str = "tests/";

/// The benchmark that does the same work in SQLite without the server.
const LIMITS: &str = "tests/benches/speed/bare.rs";

/// The test in which another program locks the database.
const LOCKER: &str = "tests/tests/it/process/locked.rs";

const IMPORTS: &[Import] = &[
    Import { library: "warp", allowed: &[SERVER_HTTP], advice: "move HTTP code into the server's http/" },
    Import {
        library: "hyper",
        allowed: &[SERVER_HTTP, TESTS],
        advice: "move HTTP code into the server's http/",
    },
    Import {
        library: "hyper_util",
        allowed: &[SERVER_HTTP, TESTS],
        advice: "move HTTP code into the server's http/",
    },
    Import {
        library: "rusqlite",
        allowed: &["mlbench-server/src/sqlite/", LIMITS, LOCKER],
        advice: "add a use case to trait Storage and its SQL to the server's sqlite/",
    },
    Import {
        library: "kube",
        allowed: &["mlbench-server/src/cluster/kubernetes/", TESTS],
        advice: "move it behind trait Cluster, into the server's cluster/kubernetes/",
    },
    Import {
        library: "k8s_openapi",
        allowed: &["mlbench-server/src/cluster/kubernetes/", TESTS],
        advice: "move it behind trait Cluster, into the server's cluster/kubernetes/",
    },
    Import {
        library: "unicode_width",
        allowed: &["mlbench-cli/src/output/"],
        advice: "pass rows to the command line's output/",
    },
    Import {
        library: "plotters",
        allowed: &["mlbench-cli/src/commands/runs/report/charts/"],
        advice: "draw in the charts of the report",
    },
    Import {
        library: "ratatui",
        allowed: &["mlbench-cli/src/commands/top/"],
        advice: "add a view to the command line's dashboard",
    },
    Import {
        library: "reqwest",
        allowed: &["mlbench-client/src/transport.rs", TESTS],
        advice: "use the client's transport.rs",
    },
];

/// Invariant 2: one importer per library.
pub(super) fn one_importer_per_library(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        let forbidden: Vec<&Import> = IMPORTS
            .iter()
            .filter(|import| !import.allowed.iter().any(|place| source.path.starts_with(place)))
            .collect();
        for line in source.lines() {
            for import in forbidden.iter().filter(|import| imports(&line.code, import.library)) {
                let what = format!("{} is imported outside {}", import.library, import.allowed[0]);
                findings.push(Finding::new(&source.path, line.number, what, import.advice));
            }
        }
    }
    findings
}

/// Whether a line names a library in a path or an import.
pub(super) fn imports(code: &str, library: &str) -> bool {
    if !code.contains(library) {
        return false;
    }
    let path = format!("{library}::");
    let from_root = code
        .match_indices(&path)
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
    from_root || has_word(code, &format!("use {library}")) || has_word(code, &format!("crate {library}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check;

    #[test]
    fn an_import_outside_its_place_is_found() {
        let found = check(
            one_importer_per_library,
            &[
                ("mlbench-server/src/http/pods.rs", "use warp::Filter;\n"),
                ("mlbench-server/src/app/pods.rs", "// warp::no\nuse warp::Filter;\n"),
                ("mlbench-server/src/app/runs.rs", "fn f(c: &rusqlite::Connection) {}\n"),
                ("mlbench-client/src/error.rs", "use reqwest as http;\n"),
                ("mlbench-cli/src/output/printer.rs", "use unicode_width::UnicodeWidthStr;\n"),
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
