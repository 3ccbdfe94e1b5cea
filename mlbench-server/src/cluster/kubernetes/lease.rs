//! The lease that lets one server act on the objects and processes of a database.
//!
//! Two servers bear the same name when a volume was cloned with its inodes, or when a database was adopted while the
//! original was in use. Only the holder of the lease of that name creates, follows, signals and deletes anything. The
//! holder is bound to the place of its database, so a server that was killed has its lease again at once, and one that
//! stops gives it back.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{DeleteParams, PostParams, Preconditions};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::errors::error_text;
use super::objects::names::{lease_labels, lease_name};
use super::options::Options;
use crate::cluster::error::ClusterError;
use crate::task_group::TaskGroup;

/// Time after which another server may take a lease that its holder does not renew.
const DURATION: Duration = Duration::from_secs(30);
/// How long the holder acts after a renewal. Requests in progress end before another server takes the lease.
const TRUST: Duration = Duration::from_secs(20);
/// Pause after a renewal, and after a look at the lease of another server.
const PAUSE: Duration = Duration::from_secs(10);
/// First and longest pause after a failure.
const FAILURE_PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(8));
/// Longest time for one attempt to renew or take the lease.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for giving it back.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(3);

/// What this server knows of its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tenure {
    /// This server holds it.
    Held { until: Instant },
    /// Another server holds it.
    Foreign { holder: String },
    /// This server has no right to hold it.
    Denied { cause: String },
    /// The API server did not say who holds it.
    Unknown { cause: String },
}

/// The lease of a database, renewed in the background.
#[derive(Clone)]
pub(crate) struct DatabaseLease(Arc<RwLock<Tenure>>);

impl DatabaseLease {
    /// Takes the lease if it is free, and keeps it in `background` until that stops.
    pub(crate) async fn start(api: Api<Lease>, options: &Options, background: &TaskGroup) -> Self {
        let cause = "the API server has not responded yet".to_owned();
        let lease = Self(Arc::new(RwLock::new(Tenure::Unknown { cause })));
        let mut keeper = Keeper {
            api,
            name: lease_name(&options.instance),
            options: options.clone(),
            known: None,
            foreign: None,
        };
        lease.set(keeper.attempt().await);
        // A part that is started again continues with the keeper of the one before.
        let keeper = Arc::new(Mutex::new(keeper));
        let (kept, shown, released) = (Arc::clone(&keeper), lease.clone(), keeper);
        background.spawn_part("lease of the database", move || Some(keep(Arc::clone(&kept), shown.clone())));
        let stop = background.stop_token();
        background.spawn(async move {
            stop.cancelled().await;
            let release = async { released.lock().await.release().await };
            if timeout(RELEASE_TIMEOUT, release).await.is_err() {
                tracing::warn!("the API server did not take the lease of the database back in time");
            }
        });
        lease
    }

    /// Checks that this server may act on its objects now.
    pub(crate) fn check(&self) -> Result<(), ClusterError> {
        match self.tenure() {
            Tenure::Held { until } if Instant::now() < until => Ok(()),
            Tenure::Held { .. } => Err(ClusterError::Unreachable(
                "the lease of the database could not be renewed in time".to_owned(),
            )),
            Tenure::Foreign { holder } => Err(ClusterError::Unreachable(held_by(&holder))),
            Tenure::Denied { cause } => Err(ClusterError::Unreachable(denied(&cause))),
            Tenure::Unknown { cause } => {
                Err(ClusterError::Unreachable(format!("the lease of the database is not known: {cause}")))
            }
        }
    }

    /// Returns why this server does not hold the lease, unless the API server does not respond.
    pub(crate) fn obstacle(&self) -> Option<String> {
        match self.tenure() {
            Tenure::Foreign { holder } => Some(held_by(&holder)),
            Tenure::Denied { cause } => Some(denied(&cause)),
            Tenure::Held { .. } | Tenure::Unknown { .. } => None,
        }
    }

    fn tenure(&self) -> Tenure {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows a new tenure, and logs a change of hands.
    fn set(&self, new: Tenure) {
        let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match (&*shown, &new) {
            (Tenure::Foreign { .. }, Tenure::Held { .. }) => {
                tracing::warn!("took over the lease of the database: its holder does not renew it");
            }
            (before, Tenure::Foreign { holder }) if *before != new => {
                tracing::warn!("{}; this server leaves all workers alone", held_by(holder));
            }
            (before, Tenure::Denied { cause }) if *before != new => tracing::warn!("{}", denied(cause)),
            _ => {}
        }
        *shown = new;
    }
}

fn held_by(holder: &str) -> String {
    format!("another server holds the lease of this database: {holder}")
}

fn denied(cause: &str) -> String {
    format!(
        "the API server does not let this server hold the lease of its database: {cause}; grant the right to get, create, \
         update and delete leases"
    )
}

/// Renews the lease without end, or waits until it is free.
async fn keep(keeper: Arc<Mutex<Keeper>>, lease: DatabaseLease) {
    let mut keeper = keeper.lock().await;
    let is_answer = |tenure: &Tenure| matches!(tenure, Tenure::Held { .. } | Tenure::Foreign { .. });
    let mut failures = u32::from(!is_answer(&lease.tenure()));
    loop {
        let pause = FAILURE_PAUSES.0.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        sleep(if failures == 0 { PAUSE } else { pause.min(FAILURE_PAUSES.1) }).await;
        let tenure = keeper.attempt().await;
        failures = if is_answer(&tenure) { 0 } else { failures.saturating_add(1) };
        // A failure does not end what the last renewal allows.
        if failures == 0 || lease.check().is_err() {
            lease.set(tenure);
        }
    }
}

/// Takes and renews the lease.
struct Keeper {
    api: Api<Lease>,
    name: String,
    options: Options,
    /// The lease as this server wrote it last.
    known: Option<Lease>,
    /// A version of the lease of another server, and when it was first seen.
    foreign: Option<(String, Instant)>,
}

impl Keeper {
    async fn attempt(&mut self) -> Tenure {
        let began = Instant::now();
        match timeout(ATTEMPT_TIMEOUT, self.try_attempt()).await {
            Ok(Ok(None)) => Tenure::Held { until: began + TRUST },
            Ok(Ok(Some(holder))) => Tenure::Foreign { holder },
            Ok(Err(kube::Error::Api(status))) if matches!(status.code, 401 | 403) => {
                Tenure::Denied { cause: status.message }
            }
            Ok(Err(error)) => Tenure::Unknown { cause: error_text(&error) },
            Err(_) => Tenure::Unknown { cause: "the API server does not respond in time".to_owned() },
        }
    }

    /// Renews or takes the lease, and returns its holder if that is another server.
    async fn try_attempt(&mut self) -> Result<Option<String>, kube::Error> {
        let found = match self.known.take() {
            Some(known) => match self.write(known.clone()).await {
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {
                    self.api.get_opt(&self.name).await?
                }
                Err(error) => {
                    self.known = Some(known);
                    return Err(error);
                }
                Ok(()) => return Ok(None),
            },
            None => self.api.get_opt(&self.name).await?,
        };
        let Some(lease) = found else {
            let lease = self.api.create(&PostParams::default(), &self.renewed(Lease::default())).await?;
            self.known = Some(lease);
            return Ok(None);
        };
        match holder(&lease) {
            Some(other) if other != self.options.holder && !self.has_expired(&lease) => {
                Ok(Some(other.to_owned()))
            }
            _ => self.write(lease).await.map(|()| None),
        }
    }

    /// Replaces exactly this version of the lease by one of this server.
    async fn write(&mut self, lease: Lease) -> Result<(), kube::Error> {
        let renewed = self.renewed(lease);
        self.known = Some(self.api.replace(&self.name, &PostParams::default(), &renewed).await?);
        self.foreign = None;
        Ok(())
    }

    fn renewed(&self, lease: Lease) -> Lease {
        let before = lease.spec.unwrap_or_default();
        let is_own = before.holder_identity.as_deref() == Some(&self.options.holder);
        let now = Some(MicroTime(Timestamp::now()));
        let transitions = before.lease_transitions.unwrap_or_default();
        let spec = LeaseSpec {
            holder_identity: Some(self.options.holder.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: if is_own { before.acquire_time } else { now.clone() },
            lease_transitions: Some(if is_own { transitions } else { transitions.saturating_add(1) }),
            renew_time: now,
            ..LeaseSpec::default()
        };
        let labels = Some(lease_labels(&self.options));
        let metadata = ObjectMeta { name: Some(self.name.clone()), labels, ..lease.metadata };
        Lease { metadata, spec: Some(spec) }
    }

    /// Returns whether the holder has not renewed its lease in time, by the clock of this server.
    ///
    /// The clocks of two machines may differ, so the dates in the lease say nothing.
    fn has_expired(&mut self, lease: &Lease) -> bool {
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        match &self.foreign {
            Some((seen, since)) if *seen == version => since.elapsed() >= DURATION,
            _ => {
                self.foreign = Some((version, Instant::now()));
                false
            }
        }
    }

    /// Deletes the lease if this server holds it, so that its successor does not wait.
    async fn release(&mut self) {
        let Ok(Some(lease)) = self.api.get_opt(&self.name).await else { return };
        if holder(&lease) != Some(&self.options.holder) {
            return;
        }
        let preconditions =
            Preconditions { uid: lease.metadata.uid, resource_version: lease.metadata.resource_version };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        if let Err(error) = self.api.delete(&self.name, &params).await {
            tracing::warn!(error = error_text(&error), "cannot give back the lease of the database");
        }
    }
}

/// Returns who holds a lease.
fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}
