//! A run that fills the disk of the server.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use mlbench_core::RunState;
use rustix::fs::statvfs;
use tempfile::TempDir;

use super::harness::{World, spec};
use super::local::start_real_workers;
use super::process::{Exit, script};
use crate::skipped::skipped;
use crate::sqlite::{self, SqliteStorage};

/// A small file system in memory.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts it, which only root may do.
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=16m", "mlbench-test"]).arg(dir.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn free_bytes(&self) -> u64 {
        let disk = statvfs(self.path()).unwrap();
        disk.f_bavail * disk.f_frsize
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the storage of the test is still open.
        drop(Command::new("umount").arg("-l").arg(self.path()).status());
    }
}

#[tokio::test]
async fn a_run_that_filled_the_disk_is_stopped_and_the_next_one_runs() {
    let Some(disk) = SmallDisk::mount() else {
        skipped("needs root, to mount a small file system");
        return;
    };
    let mut world = World::without_launcher(vec![script(Exit::OnTerm)]);
    let deps = &mut world.deps;
    let storage = SqliteStorage::open(sqlite::Options::new(disk.path().join("mlbench.db"))).unwrap();
    deps.storage = Arc::new(storage);
    start_real_workers(&mut world, 1, disk.path().join("mlbench.db.work"), 256 << 20);
    let id = world.try_start_run(spec(1, "sh -c 'yes loss=nan | head -c 100000000'")).await.unwrap().id;
    world.until_started(id).await;
    world.when(async |_| disk.free_bytes() < 3 << 20).await;
    // What was free when the run began to wait may still go into the database.
    world
        .when(async |world| {
            world.storage().append_output(id, Vec::new()).await.is_err() || disk.free_bytes() < 2 << 20
        })
        .await;
    world.request_stop(id).await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Stopped, None));
    let next = world.try_start_run(spec(1, "echo hello")).await.unwrap().id;
    assert_eq!(world.until_ended(next).await.state, RunState::Finished);
    assert_eq!(world.lines(next, 0).await, ["hello"]);
}
