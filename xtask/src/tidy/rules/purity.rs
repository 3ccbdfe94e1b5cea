//! Where code may read the environment, the clock and the disk, start tasks and sleep.

use crate::tidy::finding::Finding;
use crate::tidy::tree::{Tree, has_word};

/// Whether a file may read the environment.
///
/// Three places may: the server's settings, the arguments of the command line, and the client's `from_env`.
/// A build script reads what cargo sets for it.
fn reads_environment(tree: &Tree, path: &str) -> bool {
    let settings = path.starts_with("mlbench-server/src/settings/");
    let arguments = path.starts_with("mlbench-cli/src/args/") || path == "mlbench-cli/src/benchmarks/args.rs";
    let from_env = path.starts_with("mlbench-client/") && tree.text(path).contains("fn from_env");
    settings || arguments || from_env || path.ends_with("/build.rs")
}

const MEMBERS: [&str; 4] = ["mlbench-core/", "mlbench-server/", "mlbench-client/", "mlbench-cli/"];

/// Invariant 2: a setting is read in one place, where `--help` explains it.
pub(super) fn environment(tree: &Tree) -> Vec<Finding> {
    let advice = "make it a setting in settings/ or args/ and pass its value";
    let mut findings = Vec::new();
    for source in MEMBERS.iter().flat_map(|member| tree.sources_in(member)) {
        if reads_environment(tree, &source.path) {
            continue;
        }
        for line in source.product() {
            let reads = ["env::var", "env::var_os", "env::vars", "env::vars_os", "var_os("];
            if reads.iter().any(|read| has_word(&line.code, read)) || has_word(&line.code, "env = \"") {
                findings.push(Finding::new(&source.path, line.number, "this reads the environment", advice));
            }
        }
    }
    findings
}

/// Invariant 1: the core has no input, no output, no clock and no randomness.
pub(super) fn core_is_pure(tree: &Tree) -> Vec<Finding> {
    let impure = [
        "std::fs",
        "std::net",
        "std::process",
        "std::env",
        "std::thread",
        "std::io",
        "SystemTime",
        "Instant",
        "tokio",
        "Timestamp::now",
        "Zoned::now",
        "new_v4",
        "println!",
        "eprintln!",
        "print!",
        "eprint!",
    ];
    let mut findings = Vec::new();
    for source in tree.sources_in("mlbench-core/src/") {
        for line in source.product() {
            for word in impure.iter().filter(|word| has_word(&line.code, word)) {
                let what = format!("mlbench-core uses {word}");
                findings.push(Finding::new(&source.path, line.number, what, "take the value as an argument"));
            }
        }
    }
    findings
}

/// Invariant 1 for dependencies: the core depends on nothing that does input or output.
pub(super) fn core_dependencies(tree: &Tree) -> Vec<Finding> {
    let allowed = [
        "async-trait",
        "crc32fast",
        "flate2",
        "jiff",
        "pco",
        "percent-encoding",
        "serde",
        "serde_json",
        "thiserror",
        "uuid",
        "zmij",
    ];
    let path = "mlbench-core/Cargo.toml";
    let mut section = "";
    let mut findings = Vec::new();
    for (index, line) in tree.text(path).lines().enumerate() {
        if line.starts_with('[') {
            section = line;
        } else if section == "[dependencies]" {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if !name.is_empty() && !name.starts_with('#') && !allowed.contains(&name) {
                let what = format!("mlbench-core depends on {name}");
                let advice =
                    "keep the core free of input, output and clocks, or extend the list in xtask's purity.rs";
                findings.push(Finding::new(path, index + 1, what, advice));
            }
        }
    }
    findings
}

/// The files that may spawn.
const SPAWNER: &str = "mlbench-server/src/task_group.rs";

/// Invariant 8: only `task_group.rs` spawns, so that everything stops in order.
pub(super) fn spawn_in_task_groups_only(tree: &Tree) -> Vec<Finding> {
    let spawns = ["tokio::spawn(", "task::spawn(", "spawn_local(", "thread::spawn("];
    let mut findings = Vec::new();
    for source in tree.sources_in("mlbench-server/src/") {
        // The database writer blocks all the time, so it has a thread.
        let thread_allowed = source.path.starts_with("mlbench-server/src/sqlite/");
        if source.path == SPAWNER {
            continue;
        }
        for line in source.product() {
            let spawn = spawns.iter().find(|spawn| has_word(&line.code, spawn));
            if spawn.is_some_and(|spawn| !(thread_allowed && *spawn == "thread::spawn(")) {
                let what = "this spawns outside a task group";
                let advice = "spawn it in a TaskGroup, which stops it in order";
                findings.push(Finding::new(&source.path, line.number, what, advice));
            }
        }
    }
    findings
}

/// No test sleeps: it would be slow on a fast machine and fail on a slow one.
///
/// Where tokio's clock is paused, a sleep only advances it.
pub(super) fn no_sleep_in_tests(tree: &Tree) -> Vec<Finding> {
    let sleeps = ["thread::sleep", "time::sleep", "time::sleep_until", "sleep(Duration"];
    let mut findings = Vec::new();
    for source in tree.sources() {
        let mut paused = false;
        for line in source.tests() {
            if line.code.contains("::test") {
                paused = line.code.contains("start_paused = true");
            }
            if !paused && sleeps.iter().any(|sleep| has_word(&line.code, sleep)) {
                let advice = "await the event, or poll the condition with `eventually`";
                findings.push(Finding::new(&source.path, line.number, "a test sleeps", advice));
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
    fn reading_the_environment_elsewhere_is_found() {
        let read = "fn f() { std::env::var(\"X\"); }\n";
        let found = check(
            environment,
            &[
                ("mlbench-server/src/settings/flags.rs", read),
                ("mlbench-cli/src/args/cli.rs", "#[arg(env = \"X\")]\n"),
                ("mlbench-client/src/client.rs", "fn from_env() { std::env::var(\"X\"); }\n"),
                ("mlbench-client/src/metrics.rs", read),
                ("mlbench-cli/src/commands/pods.rs", "#[arg(env = \"X\")]\n"),
                ("mlbench-server/src/main.rs", "let home = env::var_os(\"HOME\");\n"),
                ("xtask/src/main.rs", read),
            ],
        );
        let expected = [
            "mlbench-server/src/main.rs:1",
            "mlbench-client/src/metrics.rs:1",
            "mlbench-cli/src/commands/pods.rs:1",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn impure_code_in_the_core_is_found_outside_tests() {
        let pure = "/// Like SystemTime.\nfn f() {}\n#[cfg(test)]\nmod tests {\n use std::fs;\n}\n";
        assert!(check(core_is_pure, &[("mlbench-core/src/a.rs", pure)]).is_empty());
        let impure = "use std::fs;\nlet now = Timestamp::now();\n";
        let found = check(core_is_pure, &[("mlbench-core/src/b.rs", impure)]);
        assert_eq!(found, ["mlbench-core/src/b.rs:1", "mlbench-core/src/b.rs:2"]);
    }

    #[test]
    fn an_impure_dependency_of_the_core_is_found() {
        let toml =
            "[dependencies]\nserde.workspace = true\ntokio = \"1\"\n[dev-dependencies]\ntempfile = \"3\"\n";
        assert_eq!(
            check(core_dependencies, &[("mlbench-core/Cargo.toml", toml)]),
            ["mlbench-core/Cargo.toml:3"]
        );
    }

    #[test]
    fn a_spawn_outside_a_task_group_is_found() {
        let spawn = "tokio::spawn(async {});\ntokio::task::spawn_blocking(f);\n";
        let files = [("mlbench-server/src/task_group.rs", spawn), ("mlbench-server/src/app/runs.rs", spawn)];
        assert_eq!(check(spawn_in_task_groups_only, &files), ["mlbench-server/src/app/runs.rs:1"]);
    }

    #[test]
    fn a_sleeping_test_is_found() {
        let sleep = "tokio::time::sleep(x).await;\n";
        let paused =
            "#[tokio::test(start_paused = true)]\ntime::sleep(x);\n#[tokio::test]\ntime::sleep(x);\n";
        let files = [
            ("tests/tests/it/a.rs", sleep),
            ("tests/tests/it/b.rs", paused),
            ("mlbench-client/src/metrics.rs", sleep),
        ];
        assert_eq!(check(no_sleep_in_tests, &files), ["tests/tests/it/a.rs:1", "tests/tests/it/b.rs:4"]);
    }
}
