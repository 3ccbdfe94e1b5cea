//! The server under measurement: the release binary in a separate process, with default settings.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::client::{Connection, get, request};
use crate::error::Result;
use crate::machine::field;

const TIMEOUT: Duration = Duration::from_secs(60);

/// A running server.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// Time from the start until `/readyz` reports ready.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts a server on a database and waits until it is ready.
    pub(crate) async fn start(binary: &Path, database: &Path) -> Result<Self> {
        let address_file = with_suffix(database, ".address");
        let _ = fs::remove_file(&address_file);
        let log = File::create(with_suffix(database, ".log"))?;
        let begin = Instant::now();
        let child = Command::new(binary)
            .args(["--cluster", "local", "--listen", "127.0.0.1:0", "--workers", "2", "--durability", "full"])
            .arg("--address-file")
            .arg(&address_file)
            .arg("--database")
            .arg(database)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, address: nowhere, ready_after: Duration::ZERO };
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        loop {
            ticks.tick().await;
            let text = fs::read_to_string(&address_file).unwrap_or_default();
            if let Ok(address) = text.trim().parse() {
                server.address = address;
                break;
            }
            if begin.elapsed() > TIMEOUT || server.child.try_wait()?.is_some() {
                let log = fs::read_to_string(with_suffix(database, ".log"))?;
                return Err(format!("the server did not become ready:\n{log}").into());
            }
        }
        server.connect().await?.body(&get("/readyz")).await?;
        server.ready_after = begin.elapsed();
        Ok(server)
    }

    /// Returns the address that the server listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects to the server.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        Connection::open(self.address).await
    }

    /// Starts a run of this command, waits until it has ended and returns its id.
    pub(crate) async fn ended_run(&self, command: &str) -> Result<u64> {
        let body = json!({"name": "bench", "custom_image_command": command, "num_workers": 1}).to_string();
        let mut connection = self.connect().await?;
        let run: Value = serde_json::from_slice(
            &connection.body(&request("POST", "/api/runs/", JSON, body.as_bytes())).await?,
        )?;
        let id = run["id"].as_u64().ok_or("the run has no id")?;
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        let begin = Instant::now();
        while begin.elapsed() < TIMEOUT {
            ticks.tick().await;
            let run: Value =
                serde_json::from_slice(&connection.body(&get(&format!("/api/runs/{id}/?logs=0"))).await?)?;
            if run["state"] == "FINISHED" {
                return Ok(id);
            }
        }
        Err(format!("run {id} did not end").into())
    }

    /// Returns a number that the server reports about itself.
    pub(crate) async fn gauge(&self, name: &str) -> Result<f64> {
        let metrics = String::from_utf8(self.connect().await?.body(&get("/metrics")).await?)?;
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
        metrics.lines().find_map(value).ok_or_else(|| format!("the server has no {name}").into())
    }

    /// Returns the proportional set size in MiB: private memory, and its share of shared memory.
    pub(crate) fn pss(&self) -> Result<f64> {
        self.mebibytes("smaps_rollup", "Pss")
    }

    /// Resets the peak of the resident memory and returns the current size in MiB.
    pub(crate) fn reset_peak(&self) -> Result<f64> {
        fs::write(self.proc("clear_refs"), "5")?;
        self.mebibytes("status", "VmRSS")
    }

    /// Returns the peak of the resident memory since [`Server::reset_peak`] in MiB.
    pub(crate) fn peak(&self) -> Result<f64> {
        self.mebibytes("status", "VmHWM")
    }

    /// Sends SIGTERM and waits until the server has exited, with its database complete in one file.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or("no process")?;
        kill_process(pid, Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server exited with {status}").into()) }
    }

    fn mebibytes(&self, file: &str, name: &str) -> Result<f64> {
        let text = fs::read_to_string(self.proc(file))?;
        let kibibytes: f64 = field(&text, name).ok_or_else(|| format!("{file} has no {name}"))?.parse()?;
        Ok(kibibytes / 1024.0)
    }

    fn proc(&self, file: &str) -> PathBuf {
        format!("/proc/{}/{file}", self.child.id()).into()
    }
}

/// Media type of most bodies.
pub(crate) const JSON: &str = "application/json";

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Kills the server, even if a measurement fails.
impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
