//! Starts and stops the parts of the server in order.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mlbench_core::storage::Storage;
use mlbench_core::{Error, ErrorCode, Result, RunId, Timestamp};

use tokio::sync::Notify;

use super::address_file::AddressFile;
use super::clusters::{ClusterInputs, connect, export_host};
use super::listeners::{BoundListener, Listeners};
use super::reaper;
use crate::app::hub::EventHub;
use crate::app::run_cache::RunJsonCache;
use crate::app::sessions::Sessions;
use crate::app::silence;
use crate::app::{App, Exports};
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::http::{HttpConfig, HttpServer};
use crate::launcher::{self, LauncherDeps, LauncherHandle, LauncherSettings};
use crate::monitor::{self, Monitor};
use crate::settings::Settings;
use crate::sqlite::{self, Identity, Moved, SqliteStorage};
use crate::task_group::TaskGroup;
use crate::version::VERSION;
use crate::vitals::Vitals;

/// Longest time in which a stream of events shows no sign of life.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Longest time for background tasks to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for the queued writes to be stored.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time for the teardown of a run, beyond its grace period.
const TEARDOWN_TIMEOUT: Duration = Duration::from_secs(20);

/// A server that accepts connections.
pub struct Server {
    address: SocketAddr,
    ingest_address: Option<SocketAddr>,
    storage: Arc<dyn Storage>,
    launcher: LauncherDeps,
    http: TaskGroup,
    tasks: TaskGroup,
    vitals: Vitals,
    stop_runs_within: Option<Duration>,
    /// Whether runs execute under this server.
    launches: bool,
}

impl Server {
    /// Starts everything. When it returns, the server responds to requests.
    ///
    /// # Errors
    /// A message for the operator, such as a port in use, an unwritable database, or a second server on it.
    pub async fn start(settings: &Settings) -> Result<Self, String> {
        settings.check()?;
        let listeners = Listeners::bind(settings).await?;
        let address = listeners.api.address;
        let (database, vitals) = (settings.database()?, Vitals::default());
        let opened = open_storage(settings, &database, address, &vitals).await;
        let opened = opened.map_err(|error| text(&error))?;
        let address_file = settings.address_file.as_deref().map(|file| AddressFile::prepare(file, address));
        let identity = opened.identity().clone();
        let tasks = TaskGroup::reporting_to("launcher and monitor", vitals.clone());
        let inputs =
            ClusterInputs { settings, database: &database, identity: &identity, address, tasks: &tasks };
        let cluster = connect(inputs).await?;
        tracing::info!(version = VERSION, database = %database.display(), cluster = cluster.name(),
            workers = cluster.max_workers(), "mlbench-server");
        if settings.read_only {
            tracing::info!("read-only: every write is refused, and no run is started, followed or ended");
        }
        log_move(&identity);
        let (storage, commits): (Arc<dyn Storage>, _) = (opened.clone(), opened.commits());
        let exports = Exports {
            server: identity.instance.clone(),
            host: export_host(settings),
            directory: database.parent().filter(|_| !settings.read_only).map(Path::to_owned),
        };
        let storage = OpenedStorage { storage, commits, last_write: identity.last_write, exports };
        let server = Self::assemble(settings, listeners, storage, cluster, tasks, vitals).await?;
        address_file.map_or(Ok(()), AddressFile::publish)?;
        // Last, so that a server starts on a full disk in the room that the one before it has kept.
        opened.take_reserve();
        Ok(server)
    }

    async fn assemble(
        settings: &Settings,
        listeners: Listeners,
        OpenedStorage { storage, commits, last_write, exports }: OpenedStorage,
        cluster: Arc<dyn Cluster>,
        tasks: TaskGroup,
        vitals: Vitals,
    ) -> Result<Self, String> {
        let (clock, handle) = (Clock::System, LauncherHandle::default());
        let monitor = Monitor::new(Arc::clone(&storage), Arc::clone(&cluster), clock.clone());
        if !settings.read_only {
            monitor.observe().await.map_err(|error| text(&error))?;
        }
        let launcher = LauncherDeps {
            storage: Arc::clone(&storage),
            cluster: Arc::clone(&cluster),
            handle: handle.clone(),
            monitor: monitor.clone(),
            clock: clock.clone(),
            settings: Arc::new(LauncherSettings {
                grace_period: settings.grace_period,
                start_timeout: settings.start_timeout,
                time_limit: settings.time_limit,
                exit_grace: settings.exit_grace,
                mpirun_prefix: settings.mpirun(),
                server_url: settings.server_url(listeners.api.address),
                last_write,
                purge_orphans: settings.purge,
                run_tokens: listeners.requires_token(),
            }),
        };
        let http = TaskGroup::reporting_to("http", vitals.clone());
        reaper::start(&tasks);
        if !settings.read_only {
            launcher::start(&tasks, launcher.clone());
            monitor::start(&tasks, &monitor, settings.sample_interval());
            silence::start(&tasks, &storage, &clock, settings.external_timeout);
        }
        let default_command = settings.default_command();
        listeners.log_addresses();
        let (policy, run_tokens) = (settings.run_policy, listeners.requires_token());
        let events = EventHub::start(&tasks, Arc::clone(&storage), Arc::clone(&cluster), commits);
        let app = App {
            storage: Arc::clone(&storage),
            cluster,
            launcher: handle,
            events,
            vitals: vitals.clone(),
            clock,
            policy,
            run_tokens,
            heartbeat: HEARTBEAT,
            sessions: Sessions::default(),
            run_cache: RunJsonCache::default(),
            default_command,
            exports,
            time_limit: settings.time_limit,
        };
        let (address, ingest_address) =
            (listeners.api.address, listeners.ingest.as_ref().map(|ingest| ingest.address));
        let api = HttpServer::new(app);
        for BoundListener { listener, config, .. } in
            [Some(listeners.api), listeners.ingest].into_iter().flatten()
        {
            api.clone().start(&http, listener, config);
        }
        let stop_runs_within = settings.stop_runs_on_exit.then_some(settings.grace_period + TEARDOWN_TIMEOUT);
        let launches = !settings.read_only;
        Ok(Self {
            address,
            ingest_address,
            storage,
            launcher,
            http,
            tasks,
            vitals,
            stop_runs_within,
            launches,
        })
    }

    /// Returns the address of the API.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address that accepts metrics of active runs without a token.
    #[must_use]
    pub const fn ingest_address(&self) -> Option<SocketAddr> {
        self.ingest_address
    }

    /// Waits until a part of the server has failed for good, and returns a message that names it.
    pub async fn failure(&self) -> String {
        format!("{}; this process ends, start a new one", self.vitals.failed().await)
    }

    /// Stops in order: connections, launcher, writer last.
    ///
    /// # Errors
    /// When queued writes could not be stored.
    pub async fn stop(self) -> Result<(), String> {
        tracing::info!("stopping: no new connections; finishing responses in progress");
        self.http.stop(HttpConfig::DRAIN_TIMEOUT + STOP_TIMEOUT).await;
        match self.stop_runs_within {
            Some(timeout) => self.stop_runs(timeout).await,
            None if self.launches => self.log_active_runs().await,
            None => {}
        }
        self.tasks.stop(STOP_TIMEOUT).await;
        let closed = tokio::time::timeout(CLOSE_TIMEOUT, self.storage.close()).await;
        closed
            .unwrap_or_else(|_| Err(Error::internal("the database did not take the queued writes in time")))
            .map_err(|error| text(&error))
    }

    async fn stop_runs(&self, timeout: Duration) {
        match launcher::stop_all(&self.launcher, timeout).await {
            Ok(left) if left.is_empty() => tracing::info!("no run is active"),
            Ok(left) => {
                for id in left {
                    self.log_unstopped(id).await;
                }
            }
            Err(error) => tracing::error!(error = text(&error), "cannot stop the active runs"),
        }
    }

    async fn log_unstopped(&self, id: RunId) {
        let is_unstored = self
            .storage
            .run(id)
            .await
            .is_ok_and(|run| run.state.is_active() && run.stop_requested_at.is_none());
        if is_unstored {
            tracing::warn!(
                "run {id} is not stopped, because the database did not take the request; its ranks may have got \
                 SIGTERM; stop it after the next start of the server"
            );
        } else {
            tracing::warn!(
                "run {id} did not stop in time; the next start of the server continues to stop it"
            );
        }
    }

    async fn log_active_runs(&self) {
        for run in self.storage.active_runs().await.unwrap_or_default() {
            let (id, name) = (run.id, run.name.as_str());
            tracing::info!(
                "run {id} ({name:?}) continues without the server; start the server again to follow it"
            );
        }
    }
}

/// Starts a server with these flags, for tests and programs that embed it.
///
/// # Errors
/// Those of [`Server::start`], and unknown flags.
pub async fn start_with_flags(flags: &[&str]) -> Result<Server, String> {
    Server::start(&Settings::from_flags(flags.iter().copied())?).await
}

/// A store, and when it was last written before it was opened.
struct OpenedStorage {
    storage: Arc<dyn Storage>,
    commits: Arc<Notify>,
    last_write: Timestamp,
    exports: Exports,
}

async fn open_storage(
    settings: &Settings,
    database: &Path,
    address: SocketAddr,
    vitals: &Vitals,
) -> Result<Arc<SqliteStorage>> {
    let mut options = sqlite::Options::new(database);
    options.log_limit_bytes = u64::from(settings.output_limit) << 20;
    options.durability = settings.durability;
    options.machine = settings.machine();
    options.adopt = settings.adopt;
    options.read_only = settings.read_only;
    options.vitals = vitals.clone();
    let open = move || {
        let storage = SqliteStorage::open(options)?;
        storage.set_address(&address.to_string());
        Ok::<_, Error>(Arc::new(storage))
    };
    tokio::task::spawn_blocking(open).await.map_err(Error::internal)?
}

/// Logs that a database was opened elsewhere before, and its disowned runs.
fn log_move(identity: &Identity) {
    let Some(Moved { from, disowned }) = &identity.moved else { return };
    let Some(runs) = disowned else {
        return tracing::info!(
            from,
            "adopted a database that was opened elsewhere before, with its active runs"
        );
    };
    tracing::warn!(
        from,
        "this database was opened elsewhere before and counts as a copy: it has a new identity"
    );
    for run in runs {
        tracing::warn!(
            "run {run} belongs to the server on the original and has failed here; its processes and pods are left alone. \
             To take over a moved database with its active runs, start its first server with --adopt"
        );
    }
}

/// Returns the message for the operator. Of an internal error, it is the text for the log.
fn text(error: &Error) -> String {
    let internal = error.internal_text().filter(|_| error.code() == ErrorCode::Internal);
    internal.unwrap_or(error.detail()).to_owned()
}
