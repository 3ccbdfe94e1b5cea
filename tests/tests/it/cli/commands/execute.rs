//! Executes command lines: in a pipe and on a terminal, each until its deadline.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use mlbench_client::RunState;
use mlbench_tests::{CommandOutput, Terminal, TestServer, binary};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::cases::Case;

/// How long a command may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Enough lines for everything that a command prints.
const ROWS: u16 = 100;

/// A directory of the user, and a server.
pub(super) struct Machine<'a> {
    pub(super) server: &'a TestServer,
    setsid: PathBuf,
    dir: TempDir,
}

impl<'a> Machine<'a> {
    pub(super) fn new(server: &'a TestServer, setsid: PathBuf) -> Self {
        // Its path has the same length everywhere, so that lines break at the same words.
        Self { server, setsid, dir: tempfile::tempdir_in("/tmp").unwrap() }
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn script(&self, line: &str) -> String {
        let program = format!("'{}'", binary("mlbench").display());
        let command = match line.strip_prefix("mlbench") {
            Some(rest) => format!("exec {program}{rest}"),
            None => line.replace("| mlbench ", &format!("| {program} ")),
        };
        format!("cd '{}' && {command}", self.dir().display())
    }

    fn env(&self) -> [(String, String); 3] {
        let config = self.dir().join("config").display().to_string();
        [("MLBENCH_URL", self.server.url()), ("XDG_CONFIG_HOME", config), ("PAGER", String::new())]
            .map(|(name, value)| (name.to_owned(), value))
    }

    fn start(&self, line: &str) -> Child {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &self.script(line)]).env_clear().envs(self.env());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true).spawn().unwrap()
    }

    /// Executes a command before one that is looked at.
    pub(super) async fn set_up(&self, line: &str) {
        let ended = timeout(DEADLINE, self.start(line).wait_with_output()).await;
        ended.unwrap_or_else(|_| panic!("{line} does not end")).unwrap();
    }

    async fn set_up_all(&self, case: &Case) {
        for line in case.before {
            self.set_up(line).await;
        }
    }

    /// Executes a command with pipes.
    pub(super) async fn piped(&self, case: &Case, line: &str) -> CommandOutput {
        self.set_up_all(case).await;
        let mut child = self.start(line);
        let mut pipe = child.stdout.take().unwrap();
        let mut stdout = String::new();
        let read = async {
            if let Some((text, _)) = case.ends_by {
                let mut bytes = [0; 4096];
                while !stdout.contains(text)
                    && let count @ 1.. = pipe.read(&mut bytes).await.unwrap()
                {
                    stdout += std::str::from_utf8(&bytes[..count]).unwrap();
                }
                if stdout.contains(text) {
                    let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).unwrap())).unwrap();
                    kill_process(pid, Signal::INT).unwrap();
                }
            }
            let (rest, output) = tokio::join!(pipe.read_to_string(&mut stdout), child.wait_with_output());
            rest.unwrap();
            output.unwrap()
        };
        let output = timeout(DEADLINE, read).await.unwrap_or_else(|_| panic!("{line} does not end"));
        self.settle().await;
        CommandOutput {
            code: output.status.code().unwrap_or(-1),
            stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Executes a command on a terminal, and returns its exit code and the screen.
    pub(super) async fn on_terminal(&self, case: &Case, line: &str) -> (i32, String) {
        self.set_up_all(case).await;
        let script = self.script(line);
        let env = self.env();
        let env: Vec<(&str, &str)> =
            env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let shell = Path::new("/bin/sh");
        let mut terminal = Terminal::start_with_rows(ROWS, &self.setsid, shell, &["-c", &script], &env);
        let shown = async {
            if let Some((text, keys)) = case.ends_by {
                terminal.shows(&[text]).await;
                terminal.press(keys);
            }
            terminal.last_screen().await
        };
        let (code, screen) = timeout(DEADLINE, shown).await.unwrap_or_else(|_| panic!("{line} does not end"));
        self.settle().await;
        let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
        (code, lines.join("\n"))
    }

    /// Ends the runs that a command has started.
    async fn settle(&self) {
        let client = self.server.client();
        for run in client.runs().list().await.unwrap() {
            if matches!(run.state, RunState::Initialized | RunState::Started) {
                client.runs().stop(run.id).await.unwrap();
                self.server.wait(run.id).await;
            }
        }
    }
}
