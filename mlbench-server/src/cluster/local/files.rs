//! The work directory: what a run leaves on disk while it runs, and how it is found again after a restart.
//!
//! `<work dir>/run-3-<job id>/rank-0/` holds the files of the supervisor (see `supervisor.sh`) and `worker.json`. The
//! job id is in the name so that a run 3 of another database can never be taken for this one.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mlbench_core::PodName;
use mlbench_core::run::RunKey;
use serde::{Deserialize, Serialize};

use super::processes::{Identity, Owner};
use crate::cluster::RankRef;
use crate::cluster::supervisor::worker_id;
use crate::files::write_atomic;

/// The most bytes of one stream that are read at once.
const MAX_READ: u64 = 4 << 20;

/// Where everything of the local cluster is kept.
#[derive(Debug, Clone)]
pub(super) struct WorkDir {
    root: PathBuf,
}

impl WorkDir {
    /// Makes the directory, for its owner only.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        make_private(root)?;
        // Absolute: workers have the path from us and may be anywhere.
        Ok(Self { root: root.canonicalize()? })
    }

    /// A file beside the runs.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The directory of a run.
    pub(super) fn run(&self, run: RunKey) -> PathBuf {
        self.root.join(format!("run-{}-{}", run.id, run.job_id))
    }

    /// The directory of a rank, there or not.
    pub(super) fn rank(&self, at: &RankRef) -> RankDir {
        RankDir(self.run(at.run).join(format!("rank-{}", at.rank)))
    }

    /// Makes the directory of a rank and notes whose it is.
    pub(super) fn prepare(&self, at: &RankRef) -> io::Result<RankDir> {
        let dir = self.rank(at);
        make_private(&dir.0)?;
        let placement = Placement { worker_id: worker_id(at), pod: at.pod.clone() };
        write_atomic(&dir.0.join("worker.json"), serde_json::to_vec(&placement)?)?;
        Ok(dir)
    }

    /// Every rank that has a directory, of whatever run.
    pub(super) fn ranks(&self) -> Vec<(RankDir, Placement)> {
        let runs = entries(&self.root, "run-");
        runs.iter()
            .flat_map(|run| entries(run, "rank-"))
            .filter_map(|path| {
                let placement = serde_json::from_slice(&fs::read(path.join("worker.json")).ok()?).ok()?;
                Some((RankDir(path), placement))
            })
            .collect()
    }
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

/// Whose a rank's directory is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Placement {
    /// What the processes of the rank bear in their environment.
    pub worker_id: String,
    /// The pod.
    pub pod: PodName,
}

/// The files of one rank.
#[derive(Debug, Clone)]
pub(super) struct RankDir(PathBuf);

impl RankDir {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The supervisor that was started here; `None` before the launch, and when the directory is gone.
    pub(super) fn supervisor(&self) -> Option<Identity> {
        Identity::parse(&fs::read_to_string(self.0.join("identity")).ok()?)
    }

    /// What its processes are known by, in the boot with this id.
    pub(super) fn owner(&self, worker_id: String, boot_id: &str) -> Owner {
        Owner { worker_id, supervisor: self.supervisor().filter(|found| found.boot_id == boot_id) }
    }

    /// How the command ended. A file without a newline is not written yet, or of a machine that lost its power.
    pub(super) fn exit_code(&self) -> Option<i32> {
        fs::read_to_string(self.0.join("exit_code")).ok()?.strip_suffix('\n')?.parse().ok()
    }

    /// What the supervisor wrote about the usage of its children after their end: its own `stat` and `io`.
    pub(super) fn usage(&self) -> Option<String> {
        fs::read_to_string(self.0.join("usage")).ok()
    }

    /// The bytes of a stream (`stdout`, `stderr`) from `offset` on, and whether that is all there is.
    ///
    /// # Errors
    /// When the file cannot be read; one that is not there has no bytes.
    pub(super) fn read(&self, stream: &str, offset: u64) -> io::Result<(Bytes, bool)> {
        let mut file = match File::open(self.0.join(stream)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Bytes::new(), true)),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(MAX_READ).read_to_end(&mut bytes)?;
        let all = (bytes.len() as u64) < MAX_READ;
        Ok((bytes.into(), all))
    }
}
