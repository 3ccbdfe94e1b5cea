use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use mlbench_core::storage::PointsQuery;
use mlbench_core::storage::collect_points;

use super::*;

fn refusal(path: &Path) -> String {
    let error = SqliteStorage::open(Options::new(path)).err().expect("should have been refused");
    let sentence = error.detail().to_owned();
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    sentence.replace(path.to_str().unwrap(), "PATH")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn missing_directories_are_created_and_nobody_else_can_read_the_files() {
    let store =
        Store::with(|options| options.path = options.path.with_file_name("new").join("deep").join("db"));
    store.started_run().await;
    let path = &store.options.path;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for suffix in ["", "-wal", "-shm", ".lock"] {
        assert_eq!(mode(Path::new(&format!("{}{suffix}", path.display()))), 0o600, "{suffix}");
    }
}

#[test]
fn a_second_server_is_refused_and_told_of_the_first() {
    let store = Store::new();
    let pid = std::process::id();
    let expected = |who: &str| {
        format!(
            "the database PATH is in use by another mlbench server ({who}); stop that one or choose another database"
        )
    };
    assert_eq!(refusal(&store.options.path), expected(&format!("process {pid}")));
    store.set_address("http://127.0.0.1:8000").unwrap();
    let with_address = expected(&format!("process {pid} at http://127.0.0.1:8000"));
    assert_eq!(refusal(&store.options.path), with_address);
    assert_eq!(refusal(&store.options.path), with_address, "being asked changes nothing");
}

#[tokio::test]
async fn what_a_dead_server_left_refuses_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    fs::write(directory.path().join("db.lock"), "pid 1\naddress http://127.0.0.1:8000\n").unwrap();
    SqliteStorage::open(Options::new(&path)).unwrap().close().await.unwrap();
    let left: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "only the database and its lock file stay: {left:?}");
    SqliteStorage::open(Options::new(&path)).unwrap();
}

#[test]
fn a_database_of_a_newer_server_is_refused() {
    let store = Store::new();
    let path = store.options.path.clone();
    drop(store.storage);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    let refusal = refusal(&path);
    let (before, after) = refusal.split_once(", this server knows ").unwrap();
    assert_eq!(before, "the database PATH was written by a newer mlbench server (its version is 1000");
    assert!(after.ends_with("); use that server or another database"), "{refusal}");
}

#[tokio::test]
async fn runs_of_an_older_server_were_admitted_when_they_were_created() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../schema/0001.sql")).unwrap();
    old.pragma_update(None, "application_id", 0x6d6c_626e).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.execute_batch(
        r#"INSERT INTO run (name, job_id, state, created_at, spec) VALUES
           ('old', '5ec9f286-e12d-41bc-886e-0174ef2bddae', 'STARTED', 7,
            '{"num_workers":1,"command":"x","gpu_enabled":false,"light_target":false,"use_horovod":false}')"#,
    )
    .unwrap();
    drop(old);
    let store = SqliteStorage::open(Options::new(&path)).unwrap();
    let run = store.run(RunId::new(1).unwrap()).await.unwrap();
    assert_eq!((run.admitted_at, run.is_queued()), (Some(run.created_at), false));
}

#[test]
fn what_is_no_database_of_ours_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    for content in ["short", &"these are notes ".repeat(1_000)] {
        fs::write(&text, content).unwrap();
        assert_eq!(refusal(&text), "PATH is not an SQLite database; choose another file");
        assert_eq!(fs::read_to_string(&text).unwrap(), content);
    }

    let other = directory.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert_eq!(refusal(&other), "the database PATH belongs to another program; choose another file");
    let tables = "SELECT count(*) FROM sqlite_schema";
    let count: i64 = Connection::open(&other).unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn a_place_that_cannot_hold_a_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(refusal(directory.path()), "cannot open the database PATH: it is a directory");
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let sentence = refusal(&file.join("db"));
    let expected = format!("cannot create the directory {} for the database: ", file.display());
    assert!(sentence.starts_with(&expected), "{sentence}");
    assert!(!sentence.contains("os error"), "{sentence}");
}

#[test]
fn a_second_server_that_comes_over_a_link_is_refused_too() {
    let store = Store::new();
    let link = store.directory.path().join("link.db");
    std::os::unix::fs::symlink(&store.options.path, &link).unwrap();
    assert!(refusal(&link).contains("is in use by another mlbench server"));
}

#[tokio::test]
async fn a_path_like_a_sqlite_address_is_a_plain_file() {
    let store = Store::with(|options| options.path = options.path.with_file_name("file:x?mode=memory"));
    store.started_run().await;
    assert!(store.options.path.exists());
    assert_eq!(store.reopened().runs().await.unwrap().len(), 1);
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let store = Store::new();
    let id = store.started_run().await;
    store.record_metric(metric(id, "loss", 1, "0.5"), None, at(1)).await.unwrap();
    store.append_server_message(id, "a note", at(1)).await.unwrap();
    let run = store.run(id).await.unwrap();
    let store = store.reopened();
    assert_eq!(store.runs().await.unwrap(), [run]);
    let points = collect_points(&store.storage, &PointsQuery::all(Owner::Run(id))).await.unwrap();
    assert_eq!(points.len(), 1);
    assert_eq!(store.number("SELECT count(*) FROM log_line").await, 1);
}
