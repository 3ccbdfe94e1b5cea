//! Starts and stops the server as a separate process.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::binaries::binary;
use crate::cli::{Cli, CommandOutput, clean_environment, run_to_end};
use crate::processes::{Process, processes_with};
use crate::wait::{TIMEOUT, eventually};

/// How to start a server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    args: Vec<String>,
    env: Vec<(String, OsString)>,
    program: Option<PathBuf>,
    kubernetes: bool,
    workers: u32,
    token: Option<String>,
    listen: IpAddr,
    database: Option<PathBuf>,
    address_file: Option<PathBuf>,
    log: Option<Arc<File>>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            args: Vec::new(),
            env: Vec::new(),
            program: None,
            kubernetes: false,
            workers: 2,
            token: None,
            listen: Ipv4Addr::LOCALHOST.into(),
            database: None,
            address_file: None,
            log: None,
        }
    }
}

impl ServerOptions {
    /// Adds arguments to the ones that every test server gets.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Starts this executable instead of the built one.
    #[must_use]
    pub fn program(mut self, program: PathBuf) -> Self {
        self.program = Some(program);
        self
    }

    /// Uses pods as workers instead of local processes.
    #[must_use]
    pub fn kubernetes(mut self) -> Self {
        self.kubernetes = true;
        self
    }

    /// Sets the number of local workers (default: 2).
    #[must_use]
    pub fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }

    /// Listens on this address (default: loopback).
    #[must_use]
    pub fn listen(mut self, address: IpAddr) -> Self {
        self.listen = address;
        self
    }

    /// Keeps the database in this file.
    #[must_use]
    pub fn database(mut self, file: PathBuf) -> Self {
        self.database = Some(file);
        self
    }

    /// Makes the server write its address to this file.
    #[must_use]
    pub fn address_file(mut self, file: PathBuf) -> Self {
        self.address_file = Some(file);
        self
    }

    /// Writes standard error there, where [`TestServer::log`] does not find it.
    #[must_use]
    pub fn log_to(mut self, file: impl Into<File>) -> Self {
        self.log = Some(Arc::new(file.into()));
        self
    }

    /// Makes the server ask for this token, and [`TestServer::cli`] and [`TestServer::client`] show it.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Starts a server and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start(mut self) -> TestServer {
        let dir = tempfile::tempdir().unwrap();
        if let Some(token) = &self.token {
            let file = dir.path().join("token");
            fs::write(&file, token).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            self = self.args(&["--token-file", file.to_str().unwrap()]);
        }
        let mut server = TestServer { child: None, address: (self.listen, 0).into(), dir, options: self };
        server.launch().await;
        server
    }
}

/// A running server with its own database.
#[derive(Debug)]
pub struct TestServer {
    child: Option<Child>,
    address: SocketAddr,
    dir: TempDir,
    options: ServerOptions,
}

impl TestServer {
    /// Starts a server with two local workers.
    pub async fn start() -> Self {
        ServerOptions::default().start().await
    }

    /// Returns the URL of the server, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        let anywhere = self.address.ip().is_unspecified();
        let host = if anywhere { Ipv4Addr::LOCALHOST.into() } else { self.address.ip() };
        format!("http://{}", SocketAddr::from((host, self.address.port())))
    }

    /// Returns the address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the process id.
    ///
    /// # Panics
    /// If the server is not running.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().and_then(Child::id).expect("the server is running")
    }

    /// Changes how the next [`TestServer::restart`] starts the server.
    pub fn reconfigure(&mut self, change: impl FnOnce(ServerOptions) -> ServerOptions) {
        self.options = change(std::mem::take(&mut self.options));
    }

    /// Returns the path of the database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.options.database.clone().unwrap_or_else(|| self.dir.path().join("mlbench.db"))
    }

    /// Returns the temporary directory of this test, which is deleted with the server.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Creates a command line that uses this server.
    #[must_use]
    pub fn cli(&self) -> Cli {
        let cli = Cli::new(&self.url());
        self.token().map_or(cli.clone(), |token| cli.env("MLBENCH_TOKEN", token))
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.options.token.as_deref()
    }

    /// Returns standard output and error of this server and of its predecessors on this database.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Returns the live processes that this server or one of its workers started, without the server itself.
    #[must_use]
    pub fn descendants(&self) -> Vec<Process> {
        let own = self.child.as_ref().and_then(Child::id);
        let all = processes_with(&self.marker());
        all.into_iter().filter(|process| u32::try_from(process.pid).ok() != own).collect()
    }

    /// Kills the server, as a crash would.
    ///
    /// Its runs continue.
    pub async fn kill9(&mut self) {
        self.signal(Signal::KILL);
        self.exited().await;
    }

    /// Sends SIGTERM, as a service manager does, and waits until the server has exited.
    ///
    /// # Panics
    /// If a part of the server has failed before.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.stopped_by(Signal::TERM).await
    }

    /// Sends SIGINT, as Ctrl-C does, and waits until the server has exited.
    ///
    /// # Panics
    /// If a part of the server has failed before.
    pub async fn interrupt(&mut self) -> ExitStatus {
        self.stopped_by(Signal::INT).await
    }

    async fn stopped_by(&mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        let status = self.exited().await;
        let log = self.log();
        assert!(!log.contains("a part of the server failed"), "{log}");
        status
    }

    /// Starts the server again on the same port and database.
    ///
    /// # Panics
    /// If it does not become ready, or is still running.
    pub async fn restart(&mut self) {
        assert!(self.child.is_none(), "the server is still running");
        self.launch().await;
    }

    /// Starts a second server that is expected to fail, in the same directory and with these arguments.
    pub async fn fail_to_start(&self, args: &[&str]) -> CommandOutput {
        let mut command = self.command();
        command.args(args);
        run_to_end(command, &format!("mlbench-server {}", args.join(" "))).await
    }

    /// Calls `act` while the server is suspended.
    pub fn while_suspended(&self, act: impl FnOnce()) {
        self.signal(Signal::STOP);
        act();
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    async fn exited(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the server is running");
        let status = tokio::time::timeout(TIMEOUT, child.wait()).await;
        status.unwrap_or_else(|_| panic!("the server did not exit:\n{}", self.log())).unwrap()
    }

    /// Returns the marker in the environment of everything that this server starts, directly or not.
    ///
    /// It is not called `MLBENCH_*`, because the server keeps its own settings from its workers.
    fn marker(&self) -> String {
        format!("E2E_SERVER_DIR={}\0", self.dir.path().display())
    }

    fn log_file(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }

    fn command(&self) -> Command {
        let program = self.options.program.clone();
        let mut command = Command::new(program.unwrap_or_else(|| binary("mlbench-server")));
        clean_environment(&mut command);
        command.envs(self.options.env.iter().map(|(name, value)| (name, value)));
        command.env("E2E_SERVER_DIR", self.dir.path()).current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    async fn launch(&mut self) {
        let address_file =
            self.options.address_file.clone().unwrap_or_else(|| self.dir.path().join("address"));
        let _ = fs::remove_file(&address_file);
        let log = File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut command = self.command();
        command.arg("--listen").arg(self.address.to_string());
        command.arg("--address-file").arg(&address_file);
        command.arg("--database").arg(self.database());
        if self.options.kubernetes {
            // Syncing is slow here: etcd keeps the disk busy. No test cuts the power, so `normal` is enough.
            command.args(["--cluster", "kubernetes", "--sample-interval", "1s", "--durability", "normal"]);
        } else {
            command.args(["--cluster", "local", "--sample-interval", "200ms", "--workers"]);
            command.arg(self.options.workers.to_string());
        }
        command
            .args(["--grace-period", "2s"])
            .args(&self.options.args)
            .envs(self.options.env.iter().cloned());
        command.stdout(log.try_clone().unwrap());
        command.stderr(self.options.log.as_ref().map_or(log, |log| log.try_clone().unwrap()));
        let mut child = command.spawn().unwrap();
        let address = eventually("the server has written its address", TIMEOUT, async || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server exited with {status}:\n{}", self.log());
            }
            let text = fs::read_to_string(&address_file).ok()?;
            text.trim().trim_start_matches("http://").parse().ok()
        });
        self.address = address.await;
        self.child = Some(child);
    }
}

/// Kills the server, its workers, and everything that they started.
impl Drop for TestServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- server log ---\n{}", self.log());
        }
        if let Some(child) = &mut self.child {
            let _ = child.start_kill();
        }
        while let processes @ [_, ..] = processes_with(&self.marker()).as_slice() {
            processes.iter().for_each(Process::kill);
        }
    }
}
