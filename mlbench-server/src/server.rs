//! The server put together: what starts in which order, and what stops in which.

mod clusters;
mod ports;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mlbench_core::storage::Storage;
use mlbench_core::{Error, ErrorCode, Result};

use self::clusters::{Place, cluster};
use self::ports::{Port, Ports};
use crate::app::App;
use crate::app::run_cache::RunJsonCache;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::files;
use crate::http::{HttpConfig, HttpServer};
use crate::launcher::{self, LauncherDeps, LauncherHandle, LauncherSettings};
use crate::monitor::{self, Monitor};
use crate::settings::{self, Settings};
use crate::sqlite::{self, SqliteStorage};
use crate::task_group::TaskGroup;

/// How long tasks may take to stop once they were told.
const STOP_DEADLINE: Duration = Duration::from_secs(5);
/// What the teardown of a run may take beyond its grace period when the server is to stop runs before it ends.
const TEARDOWN: Duration = Duration::from_secs(20);

/// A server that accepts connections.
pub struct Server {
    address: SocketAddr,
    ingest_address: Option<SocketAddr>,
    storage: Arc<dyn Storage>,
    launcher: LauncherDeps,
    http: TaskGroup,
    tasks: TaskGroup,
    stop_runs_within: Option<Duration>,
}

impl Server {
    /// Starts everything: when it returns, requests are answered.
    ///
    /// # Errors
    /// One sentence for the operator: a taken port, an unwritable database, a second server on it.
    pub async fn start(settings: &Settings) -> Result<Self, String> {
        settings.check()?;
        let ports = Ports::take(settings).await?;
        let address = ports.api.address;
        let database = settings.database()?;
        let (storage, instance) =
            open_storage(settings, &database, address).await.map_err(|error| text(&error))?;
        let tasks = TaskGroup::new("launcher and monitor");
        let place = Place { settings, database: &database, instance: &instance, address, tasks: &tasks };
        let cluster = cluster(place).await?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), database = %database.display(), cluster = cluster.name(),
            workers = cluster.max_workers(), "mlbench-server");
        let server = Self::assemble(settings, ports, storage, cluster, tasks).await?;
        if let Some(file) = &settings.address_file {
            files::write_atomic(file, format!("{address}\n"))
                .map_err(|error| format!("--address-file {}: cannot be written: {error}", file.display()))?;
        }
        Ok(server)
    }

    async fn assemble(
        settings: &Settings,
        ports: Ports,
        storage: Arc<dyn Storage>,
        cluster: Arc<dyn Cluster>,
        tasks: TaskGroup,
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
                server_url: settings.server_url(ports.api.address),
                run_tokens: ports.asks_for_a_token(),
            }),
        };
        let http = TaskGroup::new("http");
        launcher::start(&tasks, launcher.clone());
        monitor::start(&tasks, &monitor, settings.sample_interval());
        let default_command = settings.default_command();
        ports.announce();
        let policy = settings.run_policy;
        let app = App {
            storage: Arc::clone(&storage),
            cluster,
            launcher: handle,
            clock,
            policy,
            run_cache: RunJsonCache::default(),
            default_command,
        };
        let (address, ingest_address) = (ports.api.address, ports.ingest.as_ref().map(|port| port.address));
        let api = HttpServer::new(app);
        for Port { listener, config, .. } in [Some(ports.api), ports.ingest].into_iter().flatten() {
            http.spawn(api.clone().serve(listener, config, http.stop_token()));
        }
        let stop_runs_within = settings.stop_runs_on_exit.then_some(settings.grace_period + TEARDOWN);
        Ok(Self { address, ingest_address, storage, launcher, http, tasks, stop_runs_within })
    }

    /// The address that was taken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address that takes metrics of active runs without a token.
    #[must_use]
    pub const fn ingest_address(&self) -> Option<SocketAddr> {
        self.ingest_address
    }

    /// Stops in order: connections, launcher, writer last.
    ///
    /// # Errors
    /// When what is queued could not be written.
    pub async fn stop(self) -> Result<(), String> {
        tracing::info!("stopping: no new connections, answers under way are finished");
        self.http.stop(HttpConfig::DRAIN_TIMEOUT + STOP_DEADLINE).await;
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

async fn open_storage(
    settings: &Settings,
    database: &Path,
    address: SocketAddr,
) -> Result<(Arc<dyn Storage>, String)> {
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
    let instance = opened.instance().await?;
    Ok((Arc::new(opened), instance))
}

/// What the operator is told of an error: of one without a sentence for its own, the text for the log.
fn text(error: &Error) -> String {
    let internal = error.internal_text().filter(|_| error.code() == ErrorCode::Internal);
    internal.unwrap_or(error.detail()).to_owned()
}
