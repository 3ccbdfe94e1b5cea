//! A run that fills the disk of the server.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use mlbench_core::RunState;
use rustix::fs::statvfs;
use tempfile::TempDir;
use tokio::time::timeout;

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

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_without_room_for_its_output_ends_as_it_did_when_there_is_room() {
    let ends = [(0, RunState::Finished, None), (3, RunState::Failed, Some("rank 1 exited with code 3"))];
    for (code, state, reason) in ends {
        let mut world =
            World::without_launcher(vec![script(Exit::WithCode(0)), script(Exit::WithCode(code))]);
        let settings = Arc::make_mut(&mut world.deps.settings);
        // Longer than a paused clock advances by itself.
        let limit = Duration::from_secs(100 * 24 * 3_600);
        (settings.time_limit, settings.exit_grace) = (Some(limit), Some(limit));
        // The store cannot take its reserve, as on a full disk.
        let obstacle = world.directory.path().join("mlbench.db-reserve");
        fs::create_dir(&obstacle).unwrap();
        world.start_launcher();
        let id = world.start_run().await;
        world.until_started(id).await;
        world.called("follow 1").await;
        let _elapsed = timeout(Duration::from_secs(10), std::future::pending::<()>()).await;
        tokio::time::advance(2 * limit).await;
        let _elapsed = timeout(Duration::from_secs(10), std::future::pending::<()>()).await;
        let waiting = world.storage().run(id).await.unwrap();
        assert_eq!((waiting.state, &waiting.outcome), (RunState::Started, &None));
        fs::remove_dir(&obstacle).unwrap();
        let run = world.until_ended(id).await;
        assert_eq!((run.state, run.reason()), (state, reason));
        for rank in [0, 1] {
            assert_eq!(world.lines(id, rank).await, ["one", "two", "last", "err"]);
        }
        assert!(world.cluster.is_clean());
    }
}
