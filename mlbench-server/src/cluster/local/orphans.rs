//! Removes the processes and files of runs that the database does not know. Every function may block.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use mlbench_core::Timestamp;
use mlbench_core::run::RunKey;
use rustix::process::Signal;

use super::cgroup;
use super::files::{Placement, RankDir, ranks_in};
use super::kill::{Supervisors, living, signal_all};
use super::processes::RankIdentity;
use super::workers::LocalWorkers;
use crate::cluster::error::ClusterError;
use crate::cluster::orphans::{OrphanSearch, Orphans};

impl LocalWorkers {
    /// Deletes what this server has left of unknown runs, as far as the search allows.
    pub(super) fn remove_orphans(&self, search: &OrphanSearch<'_>) -> Result<Orphans, ClusterError> {
        let mut orphans = Orphans::default();
        let kill = |ranks: &[RankIdentity]| signal_all(ranks, Signal::KILL, Supervisors::Include);
        for dir in self.unknown_runs(search.known) {
            let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let ranks = ranks_in(&dir);
            if self.may_delete(&ranks, search) {
                tracing::warn!(run = name, "deleting files and processes of an unknown run");
                orphans.deleting += self.remove(&dir, &ranks, kill)?;
            } else {
                orphans.kept.push(format!("{name} in {}", self.work_dir.root().display()));
            }
        }
        orphans.kept.sort_unstable();
        Ok(orphans)
    }

    fn unknown_runs(&self, known: &[RunKey]) -> Vec<PathBuf> {
        let known: HashSet<OsString> =
            known.iter().filter_map(|&run| Some(self.work_dir.run(run).file_name()?.to_owned())).collect();
        let mut runs = self.work_dir.runs();
        runs.retain(|dir| dir.file_name().is_some_and(|name| !known.contains(name)));
        runs
    }

    /// Returns whether every rank is of this server and old enough.
    ///
    /// A directory without ranks has no processes.
    fn may_delete(&self, ranks: &[(RankDir, Placement)], search: &OrphanSearch<'_>) -> bool {
        let is_own = |placement: &Placement| {
            self.work_dir.is_own(placement) || search.purge && self.former.contains(&placement.server)
        };
        let prepared = |dir: &RankDir| dir.prepared_at().unwrap_or(Timestamp::EPOCH);
        ranks.iter().all(|(dir, placement)| is_own(placement) && search.may_delete(prepared(dir)))
    }

    /// Kills the processes of a run, then deletes its directory.
    ///
    /// Gives up processes that cannot be killed. Returns how many it waits for, at least 1.
    pub(super) fn remove(
        &self,
        dir: &Path,
        ranks: &[(RankDir, Placement)],
        kill: impl Fn(&[RankIdentity]) -> usize,
    ) -> Result<usize, ClusterError> {
        let identity = |(dir, placement): &(RankDir, Placement)| {
            dir.identity(placement.worker_id.clone(), &self.boot_id)
        };
        let identities: Vec<RankIdentity> = ranks.iter().map(identity).collect();
        let left = kill(&identities);
        if left > 0 {
            if !self.stuck.is_over(dir) {
                return Ok(left);
            }
            let names = living(&identities, Supervisors::Include).join(", ");
            let run = dir.file_name().unwrap_or_default().display();
            tracing::warn!(%run, left, "giving up processes of an unknown run that cannot be killed: {names}");
        }
        self.stuck.forget(dir);
        identities.into_iter().filter_map(|rank| rank.group).for_each(|group| cgroup::remove(&group));
        match std::fs::remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ClusterError::Unreachable(format!("{}: cannot be deleted: {error}", dir.display())))
            }
            _ => Ok(1),
        }
    }
}
