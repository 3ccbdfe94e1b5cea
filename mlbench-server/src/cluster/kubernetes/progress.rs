//! What the server remembers of the runs that it provisions and releases, so that it requests nothing twice.
//!
//! The cluster holds the truth. A new server process remembers nothing, and finds everything again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::pace::Pace;
use crate::cluster::error::ClusterError;

/// Time after which the server looks again whether the objects of a waiting run still exist.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// Time before the first read of events, and between two of them.
const EVENT_INTERVALS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// What the server remembers of each run.
#[derive(Default)]
pub(crate) struct Runs(Mutex<HashMap<Uuid, Arc<tokio::sync::Mutex<Progress>>>>);

impl Runs {
    /// Returns what is known of a run.
    pub(crate) fn of(&self, job: Uuid) -> Arc<tokio::sync::Mutex<Progress>> {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(runs.entry(job).or_default())
    }

    /// Forgets a run of which nothing is left.
    pub(crate) fn forget(&self, job: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&job);
    }
}

/// What the server remembers of one run.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) objects: Objects,
    pub(crate) warnings: Warnings,
    pub(crate) pods: PreparedPods,
    pub(crate) release: Release,
}

/// The objects of a worker set.
#[derive(Default)]
pub(crate) struct Objects {
    /// Name and uid of the Service.
    pub(crate) service: Option<(String, String)>,
    /// Whether the Secret exists.
    pub(crate) has_token: bool,
    /// Whether the StatefulSet exists.
    pub(crate) has_set: bool,
    pub(crate) attempts: Pace,
    /// Why the last attempt to create them failed, or only has to be repeated.
    pub(crate) failure: Option<Result<String, ClusterError>>,
    checked: Option<Instant>,
}

impl Objects {
    /// Returns whether all of them exist, as far as the server has to know.
    pub(crate) fn exist(&self) -> bool {
        self.has_set && self.checked.is_some_and(|checked| checked.elapsed() < CHECK_INTERVAL)
    }

    /// Notes that all of them exist now.
    pub(crate) fn set_checked(&mut self) {
        self.checked = Some(Instant::now());
    }

    /// Forgets objects that were deleted.
    pub(crate) fn forget(&mut self) {
        (self.service, self.has_token, self.has_set) = (None, false, false);
    }
}

/// The newest warning about each object of a run.
#[derive(Default)]
pub(crate) struct Warnings {
    known: HashMap<String, (Instant, Option<String>)>,
    next: Option<Instant>,
}

impl Warnings {
    /// Returns the object whose events to read now, or `None` while it is too early for that.
    ///
    /// One of them at a time, so that the number of requests does not grow with that of the workers.
    pub(crate) fn due<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        let now = Instant::now();
        if *self.next.get_or_insert(now + EVENT_INTERVALS.0) > now {
            return None;
        }
        let read = |name: &&str| self.known.get(*name).map(|(at, _)| *at);
        let name = names.min_by_key(read)?;
        self.next = Some(now + EVENT_INTERVALS.1);
        Some(name)
    }

    /// Keeps the newest warning about an object.
    pub(crate) fn set(&mut self, name: &str, warning: Option<String>) {
        self.known.insert(name.to_owned(), (Instant::now(), warning));
    }

    /// Returns the newest warning about an object.
    pub(crate) fn about(&self, name: &str) -> Option<&str> {
        self.known.get(name)?.1.as_deref()
    }
}

/// The containers that have the directory of their rank.
#[derive(Default)]
pub(crate) struct PreparedPods {
    pub(crate) done: HashSet<String>,
    pub(crate) attempts: Pace,
    /// What the last attempt found missing.
    pub(crate) missing: Vec<String>,
}

/// The release of the workers.
#[derive(Default)]
pub(crate) struct Release {
    pub(crate) looks: Pace,
    /// The ranks of which nothing is left in their static pods.
    pub(crate) clean: HashSet<u32>,
    /// Whether the last look found pods that the watch knows.
    pub(crate) waits_for_pods: bool,
    /// When each rank whose pod executes no commands was first released.
    pub(crate) deaf_since: HashMap<u32, Instant>,
    /// When processes of each rank that SIGKILL does not end were first found.
    pub(crate) stuck_since: HashMap<u32, Instant>,
    /// Why the last look failed.
    pub(crate) failure: Option<ClusterError>,
}
