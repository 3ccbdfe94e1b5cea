//! Backups of a server that writes, and what a killed backup leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mlbench_client::RunState;
use mlbench_tests::{
    CommandOutput, ServerOptions, TIMEOUT, TestServer, binary, eventually, run_program, tools,
};

const WRITERS: usize = 16;

async fn upkeep(args: &[&str]) -> CommandOutput {
    run_program(&binary("mlbench-server"), args).await
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_under_load_holds_every_acknowledged_point_once() {
    let server = TestServer::start().await;
    let run = server.external_run("load").await;
    let (stop, posted) = (AtomicBool::new(false), [const { AtomicUsize::new(0) }; WRITERS]);
    let write = async |writer: usize| {
        while !stop.load(Ordering::SeqCst) {
            let value = posted[writer].load(Ordering::SeqCst);
            let body = format!(r#"{{"run_id":{run},"name":"writer-{writer}","value":"{value}"}}"#);
            assert_eq!(server.post("/api/metrics/", &body).await.status, 201);
            posted[writer].store(value + 1, Ordering::SeqCst);
        }
    };
    let writers = futures_util::future::join_all((0..WRITERS).map(write));
    let counts = || posted.each_ref().map(|count| count.load(Ordering::SeqCst));
    let back_up = async {
        let mut made: Vec<([usize; WRITERS], PathBuf)> = Vec::new();
        for number in 0..3 {
            let before = counts();
            let more = || counts().iter().zip(&before).all(|(now, before)| now > before);
            eventually("every writer has gone on", TIMEOUT, async || more().then_some(())).await;
            let (acknowledged, target) = (counts(), server.dir().join(format!("{number}.backup")));
            let backup = upkeep(&["backup", text(&target), "--database", text(&server.database())]).await;
            assert_eq!(backup.code, 0, "{backup:?}");
            made.push((acknowledged, target));
        }
        stop.store(true, Ordering::SeqCst);
        made
    };
    let (_, made) = tokio::join!(writers, back_up);
    let checked = upkeep(&["check", "--database", text(&server.database())]).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    for (acknowledged, backup) in made {
        let database = server.dir().join("restored").join(backup.file_stem().unwrap());
        let restored = upkeep(&["restore", text(&backup), "--database", text(&database)]).await;
        assert_eq!(restored.code, 0, "{restored:?}");
        let checked = upkeep(&["check", "--database", text(&database)]).await;
        assert!(checked.code == 0 && checked.stdout.starts_with("ok "), "{checked:?}");
        let copy = ServerOptions::default().database(database).start().await;
        let shown = copy.client().runs().get(run).await.unwrap();
        assert_eq!(shown.state, RunState::Failed, "{shown:?}");
        let points = copy.get(&format!("/api/metrics/{run}/?metric_type=run")).await.json();
        let series: BTreeMap<String, Vec<serde_json::Value>> = serde_json::from_value(points).unwrap();
        for (writer, acknowledged) in acknowledged.into_iter().enumerate() {
            let values: Vec<usize> = series[&format!("writer-{writer}")]
                .iter()
                .map(|point| point["value"].as_str().unwrap().parse().unwrap())
                .collect();
            assert_eq!(values, (0..values.len()).collect::<Vec<_>>(), "each once, in order");
            assert!(values.len() >= acknowledged, "{} of {acknowledged} points", values.len());
        }
    }
}

#[tokio::test]
async fn a_killed_backup_leaves_no_file_with_its_name() {
    let server = TestServer::start().await;
    let run = server.external_run("large").await;
    let value = "x".repeat(500_000);
    for _ in 0..40 {
        let body = format!(r#"{{"run_id":{run},"name":"text","value":"{value}"}}"#);
        assert_eq!(server.post("/api/metrics/", &body).await.status, 201);
    }
    let (target, partial) = (server.dir().join("backup"), server.dir().join("backup.partial"));
    let database = server.database();
    let args = ["backup", text(&target), "--database", text(&database)];
    for megabytes in [0, 1, 8, 19] {
        let mut backup = tokio::process::Command::new(binary("mlbench-server"));
        backup.args(args).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let mut backup = backup.spawn().unwrap();
        while fs::metadata(&partial).map_or(0, |file| file.len() + 1) <= megabytes << 20 {
            assert!(backup.try_wait().unwrap().is_none(), "it ended before it had {megabytes} MB");
            tokio::task::yield_now().await;
        }
        backup.kill().await.unwrap();
        assert!(!target.exists(), "killed at {megabytes} MB");
        assert!(partial.exists());
    }
    let backup = upkeep(&args).await;
    assert_eq!(backup.code, 0, "{backup:?}");
    assert!(target.exists() && !partial.exists());
    let again = upkeep(&args).await;
    assert_eq!((again.code, again.stdout.as_str()), (1, ""));
    assert!(
        again.stderr.ends_with("backup: exists; name a new file, or delete it first\n"),
        "{}",
        again.stderr
    );
}

#[tokio::test]
async fn gc_on_a_full_disk_says_what_it_needs_and_keeps_the_reserve() {
    let Some(disk) = tools::small_disk(24) else { return };
    let (database, ballast) = (disk.path().join("mlbench.db"), disk.path().join("ballast"));
    fs::write(&ballast, vec![0; 8 << 20]).unwrap();
    let mut server = ServerOptions::default().database(database.clone()).start().await;
    let run = server.external_run("large").await;
    let value = "x".repeat(400_000);
    let body = format!(r#"{{"run_id":{run},"name":"text","value":"{value}"}}"#);
    while server.post("/api/metrics/", &body).await.status == 201 {}
    server.terminate().await;
    let filler = disk.fill();
    let gc = ["gc", "--database", text(&database)];
    let refused = upkeep(&gc).await;
    assert!(refused.stderr.contains("the disk is full; make room for "), "{refused:?}");
    let reserve = disk.path().join("mlbench.db-reserve");
    assert!(refused.code == 1 && reserve.exists());
    for file in [ballast, filler] {
        fs::remove_file(file).unwrap();
    }
    let collected = upkeep(&gc).await;
    assert!(collected.code == 0 && reserve.exists(), "{collected:?}");
    assert!(!disk.path().join("mlbench.db-wal").exists());
    let checked = upkeep(&["check", "--database", text(&database)]).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    server.restart().await;
}
