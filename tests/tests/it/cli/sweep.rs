//! `mlbench runs sweep`.

use std::fs::{self, File};
use std::process::ExitStatus;

use mlbench_tests::{Cli, ServerOptions, TIMEOUT, Terminal, TestServer, binary, tools};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr};
use tokio::time::timeout;

/// The arguments of a sweep of four runs that execute a command.
fn sweep_of(command: &str) -> Vec<&str> {
    vec!["runs", "sweep", "--name", "s", "--workers", "1,2", "--repeats", "2", "--command", command]
}

/// A command that waits for [`go`].
fn waiting(server: &TestServer) -> String {
    server.script(&format!(
        "while [ ! -e '{}' ]; do sleep 0.05; done\nexit 0\n",
        server.dir().join("go").display()
    ))
}

fn go(server: &TestServer) {
    File::create(server.dir().join("go")).unwrap();
}

/// A sweep whose messages are read.
struct Sweep {
    child: Child,
    messages: Lines<BufReader<ChildStderr>>,
}

impl Sweep {
    fn start(cli: &Cli, args: &[&str]) -> Self {
        let mut child = cli.spawn(args);
        drop(child.stdin.take());
        let messages = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, messages }
    }

    /// Reads messages until one contains a text.
    async fn says(&mut self, text: &str) -> String {
        let read = async {
            loop {
                let line = self.messages.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| panic!("the sweep ended without {text:?}"));
                if line.contains(text) {
                    return line;
                }
            }
        };
        timeout(TIMEOUT, read).await.unwrap_or_else(|_| panic!("no message {text:?}"))
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end, and returns its last messages and its output.
    async fn ends(mut self) -> (ExitStatus, String, String) {
        let (mut stdout, mut rest) = (String::new(), String::new());
        let read = async {
            while let Some(line) = self.messages.next_line().await.unwrap() {
                rest += &format!("{line}\n");
            }
            self.child.stdout.take().unwrap().read_to_string(&mut stdout).await.unwrap();
            self.child.wait().await.unwrap()
        };
        (timeout(TIMEOUT, read).await.unwrap(), rest, stdout)
    }
}

/// Returns the names of all runs, sorted.
async fn names(server: &TestServer) -> Vec<String> {
    let runs = server.cli().json(&["runs", "list"]).await;
    let name = |run: &Value| run["name"].as_str().unwrap().to_owned();
    let mut names: Vec<String> = runs.as_array().unwrap().iter().map(name).collect();
    names.sort_unstable();
    names
}

const ALL: [&str; 4] = ["s-w1-1", "s-w1-2", "s-w2-1", "s-w2-2"];

#[tokio::test]
async fn a_killed_sweep_goes_on_and_starts_no_run_twice() {
    let server = TestServer::start().await;
    let (cli, command) = (server.cli(), waiting(&server));
    let args = sweep_of(&command);
    let mut killed = Sweep::start(&cli, &args);
    assert_eq!(killed.says("STARTED").await, "[0/4] run 1 (\"s-w2-1\") STARTED");
    killed.signal(Signal::KILL);
    let _ = killed.ends().await;
    let mut interrupted = Sweep::start(&cli, &args);
    let found = interrupted.says("to start").await;
    assert_eq!(found, "sweep \"s\": 0 of 4 runs have ended; 3 to start");
    interrupted.signal(Signal::INT);
    let (status, messages, _) = interrupted.ends().await;
    assert_eq!(status.code(), Some(130), "{messages}");
    let left = "sweep \"s\": 0 of 4 runs have ended; the server goes on with run 1; start the rest with the same command";
    assert!(messages.starts_with(left), "{messages}");
    go(&server);
    let resumed = cli.run(&args).await;
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert!(resumed.stdout.starts_with("group\tnames\truns\t"), "{resumed:?}");
    assert_eq!(resumed.stdout.lines().count(), 3, "{resumed:?}");
    assert_eq!(names(&server).await, ALL);

    let again = cli.run(&args).await;
    let message = "sweep \"s\": 4 of 4 runs have ended; 0 to start\nsweep \"s\": 4 of 4 runs have ended\n";
    assert_eq!((again.code, again.stderr.as_str()), (0, message));
    // A deleted run is missing, although the server remembers its key.
    for _ in 0..2 {
        cli.ok(&["runs", "delete", "s-w1-2"]).await;
        let again = cli.run(&args).await;
        assert!(again.code == 0 && again.stderr.contains("(\"s-w1-2\") FINISHED"), "{again:?}");
    }
    assert_eq!(names(&server).await, ALL);
    for other in [&["--repeats", "3"][..], &["--param", "lr=0.1"]] {
        let args = args.iter().filter(|arg| !["--repeats", "2"].contains(arg)).chain(other);
        let refused = cli.run(&args.copied().collect::<Vec<_>>()).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{refused:?}");
        let expected =
            "mlbench: --name \"s\": is the name of a sweep with another plan, such as run 1 (workers 1,2, ";
        assert!(refused.stderr.starts_with(expected), "{refused:?}");
    }
    assert_eq!(names(&server).await, ALL);
}

#[tokio::test]
async fn a_sweep_goes_on_while_the_server_is_away() {
    let mut server = TestServer::start().await;
    let command = waiting(&server);
    let mut sweep = Sweep::start(&server.cli(), &sweep_of(&command));
    sweep.says("STARTED").await;
    server.kill9().await;
    sweep.says("retrying until the server responds").await;
    server.restart().await;
    go(&server);
    let (status, messages, stdout) = sweep.ends().await;
    assert_eq!(status.code(), Some(0), "{messages}");
    assert!(messages.ends_with("sweep \"s\": 4 of 4 runs have ended\n"), "{messages}");
    assert_eq!((names(&server).await, stdout.lines().count()), (ALL.map(str::to_owned).to_vec(), 3));
}

#[tokio::test]
async fn a_sweep_waits_for_its_turn() {
    let server = TestServer::start().await;
    let command = waiting(&server);
    server.cli().ok(&["runs", "start", "--name", "other", "--command", "sleep 1000"]).await;
    let mut sweep = Sweep::start(&server.cli(), &sweep_of(&command));
    let message = sweep.says("waiting: ").await;
    assert!(message.contains("run 1 \"other\" is active"), "{message}");
    go(&server);
    server.cli().ok(&["runs", "stop", "other"]).await;
    let (status, messages, _) = sweep.ends().await;
    assert_eq!(status.code(), Some(0), "{messages}");

    let server = ServerOptions::default().args(&["--run-policy", "queue"]).start().await;
    let command = waiting(&server);
    let args = [&sweep_of(&command)[..], &["--at-once", "3"]].concat();
    let mut sweep = Sweep::start(&server.cli(), &args);
    sweep.says("queue position 1").await;
    sweep.says("queue position 2").await;
    assert_eq!(names(&server).await, ["s-w1-1", "s-w2-1", "s-w2-2"]);
    go(&server);
    let (status, messages, _) = sweep.ends().await;
    assert_eq!(
        (status.code(), names(&server).await),
        (Some(0), ALL.map(str::to_owned).to_vec()),
        "{messages}"
    );
}

#[tokio::test]
async fn failed_runs_are_counted_and_named() {
    let server = TestServer::start().await;
    let command = server.script("[ $WORLD_SIZE = 2 ] && exit 3\nexit 0\n");
    let directory = server.dir().join("report");
    let args = [&sweep_of(&command)[..], &["--output", directory.to_str().unwrap()]].concat();
    let failed = server.cli().run(&args).await;
    assert_eq!(failed.code, 6, "{failed:?}");
    assert!(failed.stdout.starts_with("group\tnames\t"), "{failed:?}");
    assert!(failed.stderr.contains("[1/4] run 1 (\"s-w2-1\") FAILED: "), "{failed:?}");
    assert!(failed.stderr.contains("4 of 4 runs have ended, 2 of them failed or stopped\n"), "{failed:?}");
    let last = failed.stderr.lines().last().unwrap();
    assert!(last.starts_with("mlbench: 2 of 4 runs did not finish: run 1 (\"s-w2-1\") FAILED: "), "{last}");
    assert!(fs::read_to_string(directory.join("report.md")).unwrap().contains("1 worker"));
}

#[tokio::test]
async fn what_cannot_be_swept_is_refused_before_the_first_run() {
    let server = TestServer::start().await;
    let cli = server.cli();
    for (args, code, problem) in [
        (&["--workers", "1,1"][..], 2, "--workers: 1 is given twice; remove one"),
        (
            &["--repeats", "1001"],
            2,
            "--repeats: makes 1001 runs with 1 combinations; a sweep has at most 1000",
        ),
        (&["--tag", "sweep=x"], 2, "tags: \"sweep\" is set by the sweep; use another name"),
        (&["--workers", "1,99"], 1, "cannot start \"s-w99-1\"\nmlbench: num_workers: "),
    ] {
        let refused = cli.run(&[&["runs", "sweep", "--name", "s"], args].concat()).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (code, ""), "{refused:?}");
        assert!(refused.stderr.trim_start_matches("mlbench: ").starts_with(problem), "{refused:?}");
    }
    assert!(names(&server).await.is_empty());
    let absent = Cli::new("http://127.0.0.1:1");
    assert_eq!(absent.run(&sweep_of("true")).await.code, 7);
    let dry = [&sweep_of("true")[..], &["--dry-run", "--backend", "mpi,gloo"]].concat();
    let plan = absent.ok(&dry).await;
    let lines: Vec<&str> = plan.lines().collect();
    assert_eq!(
        lines[..3],
        ["name\tworkers\tbackend\trepeat", "s-w2-mpi-1\t2\tmpi\t1", "s-w2-gloo-1\t2\tgloo\t1"]
    );
    assert_eq!((lines.len(), lines[8]), (9, "s-w1-gloo-2\t1\tgloo\t2"));
}

#[tokio::test]
async fn a_terminal_shows_a_table_that_stays_in_its_place() {
    let Some(setsid) = tools::setsid() else { return };
    let server = TestServer::start().await;
    let (url, command) = (server.url(), waiting(&server));
    let args = sweep_of(&command);
    let mut terminal = Terminal::start(&setsid, &binary("mlbench"), &args, &[("MLBENCH_URL", &url)]);
    let head = "workers  backend  finished  failed  active";
    terminal
        .shows(&[
            "sweep \"s\": 0 of 4 runs have ended",
            head,
            "2        -        0 of 2    0       run 1 STARTED",
        ])
        .await;
    go(&server);
    terminal.shows(&["4 of 4 runs have ended", "group", "1 worker", "2 workers"]).await;
    terminal.shows_where("no table of the progress", |screen| !screen.contents().contains(head)).await;
    assert_eq!(terminal.ends().await, 0);
}
