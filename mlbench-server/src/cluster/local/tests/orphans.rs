//! Runs that the database does not know.

use mlbench_core::Timestamp;
use mlbench_core::run::RunKey;
use rustix::process::Signal;

use super::super::files::ranks_in;
use super::super::kill::{Supervisors, signal_all};
use super::harness::{Fixture, is_alive, wait_until};
use crate::clock::Clock;
use crate::cluster::interface::Cluster;
use crate::cluster::orphans::{OrphanSearch, Orphans};

/// Launches a daemon on rank 0 and returns its pid.
async fn daemon(fixture: &Fixture) -> i32 {
    fixture.sh("echo $$; exec sleep 1000").await;
    fixture.wait_for_output("\n").await;
    std::fs::read_to_string(fixture.file(0, "stdout")).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn only_purge_deletes_an_unknown_run_that_is_younger_than_the_database() {
    let fixture = Fixture::new(1);
    let pid = daemon(&fixture).await;
    let mut search = OrphanSearch { known: &[], last_write: Timestamp::EPOCH, purge: false };
    let Orphans { deleting, kept } = fixture.cluster.remove_orphans(&search).await.unwrap();
    let name = format!("run-3-{}", fixture.run.job_id);
    assert!(deleting == 0 && kept.len() == 1 && kept[0].contains(&name), "{kept:?}");
    assert!(is_alive(pid));
    search.purge = true;
    assert!(fixture.cluster.remove_orphans(&search).await.unwrap().deleting > 0);
    assert_eq!(fixture.cluster.remove_orphans(&search).await, Ok(Orphans::default()));
    wait_until("the end of the daemon", || async { !is_alive(pid) }).await;
    assert!(!fixture.file(0, "").exists());
}

#[tokio::test]
async fn an_older_unknown_run_is_deleted_and_a_known_one_is_not() {
    let fixture = Fixture::new(1);
    let pid = daemon(&fixture).await;
    let key = [RunKey::from(&fixture.run)];
    let mut search = OrphanSearch { known: &key, last_write: Clock::System.now(), purge: true };
    assert_eq!(fixture.cluster.remove_orphans(&search).await, Ok(Orphans::default()));
    assert!(is_alive(pid));
    (search.known, search.purge) = (&[], false);
    assert!(fixture.cluster.remove_orphans(&search).await.unwrap().deleting > 0);
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn runs_in_a_copied_directory_belong_to_the_original() {
    let fixture = Fixture::new(1);
    let pid = daemon(&fixture).await;
    let mark = fixture.file(0, "worker.json");
    let set_server = |name: &str| {
        let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&mark).unwrap()).unwrap();
        json["server"] = name.into();
        std::fs::write(&mark, json.to_string()).unwrap();
    };
    let mut search = OrphanSearch { known: &[], last_write: Clock::System.now(), purge: true };
    set_server("somebody else");
    assert_eq!(fixture.cluster.remove_orphans(&search).await.unwrap().kept.len(), 1);
    set_server("former");
    search.purge = false;
    assert_eq!(fixture.cluster.remove_orphans(&search).await.unwrap().kept.len(), 1);
    assert!(is_alive(pid));
    search.purge = true;
    assert_eq!(fixture.cluster.remove_orphans(&search).await.unwrap().kept.len(), 0);
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn processes_of_an_unknown_run_that_cannot_be_killed_are_given_up() {
    let fixture = Fixture::new(1);
    daemon(&fixture).await;
    let workers = &fixture.cluster.workers;
    let dir = workers.work_dir.run((&fixture.run).into());
    let look = || workers.remove(&dir, &ranks_in(&dir), |_| 2);
    assert_eq!((look(), look()), (Ok(2), Ok(2)));
    assert!(dir.exists());
    let processes = workers.identity(&fixture.rank(0));
    workers.stuck.expire(&dir);
    assert_eq!(look(), Ok(1));
    assert!(!dir.exists());
    assert!(!workers.stuck.is_over(&dir), "another run waits again");
    signal_all(&[processes], Signal::KILL, Supervisors::Include);
    let search = OrphanSearch { known: &[], last_write: Clock::System.now(), purge: false };
    assert_eq!(fixture.cluster.remove_orphans(&search).await, Ok(Orphans::default()));
}
