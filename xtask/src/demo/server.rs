//! The demo's server, on a free port and a temporary database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::mlbench::Mlbench;

/// How long the server may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the server may take to stop, longer than its own grace period for active runs.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server.
pub(super) struct Server {
    child: Child,
    folder: TempDir,
    binaries: PathBuf,
    url: String,
}

impl Server {
    /// Starts the server and waits until it listens.
    ///
    /// Its process group is its own, so that Ctrl-C reaches only the demo, which then stops the server.
    pub(super) async fn start(binaries: PathBuf) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("mlbench-demo-").tempdir();
        let folder = folder.map_err(|error| format!("cannot create a temporary directory: {error}"))?;
        let (address, log) = (folder.path().join("address"), folder.path().join("server.log"));
        let log_file =
            fs::File::create(&log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
        let child = Command::new(binaries.join("mlbench-server"))
            .args([
                "--cluster",
                "local",
                "--listen",
                "127.0.0.1:0",
                "--workers",
                "4",
                "--sample-interval",
                "500ms",
                "--stop-runs-on-exit",
            ])
            .arg("--address-file")
            .arg(&address)
            .arg("--database")
            .arg(folder.path().join("mlbench.db"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log_file)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot start the server: {error}"))?;
        let mut server = Self { child, folder, binaries, url: String::new() };
        let started = tokio::time::timeout(START_TIMEOUT, async {
            tokio::select! {
                url = read_address(&address) => Ok(url),
                status = server.child.wait() => Err(exited(status, &log)),
            }
        });
        server.url =
            started.await.map_err(|_| format!("the server did not start within {START_TIMEOUT:?}"))??;
        Ok(server)
    }

    /// The command line, connected to this server.
    pub(super) fn mlbench(&self) -> Mlbench {
        Mlbench { program: self.binaries.join("mlbench"), url: self.url.clone() }
    }

    /// The folder of its database and log.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Completes when the server exits without being asked to, with its log.
    pub(super) async fn exited(&mut self) -> String {
        let log = self.folder.path().join("server.log");
        exited(self.child.wait().await, &log)
    }

    /// Stops the server and its runs, and deletes its files.
    pub(super) async fn stop(mut self) -> Result<(), String> {
        self.signal(Signal::TERM);
        if tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            self.signal(Signal::KILL);
            return Err(format!("the server did not stop within {STOP_TIMEOUT:?} and was killed"));
        }
        Ok(())
    }

    /// Leaves the server running and prints how to compare its runs, and how to use and to stop it.
    pub(super) fn keep_running(self, runs: &str) {
        let Self { child, folder, binaries, url } = self;
        let pid = child.id().unwrap_or_default();
        let folder = folder.keep();
        println!("The server is still running:");
        println!("  compare:  {url}/compare?runs={runs}");
        println!("  use it:   {} --url {url} runs list", binaries.join("mlbench").display());
        println!("  stop it:  kill {pid} && rm -r {}", folder.display());
        // Dropping the child would kill the process.
        std::mem::forget(child);
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        // The process may have exited already.
        let _ = pid.map(|pid| kill_process(pid, signal));
    }
}

async fn read_address(file: &Path) -> String {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        if let Some(address) = fs::read_to_string(file).ok().filter(|text| !text.trim().is_empty()) {
            return format!("http://{}", address.trim().trim_start_matches("http://"));
        }
    }
}

fn exited(status: std::io::Result<std::process::ExitStatus>, log: &Path) -> String {
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    format!("the server exited unexpectedly ({status}):\n{}", fs::read_to_string(log).unwrap_or_default())
}
