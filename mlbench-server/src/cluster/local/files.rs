//! The work directory, in which a restarted server finds its runs again.
//!
//! `<work dir>/run-3-<job id>/rank-0/` holds the files of the supervisor (see [`supervise`](super::supervise)) and
//! `worker.json`. The job id distinguishes this run 3 from run 3 of another database.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use mlbench_core::run::{OutputStream, RunKey};
use mlbench_core::{PodName, Timestamp};
use rustix::fs::{StatVfs, statvfs};
use serde::{Deserialize, Serialize};

use super::processes::{ProcessIdentity, RankIdentity};
use super::supervise::FREE_BYTES;
use super::{holes, index};
use crate::cluster::rank::{Arrival, Cut, CutReason, Offsets, RankRef};
use crate::cluster::supervisor::worker_id;
use crate::files::write_atomic;

/// How the variables with the directories of volumes begin (see [`Volume`](mlbench_core::needs::Volume)).
const VOLUME_VARIABLE: &str = "MLBENCH_VOLUME_";
/// Maximum number of bytes that one read returns of one stream.
const MAX_READ: u64 = 4 << 20;

/// The directory with all files of the local cluster.
#[derive(Debug, Clone)]
pub(super) struct WorkDir {
    root: PathBuf,
    /// The server whose runs the directory holds. A copied directory holds those of another one.
    instance: String,
}

impl WorkDir {
    /// Opens the directory, and creates it for its owner only when it does not exist.
    pub(super) fn open(root: &Path, instance: &str) -> io::Result<Self> {
        make_private(root)?;
        // Absolute, because a worker may change its current directory.
        Ok(Self { root: root.canonicalize()?, instance: instance.to_owned() })
    }

    /// Returns the path of the directory.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns whether this server has prepared a rank.
    pub(super) fn is_own(&self, placement: &Placement) -> bool {
        placement.server == self.instance
    }

    /// Returns whether its disk has no room for the output of a rank or for another file.
    pub(super) fn is_full(&self) -> bool {
        statvfs(&self.root).is_ok_and(|disk| lacks_room(&disk))
    }

    /// Returns the path of a file next to the runs.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Returns the directory of a run.
    pub(super) fn run(&self, run: RunKey) -> PathBuf {
        self.root.join(format!("run-{}-{}", run.id, run.job_id))
    }

    /// Returns the directory of a rank, which need not exist.
    pub(super) fn rank(&self, at: &RankRef) -> RankDir {
        RankDir(self.run(at.run).join(format!("rank-{}", at.rank)))
    }

    /// Creates the directory of a rank, and records its worker id and pod.
    pub(super) fn prepare(&self, at: &RankRef) -> io::Result<RankDir> {
        let dir = self.rank(at);
        make_private(&dir.0)?;
        let placement =
            Placement { worker_id: worker_id(at), pod: at.pod.clone(), server: self.instance.clone() };
        write_atomic(&dir.0.join("worker.json"), serde_json::to_vec(&placement)?)?;
        Ok(dir)
    }

    /// Returns every rank of every run of this server that has a directory.
    pub(super) fn ranks(&self) -> Vec<(RankDir, Placement)> {
        let mut all: Vec<_> = self.runs().iter().flat_map(|run| ranks_in(run)).collect();
        all.retain(|(_, placement)| self.is_own(placement));
        all
    }

    /// Returns the directories of all runs, also of other servers.
    pub(super) fn runs(&self) -> Vec<PathBuf> {
        entries(&self.root, "run-")
    }
}

/// Returns the ranks of a run's directory.
pub(super) fn ranks_in(run: &Path) -> Vec<(RankDir, Placement)> {
    let rank = |path: PathBuf| {
        let placement = serde_json::from_slice(&fs::read(path.join("worker.json")).ok()?).ok()?;
        Some((RankDir(path), placement))
    };
    entries(run, "rank-").into_iter().filter_map(rank).collect()
}

fn lacks_room(disk: &StatVfs) -> bool {
    // Some file systems have no limit of files.
    let lacks_files = disk.f_files > 0 && disk.f_favail == 0;
    lacks_files || disk.f_bavail.saturating_mul(disk.f_frsize) < FREE_BYTES
}

fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn entries(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let named =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(named).collect()
}

/// The content of `worker.json`: the rank that a directory belongs to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Placement {
    /// The worker id in the environment of the rank's processes.
    pub worker_id: String,
    /// The pod.
    pub pod: PodName,
    /// The server that has prepared the directory.
    pub server: String,
}

/// The files of one rank.
#[derive(Debug, Clone)]
pub(super) struct RankDir(PathBuf);

impl RankDir {
    /// Creates a directory for each volume of the rank, and returns the variables that name them.
    ///
    /// The release of the run deletes them with everything else of it.
    pub(super) fn make_volumes(&self, env: &[(String, String)]) -> io::Result<Vec<(String, PathBuf)>> {
        let volumes = env.iter().filter_map(|(name, _)| Some((name, name.strip_prefix(VOLUME_VARIABLE)?)));
        let made = |(name, volume): (&String, &str)| {
            let path = self.0.join("volumes").join(volume.to_ascii_lowercase());
            make_private(&path).map(|()| (name.clone(), path))
        };
        volumes.map(made).collect()
    }

    /// Returns the path of the directory.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the supervisor of the rank, or `None` before the launch and after the release.
    pub(super) fn supervisor(&self) -> Option<ProcessIdentity> {
        ProcessIdentity::parse(&fs::read_to_string(self.0.join("identity")).ok()?)
    }

    /// Returns the marks of the rank's processes in the boot with this id.
    pub(super) fn identity(&self, worker_id: String, boot_id: &str) -> RankIdentity {
        let supervisor = self.supervisor().filter(|found| found.boot_id == boot_id);
        let group = fs::read_to_string(self.group_note()).ok().map(PathBuf::from);
        RankIdentity { worker_id, supervisor, group, seen: Vec::new() }
    }

    /// Returns the path of the file that names the cgroup of the rank.
    pub(super) fn group_note(&self) -> PathBuf {
        self.0.join("cgroup")
    }

    /// Returns when the server prepared the launch of the rank.
    pub(super) fn prepared_at(&self) -> Option<Timestamp> {
        self.modified_at("worker.json")
    }

    /// Returns when the command ended. Its supervisor has written the exit code then.
    pub(super) fn ended_at(&self) -> Option<Timestamp> {
        self.modified_at("exit_code")
    }

    fn modified_at(&self, name: &str) -> Option<Timestamp> {
        let modified = fs::metadata(self.0.join(name)).ok()?.modified().ok()?;
        let micros = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_micros();
        Some(Timestamp::from_micros(i64::try_from(micros).ok()?))
    }

    /// Returns the exit code of the command.
    ///
    /// Ignores a file without a newline: the supervisor is writing it, or a power failure cut it off.
    pub(super) fn exit_code(&self) -> Option<i32> {
        fs::read_to_string(self.0.join("exit_code")).ok()?.strip_suffix('\n')?.trim_start().parse().ok()
    }

    /// Returns the supervisor's own `stat` and `io`, written after its children had ended.
    pub(super) fn usage(&self) -> Option<String> {
        fs::read_to_string(self.0.join("usage")).ok()
    }

    /// Reads a stream from `offset` on, and returns whether it reached the end.
    ///
    /// Gives back the space of earlier bytes.
    ///
    /// # Errors
    /// When the file cannot be read. A missing file counts as empty.
    pub(super) fn read(&self, stream: OutputStream, offset: u64) -> io::Result<(Bytes, bool)> {
        let mut file = match OpenOptions::new().read(true).write(true).open(self.output(stream)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Bytes::new(), true)),
            Err(error) => return Err(error),
        };
        if offset >= Offsets::NO_MORE {
            let stop = self.output(stream).with_extension("stop");
            if !stop.exists() {
                // Without room for the mark the supervisor stops at the limit.
                let _ = fs::write(stop, "");
            }
            holes::punch(&file, file.metadata()?.len());
            return Ok((Bytes::new(), true));
        }
        holes::punch(&file, offset.saturating_sub(Offsets::KEPT));
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(MAX_READ).read_to_end(&mut bytes)?;
        let all = (bytes.len() as u64) < MAX_READ;
        Ok((bytes.into(), all))
    }

    /// Returns when the bytes of both streams after `from` came.
    pub(super) fn arrivals(&self, from: Offsets, stdout: &Bytes, stderr: &Bytes) -> Vec<Arrival> {
        index::arrivals(&self.0, from, stdout.len(), stderr.len())
    }

    /// Returns the streams whose end is missing, and why.
    pub(super) fn cuts(&self) -> Vec<Cut> {
        let cut = |stream| {
            let mark = fs::read(self.output(stream).with_extension("cut")).ok()?;
            let reason = match mark.trim_ascii() {
                // The room that is taken before the command starts.
                b"" if !mark.is_empty() => return None,
                b"limit" => CutReason::Limit,
                b"ulimit" => CutReason::FileSize,
                _ => CutReason::DiskFull,
            };
            Some(Cut { stream, reason })
        };
        [OutputStream::Stdout, OutputStream::Stderr].into_iter().filter_map(cut).collect()
    }

    fn output(&self, stream: OutputStream) -> PathBuf {
        self.0.join(match stream {
            OutputStream::Stdout => "stdout",
            OutputStream::Stderr | OutputStream::Unknown => "stderr",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_full_without_bytes_or_without_files() {
        let full = |f_bavail, f_files, f_favail| {
            let disk = statvfs("/").unwrap();
            lacks_room(&StatVfs { f_frsize: 4_096, f_bavail, f_files, f_favail, ..disk })
        };
        assert!(!full(FREE_BYTES / 4_096, 10, 1) && !full(u64::MAX, 0, 0));
        assert!(full(FREE_BYTES / 4_096 - 1, 10, 1) && full(u64::MAX, 10, 0));
    }
}
