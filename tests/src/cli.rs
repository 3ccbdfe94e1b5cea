//! The command line, run as a user runs it.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::binaries::binary;
use crate::wait::PATIENCE;

/// Runs `mlbench` against one server.
#[derive(Debug, Clone)]
pub struct Cli {
    env: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code, -1 when a signal ended it.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Cli {
    /// A command line that finds the server at `url`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { env: vec![("MLBENCH_URL".to_owned(), url.to_owned())] }
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs `mlbench` with these arguments to its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn run(&self, args: &[&str]) -> Ended {
        let mut command = Command::new(binary("mlbench"));
        clean_environment(&mut command);
        command.args(args).envs(self.env.iter().cloned());
        run_to_end(command, &format!("mlbench {}", args.join(" "))).await
    }

    /// Runs it and returns its standard output.
    ///
    /// # Panics
    /// When its exit code is not 0.
    pub async fn ok(&self, args: &[&str]) -> String {
        let ended = self.run(args).await;
        assert_eq!(ended.code, 0, "mlbench {}: {}{}", args.join(" "), ended.stdout, ended.stderr);
        ended.stdout
    }

    /// Runs it with `-o json` and returns what it says.
    ///
    /// # Panics
    /// When its exit code is not 0 or its output is no JSON.
    pub async fn json(&self, args: &[&str]) -> serde_json::Value {
        let text = self.ok(&[args, &["-o", "json"]].concat()).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// Runs any program to its end.
///
/// # Panics
/// When it cannot be started or does not end in time.
pub async fn run_program(program: &Path, args: &[&str]) -> Ended {
    let mut command = Command::new(program);
    clean_environment(&mut command);
    command.args(args);
    run_to_end(command, &program.display().to_string()).await
}

/// Takes the settings of whoever runs the tests out of a child's environment.
pub(crate) fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MLBENCH_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG");
}

pub(crate) async fn run_to_end(mut command: Command, what: &str) -> Ended {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{what} did not end within {PATIENCE:?}")).unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
