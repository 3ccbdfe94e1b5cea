//! The server put together: what starts in which order, and what stops in which.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mlbench_core::storage::Storage;
use mlbench_core::{Error, ErrorCode, Result};
use tokio::net::TcpListener;

use crate::app::App;
use crate::background::Background;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::cluster::local::{self, LocalCluster};
use crate::launcher::{self, LauncherDeps, LauncherHandle, LauncherSettings};
use crate::monitor::{self, Monitor};
use crate::settings::{self, Settings};
use crate::sqlite::{self, SqliteStorage};
use crate::{files, http};

/// How long tasks may take to stop once they were told.
const STOP_DEADLINE: Duration = Duration::from_secs(5);
/// What the teardown of a run may take beyond its grace period when the server is to stop runs before it ends.
const TEARDOWN: Duration = Duration::from_secs(20);

/// A server that accepts connections.
pub struct Server {
    address: SocketAddr,
    storage: Arc<dyn Storage>,
    launcher: LauncherDeps,
    http: Background,
    tasks: Background,
    stop_runs_within: Option<Duration>,
}

impl Server {
    /// Starts everything: when it returns, requests are answered.
    ///
    /// # Errors
    /// One sentence for the operator: a taken port, an unwritable database, a second server on it.
    pub async fn start(settings: &Settings) -> Result<Self, String> {
        settings.check()?;
        let listener =
            TcpListener::bind(settings.listen).await.map_err(|e| cannot_listen(settings.listen, &e))?;
        let address = listener.local_addr().map_err(|e| cannot_listen(settings.listen, &e))?;
        let database = settings.database()?;
        let storage = open_storage(settings, &database, address).await.map_err(|error| text(&error))?;
        let cluster = local_cluster(settings, &database)?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), database = %database.display(), cluster = cluster.name(),
            workers = cluster.max_workers(), "mlbench-server");
        let server = Self::assemble(settings, listener, address, storage, cluster).await?;
        if let Some(file) = &settings.address_file {
            files::write_whole(file, &format!("{address}\n"))
                .map_err(|error| format!("--address-file {}: cannot be written: {error}", file.display()))?;
        }
        tracing::info!("listening on http://{address}");
        Ok(server)
    }

    async fn assemble(
        settings: &Settings,
        listener: TcpListener,
        address: SocketAddr,
        storage: Arc<dyn Storage>,
        cluster: Arc<dyn Cluster>,
    ) -> Result<Self, String> {
        let (clock, handle) = (Clock::System, LauncherHandle::default());
        let monitor = Monitor::new(Arc::clone(&storage), Arc::clone(&cluster), clock.clone());
        monitor.observe().await.map_err(|error| text(&error))?;
        let launcher = LauncherDeps {
            storage: Arc::clone(&storage),
            cluster: Arc::clone(&cluster),
            handle: handle.clone(),
            monitor: monitor.clone(),
            clock: clock.clone(),
            settings: Arc::new(LauncherSettings {
                grace_period: settings.grace_period,
                start_timeout: settings.start_timeout,
                mpirun_prefix: settings.mpirun(),
                server_url: settings.server_url(address),
            }),
        };
        let (http, tasks) = (Background::new("http"), Background::new("launcher and monitor"));
        launcher::start(&tasks, launcher.clone());
        monitor::start(&tasks, &monitor, settings.sample_interval);
        let default_command = settings.default_command();
        let app = App {
            storage: Arc::clone(&storage),
            cluster,
            launcher: handle,
            clock,
            traffic: Arc::default(),
            default_command,
        };
        let options =
            http::Options { allowed_hosts: settings.allowed_hosts.clone(), ..http::Options::default() };
        http.spawn(http::serve(listener, app, options, http.stop_token()));
        let stop_runs_within = settings.stop_runs_on_exit.then_some(settings.grace_period + TEARDOWN);
        Ok(Self { address, storage, launcher, http, tasks, stop_runs_within })
    }

    /// The address that was taken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops in order: connections, launcher, writer last.
    ///
    /// # Errors
    /// When what is queued could not be written.
    pub async fn stop(self) -> Result<(), String> {
        tracing::info!("stopping: no new connections, answers under way are finished");
        self.http.stop(http::Options::default().drain_timeout + STOP_DEADLINE).await;
        match self.stop_runs_within {
            Some(patience) => self.stop_runs(patience).await,
            None => self.name_what_goes_on().await,
        }
        self.tasks.stop(STOP_DEADLINE).await;
        self.storage.close().await.map_err(|error| text(&error))
    }

    async fn stop_runs(&self, patience: Duration) {
        match launcher::stop_all(&self.launcher, patience).await {
            Ok(left) if left.is_empty() => tracing::info!("no run is left"),
            Ok(left) => {
                for id in left {
                    tracing::warn!("run {id} could not be stopped in time; the next start goes on with it");
                }
            }
            Err(error) => tracing::error!(error = text(&error), "runs could not be stopped"),
        }
    }

    async fn name_what_goes_on(&self) {
        for run in self.storage.active_runs().await.unwrap_or_default() {
            let (id, name) = (run.id, run.name.as_str());
            tracing::info!("run {id} ({name:?}) goes on; start the server again to follow it");
        }
    }
}

/// A server whose settings are given by flags, for tests and programs that embed it.
///
/// # Errors
/// What [`Server::start`] refuses, and flags that do not exist.
pub async fn start_with_flags(flags: &[&str]) -> Result<Server, String> {
    Server::start(&Settings::from_flags(flags.iter().copied())?).await
}

async fn open_storage(settings: &Settings, database: &Path, address: SocketAddr) -> Result<Arc<dyn Storage>> {
    let mut options = sqlite::Options::new(database);
    options.log_limit_bytes = u64::from(settings.output_limit) << 20;
    options.durability = match settings.durability {
        settings::Durability::Full => sqlite::Durability::Full,
        settings::Durability::Normal => sqlite::Durability::Normal,
    };
    let open = move || {
        let storage = SqliteStorage::open(options)?;
        storage.set_address(&address.to_string())?;
        Ok::<_, Error>(storage)
    };
    let opened = tokio::task::spawn_blocking(open).await.map_err(Error::internal)??;
    Ok(Arc::new(opened))
}

fn local_cluster(settings: &Settings, database: &Path) -> Result<Arc<dyn Cluster>, String> {
    let mut work_dir = database.as_os_str().to_owned();
    work_dir.push(".work");
    let work_dir = PathBuf::from(work_dir);
    let (workers, environment) = (settings.workers(), settings::environment());
    let options = local::Options { workers, work_dir: work_dir.clone(), environment, clock: Clock::System };
    let cluster = LocalCluster::new(options)
        .map_err(|error| format!("local workers cannot be had: {}: {error}", work_dir.display()))?;
    Ok(Arc::new(cluster))
}

/// What the operator is told of an error: of one without a sentence for its own, the text for the log.
fn text(error: &Error) -> String {
    let internal = error.internal_text().filter(|_| error.code() == ErrorCode::Internal);
    internal.unwrap_or(error.detail()).to_owned()
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "--listen {address}: the port is taken by another program; stop that one or choose another port (0 takes a \
             free one)"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("--listen {address}: ports below 1024 need a privilege; choose another port")
        }
        _ => format!("--listen {address}: {error}"),
    }
}
