//! Runs the command line as a user does.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::binaries::binary;
use crate::wait::TIMEOUT;

/// Runs `mlbench` against one server.
#[derive(Debug, Clone)]
pub struct Cli {
    env: Vec<(String, String)>,
}

/// Exit code and output of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// Exit code, or -1 if a signal ended the command.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Cli {
    /// Creates a command line that uses the server at `url`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { env: vec![("MLBENCH_URL".to_owned(), url.to_owned())] }
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs `mlbench` with these arguments and waits until it exits.
    ///
    /// # Panics
    /// If it does not exit in time.
    pub async fn run(&self, args: &[&str]) -> CommandOutput {
        run_to_end(self.command(args), &format!("mlbench {}", args.join(" "))).await
    }

    /// Starts `mlbench` with standard input open.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Returns a command of `mlbench` that does not see the user's own contexts.
    fn command(&self, args: &[&str]) -> Command {
        let mlbench = binary("mlbench");
        let mut command = Command::new(&mlbench);
        clean_environment(&mut command);
        command.env("XDG_CONFIG_HOME", mlbench.with_file_name("no-contexts"));
        command.args(args).envs(self.env.iter().cloned());
        command
    }

    /// Runs `mlbench` and returns its standard output.
    ///
    /// # Panics
    /// If the exit code is not 0.
    pub async fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args).await;
        assert_eq!(output.code, 0, "mlbench {}: {}{}", args.join(" "), output.stdout, output.stderr);
        output.stdout
    }

    /// Runs `mlbench` with `-o json` and returns the parsed output.
    ///
    /// # Panics
    /// If the exit code is not 0, or the output is not JSON.
    pub async fn json(&self, args: &[&str]) -> serde_json::Value {
        let text = self.ok(&[args, &["-o", "json"]].concat()).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// Timeout of any program: scientific Python takes long to import on a busy machine.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(300);

/// Runs any program and waits until it exits.
///
/// # Panics
/// If it cannot be started or does not exit in time.
pub async fn run_program(program: &Path, args: &[&str]) -> CommandOutput {
    let mut command = Command::new(program);
    clean_environment(&mut command);
    command.args(args);
    run_within(PROGRAM_TIMEOUT, command, &program.display().to_string()).await
}

/// Removes the user's own mlbench settings from a child's environment.
pub(crate) fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MLBENCH_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG");
}

/// Runs a command and waits until it exits.
pub(crate) async fn run_to_end(command: Command, what: &str) -> CommandOutput {
    run_within(TIMEOUT, command, what).await
}

async fn run_within(timeout: Duration, mut command: Command, what: &str) -> CommandOutput {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(timeout, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{what} did not exit within {timeout:?}")).unwrap();
    CommandOutput {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
