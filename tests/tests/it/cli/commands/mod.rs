//! Snapshots of what every command prints in a pipe and on a terminal of 80 columns.
//!
//! Each has the exit code, standard output and standard error.

mod cases;
mod execute;
mod redact;

use std::collections::BTreeSet;
use std::fs;

use mlbench_client::{RunId, Timestamp};
use mlbench_tests::{ServerOptions, tools};
use serde_json::json;

use self::cases::{CASES, Case, HIDDEN};
use self::execute::Machine;
use self::redact::Redactor;

/// Widest line on the terminal.
const COLUMNS: usize = 80;

/// Returns the name of the snapshot and of the manual page of a command, such as `mlbench-runs-list`.
fn page(command: &str) -> String {
    format!("mlbench {command}").trim_end().replace(' ', "-")
}

/// Creates what the commands find: two runs with output, parameters and points, one that failed, and files.
async fn prepare(machine: &Machine<'_>) {
    for line in [
        "mlbench runs record --name first --param lr=0.1 --tag team=vision -- echo hello",
        "mlbench runs record --name second --param lr=0.2 -- echo 'hello again'",
        "mlbench runs record --name broken -- sh -c 'exit 3'",
    ] {
        machine.set_up(line).await;
    }
    for (run, seconds) in [(1, 40), (2, 20)] {
        let created = machine.server.client().runs().get(RunId::new(run).unwrap()).await.unwrap().created_at;
        let date =
            |step: i64| Timestamp::from_micros(created.as_micros() + step * seconds * 500_000).to_string();
        let points = json!([
            {"run_id": run, "name": "train_loss @ 0", "value": [0.5, 0.25], "date": [date(0), date(1)]},
            {"run_id": run, "name": "val_global_Prec@1 @ 0", "value": [80.5, 95.5], "date": [date(1), date(2)]},
        ]);
        let stored = machine.server.post("/api/metrics/batch/", points.to_string()).await;
        assert_eq!(stored.status, 200, "{}", stored.text());
    }
    fs::write(machine.dir().join("losses.csv"), "step,loss\n1,0.5\n2,0.25\n").unwrap();
    fs::write(machine.dir().join("bad.csv"), "step,loss\n1,low\n").unwrap();
    fs::write(machine.dir().join("token"), "a-token\n").unwrap();
}

async fn snapshot(machine: &Machine<'_>, redactor: &Redactor, case: &Case) -> String {
    let mut text = String::new();
    for line in case.lines {
        let piped = machine.piped(case, line).await;
        let (code, screen) = machine.on_terminal(case, line).await;
        let [stdout, stderr, screen] =
            [piped.stdout, piped.stderr, screen].map(|text| redactor.redact(&text));
        assert!(!stdout.contains('\u{1b}') && !stderr.contains('\u{1b}'), "{line}: colours in a pipe");
        let mut lines = screen.lines().filter(|line| !line.starts_with('{'));
        let long = lines.find(|line| line.chars().count() > COLUMNS && !case.is_long);
        assert_eq!(long, None, "{line}: a line does not fit the terminal");
        text += &format!("$ {line}\nexit code {}\n", piped.code);
        for (name, part) in [("standard output", stdout), ("standard error", stderr), ("terminal", screen)] {
            if !part.is_empty() {
                text += &format!("--- {name}\n{}\n", part.trim_end_matches('\n'));
            }
        }
        if code != piped.code {
            text += &format!("--- on the terminal, the exit code is {code}\n");
        }
        text.push('\n');
    }
    text
}

#[tokio::test]
async fn every_command_prints_what_its_snapshot_has() {
    let Some(setsid) = tools::setsid() else { return };
    let server = ServerOptions::default().start().await;
    let machine = Machine::new(&server, setsid);
    prepare(&machine).await;
    let redactor = Redactor::new(&server, machine.dir());
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for cases in CASES.chunk_by(|one, other| one.command == other.command) {
        let mut text = String::new();
        for case in cases {
            text += &snapshot(&machine, &redactor, case).await;
        }
        settings.bind(|| insta::assert_snapshot!(page(cases[0].command), text));
    }
}

#[tokio::test]
async fn every_command_has_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    mlbench_tests::Cli::new("").ok(&["man", dir.path().to_str().unwrap()]).await;
    let pages = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let names = pages.map(|page| page.file_stem().unwrap().to_str().unwrap().to_owned());
    let commands: BTreeSet<String> = names.chain(HIDDEN.map(page)).collect();
    let cases: BTreeSet<String> = CASES.iter().map(|case| page(case.command)).collect();
    assert_eq!(cases, commands);
}
