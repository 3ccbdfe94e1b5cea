//! The server that is measured: the release binary, a process of its own, with the settings that users have.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::Result;
use crate::client::{Connection, get, request};
use crate::machine::field;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// From its start until it said that it is ready.
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
            .args(["--listen", "127.0.0.1:0", "--workers", "2", "--durability", "full"])
            .arg("--address-file")
            .arg(&address_file)
            .arg("--database")
            .arg(database)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", binary.display()))?;
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
            if begin.elapsed() > PATIENCE || server.child.try_wait()?.is_some() {
                let said = fs::read_to_string(with_suffix(database, ".log"))?;
                return Err(format!("the server did not come up:\n{said}").into());
            }
        }
        server.connect().await?.body(&get("/readyz")).await?;
        server.ready_after = begin.elapsed();
        Ok(server)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection to it.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        Connection::open(self.address).await
    }

    /// Has a run that does nothing and has ended, to which metrics can be posted.
    pub(crate) async fn ended_run(&self) -> Result<u64> {
        let body = br#"{"name":"bench","custom_image_command":"true","num_workers":1}"#;
        let mut connection = self.connect().await?;
        let run: Value =
            serde_json::from_slice(&connection.body(&request("POST", "/api/runs/", JSON, body)).await?)?;
        let id = run["id"].as_u64().ok_or("a run without a number")?;
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            ticks.tick().await;
            let run: Value =
                serde_json::from_slice(&connection.body(&get(&format!("/api/runs/{id}/"))).await?)?;
            if run["state"] == "FINISHED" {
                return Ok(id);
            }
        }
        Err(format!("run {id} did not end").into())
    }

    /// Memory that it alone takes, and its part of what it shares with others, in MiB.
    pub(crate) fn pss(&self) -> Result<f64> {
        self.mebibytes("smaps_rollup", "Pss")
    }

    /// Forgets the largest memory so far, and gives back the present one in MiB.
    pub(crate) fn reset_peak(&self) -> Result<f64> {
        fs::write(self.proc("clear_refs"), "5")?;
        self.mebibytes("status", "VmRSS")
    }

    /// The largest memory since [`Server::reset_peak`], in MiB.
    pub(crate) fn peak(&self) -> Result<f64> {
        self.mebibytes("status", "VmHWM")
    }

    /// Asks it to end and waits until it has, its database complete in one file.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or("no process")?;
        kill_process(pid, Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
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

/// The media type of most bodies.
pub(crate) const JSON: &str = "application/json";

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// No server is left behind, however a measurement ends.
impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
