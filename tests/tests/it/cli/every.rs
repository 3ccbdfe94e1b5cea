//! Every command in a pipe and on a terminal of 80 columns: exit code, output and messages.

use std::path::Path;

use insta::assert_snapshot;
use mlbench_tests::{Cli, TIMEOUT, TestServer, tools};
use tokio::time::timeout;

use super::terminal::on_terminal;

/// The command lines, in the order in which they run. `DIR` is a directory.
const LINES: [&str; 36] = [
    "pods",
    "runs list",
    "runs record --name first --tag team=vision -- echo hello",
    "runs start --name second --workers 1 --command true --wait",
    "runs start --name bad --workers 1 --command false --wait",
    "runs start --name third --workers 1 --command 'echo hello' --follow",
    "runs start --name dry --workers 2 --dry-run",
    "runs list --columns id,name,state,workers,tags",
    "runs show first",
    "runs show frist",
    "runs set first --param lr=0.1",
    "runs wait first",
    "runs wait bad",
    "runs stop first",
    "runs logs first",
    "runs logs first --rank 7",
    "runs compare first",
    "runs report first --output DIR/report",
    "runs download first --output-file DIR/first.zip",
    "metrics post --run first --name loss --value 0.5",
    "metrics --run first",
    "metrics --run first --watch",
    "metrics --metric none",
    "log --run first",
    "import DIR/losses.csv --dry-run",
    "top",
    "context add lab --url http://me:secret@127.0.0.1:1",
    "context list",
    "context show lab",
    "context use lab",
    "context remove lab",
    "login",
    "logout",
    "benchmark logistic-regression --goal 101",
    "man DIR/man",
    "runs delete first",
];

/// Commands that other tests run in both ways, and those whose output is a table of measurements.
const ELSEWHERE: [&str; 10] = [
    "benchmark-all-reduce",
    "completions",
    "runs-sweep",
    "run",
    "status",
    "charts",
    "download",
    "delete",
    "get-dashboard-url",
    "help",
];

#[tokio::test]
async fn every_command_speaks_in_a_pipe_and_on_a_terminal() {
    let Some(script) = tools::script() else { return };
    let server = TestServer::start().await;
    let dir = server.dir().display().to_string();
    std::fs::create_dir(server.dir().join("man")).unwrap();
    std::fs::write(server.dir().join("losses.csv"), "step,loss\n1,0.5\n2,0.25\n").unwrap();
    let cli = server.cli().env("XDG_CONFIG_HOME", &dir);
    let url = server.url();
    let stable = |text: &str| stable(&text.replace(&url, "URL").replace(&dir, "DIR"));
    let mut all = String::new();
    for line in LINES {
        let line_here = line.replace("DIR", &dir);
        let words: Vec<&str> = line_here.split_whitespace().map(|word| word.trim_matches('\'')).collect();
        let words = joined(&words);
        let piped = cli.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let (code, shown) = on_screen(&script, &server, &dir, &line_here).await;
        all += &format!("$ mlbench {line}\n");
        all += &format!("code {}, on the terminal {code}\n", piped.code);
        for (name, text) in [("stdout", &piped.stdout), ("stderr", &piped.stderr), ("terminal", &shown)] {
            let text = stable(text);
            if !text.is_empty() {
                all += &format!("-- {name}\n{text}\n");
            }
        }
        all.push('\n');
    }
    assert_snapshot!(all);
}

#[tokio::test]
async fn no_command_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    Cli::new("http://127.0.0.1:1").ok(&["man", dir.path().to_str().unwrap()]).await;
    let pages = std::fs::read_dir(dir.path()).unwrap().map(|page| page.unwrap().file_name());
    let pages: Vec<String> = pages.map(|page| page.into_string().unwrap()).collect();
    let commands: Vec<&str> = pages
        .iter()
        .filter_map(|page| page.strip_prefix("mlbench-").and_then(|page| page.strip_suffix(".1")))
        .collect();
    assert!(commands.contains(&"runs-start"), "{commands:?}");
    let is_group = |command: &str| commands.iter().any(|other| other.starts_with(&format!("{command}-")));
    for command in commands.iter().filter(|command| !is_group(command) && !ELSEWHERE.contains(command)) {
        let is_run = |line: &&str| format!("{}-", line.replace(' ', "-")).starts_with(&format!("{command}-"));
        assert!(LINES.iter().any(|line| is_run(&line)), "mlbench {command} is in no line");
    }
}

/// Joins the two words of the only command with a space.
fn joined(words: &[&str]) -> Vec<String> {
    words
        .join("\n")
        .replace("echo\nhello\n--follow", "echo hello\n--follow")
        .split('\n')
        .map(str::to_owned)
        .collect()
}

/// Returns the exit code of a command, and what a terminal of 80 columns shows in the end.
async fn on_screen(script: &Path, server: &TestServer, config: &str, arguments: &str) -> (i32, String) {
    let setup = format!("stty cols 80 rows 50 && PAGER= XDG_CONFIG_HOME='{config}'");
    let output = on_terminal(script, server, &setup, arguments).output();
    let output = timeout(TIMEOUT, output).await.unwrap().unwrap();
    let size = |number: u16| std::num::NonZeroU16::new(number).unwrap();
    let mut screen = vt100::Parser::new(size(50), size(80), 0);
    screen.process(&output.stdout);
    (output.status.code().unwrap_or(-1), screen.screen().contents())
}

/// Replaces what differs from time to time: dates, times, ids and sizes, and the room that they take.
fn stable(text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| {
        let rule = line.trim_start_matches('─').len();
        if !line.is_empty() && rule == 0 {
            return "───".to_owned();
        }
        let fields = line.split("  ").map(str::trim).filter(|field| !field.is_empty());
        let begin = if line.starts_with("  ") { "  " } else { "" };
        let fields = fields.map(|field| field.split(' ').map(stable_word).collect::<Vec<_>>().join(" "));
        format!("{begin}{}", fields.collect::<Vec<_>>().join("  "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn stable_word(word: &str) -> String {
    if word.contains('\t') || word.contains(',') {
        let separator = if word.contains('\t') { "\t" } else { "," };
        return word.split(separator).map(stable_word).collect::<Vec<_>>().join(separator);
    }
    let end = word.trim_end_matches([')', ':', ';', '"']);
    let begin = end.trim_start_matches(['(', '"']);
    let around = |kind: &str| word.replacen(begin, kind, 1);
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let has_form = |separator: char, parts: usize| {
        begin.split(separator).filter(|part| is_number(part)).count() == parts
    };
    match begin {
        "" => word.to_owned(),
        "now" => around("TIME ago"),
        _ if begin.len() == 36 && begin.matches('-').count() == 4 => around("UUID"),
        _ if begin.len() >= 20 && begin.starts_with("20") && begin.ends_with('Z') => around("DATE"),
        _ if begin.len() == 10 && has_form('-', 3) => around("DATE"),
        _ if has_form(':', 3) => around("TIME"),
        _ if ["ms", "s"].iter().any(|unit| begin.strip_suffix(unit).is_some_and(is_number)) => around("TIME"),
        _ if begin.len() >= 3 && is_number(begin) && !begin.contains("127") => around("NUMBER"),
        _ => word.to_owned(),
    }
}
