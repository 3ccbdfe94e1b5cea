//! Which objects and processes of unknown runs the server may delete.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use mlbench_core::Timestamp;
use uuid::Uuid;

use super::objects::names::RUN_LABEL;
use crate::cluster::orphans::OrphanSearch;

/// Selects the objects of unknown runs that may be deleted, and notes the others.
pub(crate) struct OrphanFilter<'a> {
    search: &'a OrphanSearch<'a>,
    jobs: HashSet<String>,
    /// Whether the objects bear an earlier name of the database.
    of_former_name: bool,
    kept: Mutex<BTreeSet<String>>,
}

impl<'a> OrphanFilter<'a> {
    /// Selects among the objects of this server.
    pub(crate) fn new(search: &'a OrphanSearch<'a>) -> Self {
        let jobs = search.known.iter().map(|run| run.job_id.to_string()).collect();
        Self { search, jobs, of_former_name: false, kept: Mutex::default() }
    }

    /// Selects among the objects that bear an earlier name of the database, whatever runs it knows.
    pub(crate) fn of_former_name(search: &'a OrphanSearch<'a>) -> Self {
        Self { jobs: HashSet::new(), of_former_name: true, ..Self::new(search) }
    }

    /// Returns whether an object may be deleted, and says so in the log.
    pub(crate) fn selects(&self, object: &ObjectMeta) -> bool {
        let Some(job) = object.labels.as_ref().and_then(|labels| labels.get(RUN_LABEL)) else { return false };
        if Uuid::parse_str(job).is_err() || self.jobs.contains(job) {
            return false;
        }
        let name = object.name.as_deref().unwrap_or_default();
        if self.may_delete(object) {
            if object.deletion_timestamp.is_none() {
                tracing::warn!(object = name, job, "deleting an object of an unknown run");
            }
            return true;
        }
        let owner = if self.of_former_name { ", of the server whose database was copied" } else { "" };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(format!("{name} (job {job}{owner})"));
        false
    }

    fn may_delete(&self, object: &ObjectMeta) -> bool {
        if self.of_former_name {
            return self.search.purge;
        }
        // Kubernetes cuts the fraction of a second off.
        let created = object
            .creation_timestamp
            .as_ref()
            .map(|time| Timestamp::from_micros(time.0.as_microsecond().saturating_add(999_999)));
        self.search.purge || created.is_some_and(|created| self.search.may_delete(created))
    }

    /// Returns the names of what may not be deleted.
    pub(crate) fn into_kept(self) -> impl Iterator<Item = String> {
        self.kept.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter()
    }
}

/// What the release of runs has found in a static pod.
#[derive(Debug, Default)]
pub(crate) struct Cleaned {
    /// Number of processes left.
    pub(crate) left: usize,
    /// What unknown runs may keep.
    pub(crate) kept: Vec<String>,
}

impl Cleaned {
    /// Reads the lines `deleting JOB` and `keeping JOB` of the script, and logs the first kind.
    pub(crate) fn new(pod: &str, left: usize, lines: &str) -> Self {
        let mut kept = Vec::new();
        for line in lines.lines() {
            match line.split_once(' ') {
                Some(("deleting", job)) => {
                    tracing::warn!(pod, job, "deleting files and processes of an unknown run");
                }
                Some(("keeping", job)) => kept.push(format!("processes in {pod} (job {job})")),
                _ => {}
            }
        }
        Self { left, kept }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use mlbench_core::RunId;
    use mlbench_core::run::RunKey;

    use super::*;

    fn object(job: Uuid, created: i64) -> ObjectMeta {
        ObjectMeta {
            name: Some("a-set".to_owned()),
            labels: Some(BTreeMap::from([(RUN_LABEL.to_owned(), job.to_string())])),
            creation_timestamp: Some(Time(k8s_openapi::jiff::Timestamp::from_second(created).unwrap())),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn only_older_objects_of_unknown_runs_are_deleted_without_purge() {
        let (known, unknown) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let key = [RunKey { id: RunId::new(1).unwrap(), job_id: known }];
        let last_write = Timestamp::from_micros(100_500_000);
        let mut search = OrphanSearch { known: &key, last_write, purge: false };
        let filter = OrphanFilter::new(&search);
        assert!(!filter.selects(&object(known, 50)) && !filter.selects(&object(known, 150)));
        assert!(filter.selects(&object(unknown, 99)));
        assert!(!filter.selects(&object(unknown, 100)), "it may have been created at 100.9 s");
        assert!(!filter.selects(&object(unknown, 150)));
        let job = unknown;
        assert_eq!(filter.into_kept().collect::<Vec<_>>(), [format!("a-set (job {job})")]);

        search.purge = true;
        let filter = OrphanFilter::new(&search);
        assert!(!filter.selects(&object(known, 150)) && filter.selects(&object(unknown, 150)));
        assert_eq!(filter.into_kept().count(), 0);
    }

    #[test]
    fn objects_of_the_original_database_are_deleted_only_by_purge() {
        let last_write = Timestamp::from_micros(100_000_000);
        let mut search = OrphanSearch { known: &[], last_write, purge: false };
        let (old, job) = (object(Uuid::from_u128(2), 1), Uuid::from_u128(2));
        let filter = OrphanFilter::of_former_name(&search);
        assert!(!filter.selects(&old));
        let kept = format!("a-set (job {job}, of the server whose database was copied)");
        assert_eq!(filter.into_kept().collect::<Vec<_>>(), [kept]);
        search.purge = true;
        assert!(OrphanFilter::of_former_name(&search).selects(&old));
    }

    #[test]
    fn the_script_names_what_it_keeps() {
        let cleaned = Cleaned::new("pool-0", 2, "deleting a\nkeeping b\nsomething else");
        assert_eq!((cleaned.left, &cleaned.kept[..]), (2, &["processes in pool-0 (job b)".to_owned()][..]));
    }
}
