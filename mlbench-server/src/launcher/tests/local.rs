//! The launcher with real processes on this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mlbench_core::storage::{LogPart, LogQuery};
use mlbench_core::{RunState, Timestamp};

use super::harness::{World, spec};
use super::process::{Exit, script};
use crate::cluster::Cluster;
use crate::cluster::local::{LocalCluster, Options, supervise};
use crate::monitor::Monitor;
use crate::settings;

/// Returns the time since 1970 of the system, which dates the output of real processes.
fn unix_time() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap()
}

/// Starts a world whose workers are real processes.
pub(super) fn world(workers: u32) -> World {
    let mut world = World::without_launcher(vec![script(Exit::OnTerm)]);
    let work_dir = world.directory.path().join("mlbench.db.work");
    start_real_workers(&mut world, workers, work_dir, 1 << 20);
    world
}

/// Starts the launcher with workers that are real processes, whose files are in `work_dir`.
pub(super) fn start_real_workers(world: &mut World, workers: u32, work_dir: PathBuf, output_limit: u64) {
    let deps = &mut world.deps;
    let options = Options {
        instance: "own".to_owned(),
        former: Vec::new(),
        workers,
        work_dir,
        environment: settings::environment(),
        supervisor: supervise::program_of_tests(),
        output_limit,
        clock: deps.clock.clone(),
    };
    let cluster: Arc<dyn Cluster> = Arc::new(LocalCluster::new(options).unwrap());
    deps.monitor = Monitor::new(Arc::clone(&deps.storage), Arc::clone(&cluster), deps.clock.clone());
    deps.cluster = cluster;
    Arc::make_mut(&mut deps.settings).grace_period = Duration::from_secs(10);
    world.start_launcher();
}

#[tokio::test]
async fn real_ranks_know_their_rank_and_all_their_output_is_stored() {
    let world = world(2);
    let command = r#"sh -c 'echo "$RANK of $WORLD_SIZE: $0"; echo {hosts} >&2; printf end' {rank}"#;
    let id = world.try_start_run(spec(2, command)).await.unwrap().id;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Finished, None));
    assert_eq!(world.lines(id, 0).await, ["0 of 2: 0", "end", "127.0.0.1,127.0.0.1"]);
    assert_eq!(world.lines(id, 1).await, ["1 of 2: 1", "end", "127.0.0.1,127.0.0.1"]);
}

/// Returns whether a file below `directory` holds `text`.
fn is_in_a_file(directory: &Path, text: &str) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => is_in_a_file(&path, text),
            false if !path.is_file() => false,
            // Files may be removed meanwhile.
            false => std::fs::read(&path).is_ok_and(|data| String::from_utf8_lossy(&data).contains(text)),
        }
    })
}

#[tokio::test]
async fn lines_of_both_streams_are_stored_in_the_order_and_with_the_dates_of_their_writing() {
    let mut world = world(1);
    // The program writes a line once the one before it was seen, so that its date lies between two dates of this test.
    let gate = world.directory.path().join("seen").display().to_string();
    let step = r#"$0$i; until [ -e "$GATE.$0$i" ]; do sleep 0.01; done"#.replace("$GATE", &gate);
    let lines = ["out", "err"].map(|stream| step.replace("$0", stream));
    let command = format!("sh -c 'for i in 1 2 3; do echo {}; echo >&2 {}; done'", lines[0], lines[1]);
    let id = world.try_start_run(spec(1, &command)).await.unwrap().id;
    let now = || Timestamp::from_micros(i64::try_from(unix_time().as_micros()).unwrap());
    let mut opened = vec![now()];
    let texts = ["out1", "err1", "out2", "err2", "out3", "err3"];
    for text in &texts[..5] {
        world.when(async |world| world.lines(id, 0).await.iter().any(|line| line == text)).await;
        opened.push(now());
        if *text == "out3" {
            // The last line is dated by the supervisor of the rank although no server reads it.
            world.kill_launcher().await;
        }
        std::fs::write(format!("{gate}.{text}"), "").unwrap();
    }
    world.when(async |world| is_in_a_file(&world.directory.path().join("mlbench.db.work"), "err3")).await;
    opened.push(now());
    std::fs::write(format!("{gate}.err3"), "").unwrap();
    world.start_launcher();
    world.until_ended(id).await;
    let query = LogQuery { stream: None, rank: Some(0), part: LogPart::Last(100) };
    let lines = world.storage().log_lines(id, query).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), texts);
    for (line, between) in lines.iter().zip(opened.windows(2)) {
        assert!(between[0] <= line.date && line.date <= between[1], "{line:?} is not in {between:?}");
    }
}

#[tokio::test]
async fn output_beyond_the_limit_is_not_kept_for_the_store() {
    let world = world(1);
    let id = world.try_start_run(spec(1, "sh -c 'yes 0123456789012345678901234567890123456789012345678901234567 | head -c 300000000; echo end >&2'")).await.unwrap().id;
    let run = world.until_ended(id).await;
    assert_eq!(run.state, RunState::Finished);
    assert_eq!(world.lines(id, 0).await.last().unwrap(), "end");
    let notes = world.server_messages(id).await;
    let text = "rank 0: standard output exceeded the output limit before it was stored; its end is discarded";
    assert!(notes.iter().any(|note| note == text), "{notes:?}");
}

#[tokio::test]
async fn a_real_run_outlives_its_server_and_is_stopped_by_the_next() {
    let mut world = world(2);
    let wait = r#"sh -c 'trap "echo stopped; exit 9" TERM; echo up; while :; do sleep 0.05; done'"#;
    let id = world.try_start_run(spec(2, wait)).await.unwrap().id;
    world.when(async |world| world.lines(id, 1).await == ["up"]).await;
    world.kill_launcher().await;
    world.start_launcher();
    world.request_stop(id).await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.exit_codes()), (RunState::Stopped, [(0, 9), (1, 9)].into()));
    for rank in [0, 1] {
        // Some shells also report on standard error that their `sleep` was terminated.
        assert_eq!(world.lines(id, rank).await[..2], ["up", "stopped"]);
    }
}

#[tokio::test]
async fn a_real_rank_killed_by_a_signal_fails_the_run_with_its_name() {
    let world = world(2);
    let command = r#"sh -c 'if [ $RANK = 1 ]; then kill -SEGV $$; fi; sleep 60'"#;
    let id = world.try_start_run(spec(2, command)).await.unwrap().id;
    let run = world.until_ended(id).await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.reason(), Some("rank 1 was killed by SIGSEGV (exit code 139)"));
    assert_eq!(run.exit_codes(), [(0, 143), (1, 139)].into());
}
