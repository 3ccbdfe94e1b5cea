//! Backups, restores, checks, space and migrations, without a server.

use std::fs;
use std::path::Path;

use mlbench_core::RunState;
use rusqlite::params;

use super::*;
use crate::sqlite::upkeep::{self, backup, check, gc, migrate, restore, try_migration};

/// A store with rows, packed and arrived chunks, text values and output, whose server has ended.
async fn filled() -> (TempDir, PathBuf, RunId) {
    let store = Store::with(|options| options.seal = NEVER);
    let id = store.started_run().await;
    let values =
        |from: i64| (from..from + 100).map(move |date| metric(id, "loss", date, &format!("{date}.5")));
    store.record_metrics(values(1_000).collect()).await.unwrap();
    store.record_metrics(values(2_000).collect()).await.unwrap();
    for (date, value) in [(1_050, "-1.25"), (5, "NaN"), (9_000, "x")] {
        store
            .record_metrics(vec![metric(id, "loss", date, value), metric(id, "state", date, value)])
            .await
            .unwrap();
    }
    store.append_server_message(id, "a line", at(3)).await.unwrap();
    let Store { storage, options, directory } = store;
    drop(storage);
    (directory, options.path, id)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Checks a database after a change by another program. Returns what is wrong.
fn problems_after(path: &Path, sql: &str) -> Vec<String> {
    let damaged = path.with_file_name("damaged.db");
    fs::copy(path, &damaged).unwrap();
    Connection::open(&damaged).unwrap().execute_batch(sql).unwrap();
    check(&damaged).unwrap().problems
}

#[tokio::test]
async fn backup_holds_everything_and_overwrites_nothing() {
    let (directory, path, _) = filled().await;
    let target = directory.path().join("backup.db");
    let made = backup(&path, &target, at(0)).unwrap();
    assert_eq!(made.contents.to_string(), "1 run, 206 points in 2 series, 1 line of output");
    assert_eq!(check(&target).unwrap().problems, Vec::<String>::new());
    let refusal = backup(&path, &target, at(0)).unwrap_err();
    assert_eq!(refusal.detail(), format!("{}: exists; name a new file, or delete it first", text(&target)));
    let folder = directory.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let dated = backup(&path, &folder, at(1_000_000)).unwrap();
    assert_eq!(dated.path, folder.join("mlbench-19700101T000001Z.sqlite3"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "one file, and nothing beside it");
}

#[tokio::test]
async fn what_a_killed_backup_left_is_replaced() {
    let (directory, path, _) = filled().await;
    let target = directory.path().join("backup.db");
    let partial = directory.path().join("backup.db.partial");
    fs::write(&partial, "half").unwrap();
    fs::write(directory.path().join("backup.db.partial-wal"), "half").unwrap();
    let held = fs::File::open(&partial).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let refusal = backup(&path, &target, at(0)).unwrap_err();
    assert!(refusal.detail().contains("another process writes it"), "{refusal:?}");
    drop(held);
    backup(&path, &target, at(0)).unwrap();
    assert!(check(&target).unwrap().problems.is_empty());
    assert!(!partial.exists() && !directory.path().join("backup.db.partial-wal").exists());
}

#[tokio::test]
async fn restored_database_has_another_name_also_at_the_place_of_the_original() {
    let (directory, path, id) = filled().await;
    let open = |adopt| SqliteStorage::open(Options { adopt, ..Options::new(&path) }).unwrap();
    let name = open(false).identity().instance.clone();
    let target = directory.path().join("backup.db");
    backup(&path, &target, at(0)).unwrap();
    assert!(restore(&target, &path).unwrap_err().detail().contains("exists"));
    for (adopt, state) in [(true, RunState::Started), (false, RunState::Failed)] {
        fs::remove_file(&path).unwrap();
        restore(&target, &path).unwrap();
        let restored = open(adopt);
        assert_eq!(restored.identity().instance == name, adopt);
        let from = &restored.identity().moved.as_ref().unwrap().from;
        assert!(from.starts_with("copy of "), "{from}");
        assert_eq!(restored.run(id).await.unwrap().state, state);
    }
    fs::remove_file(&path).unwrap();
    let log = format!("{}-wal", path.display());
    fs::write(&log, "of another database").unwrap();
    let refusal = restore(&target, &path).unwrap_err();
    assert_eq!(refusal.detail(), format!("{log}: exists; name a new file, or delete it first"));
}

#[tokio::test]
async fn damaged_backup_is_not_restored() {
    let (directory, path, _) = filled().await;
    let target = directory.path().join("backup.db");
    backup(&path, &target, at(0)).unwrap();
    let mut bytes = fs::read(&target).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(&target, bytes).unwrap();
    let place = directory.path().join("new.db");
    assert!(restore(&target, &place).is_err());
    assert!(!place.exists() && !directory.path().join("new.db.partial").exists());
    fs::write(&target, "no database").unwrap();
    assert!(restore(&target, &place).unwrap_err().detail().contains("not an SQLite database"));
}

#[tokio::test]
async fn check_names_what_is_wrong_by_run_and_series() {
    let (_directory, path, id) = filled().await;
    assert_eq!(check(&path).unwrap().problems, Vec::<String>::new());
    let loss = format!("run {id}, series \"loss\": ");
    for (sql, expected) in [
        ("UPDATE series SET count = count + 1 WHERE name = 'loss'", "count is 204 instead of 203"),
        ("UPDATE series SET max = 7 WHERE name = 'loss'", "maximum is 7 instead of 2099.5"),
        (
            "UPDATE series SET last_value = 1 WHERE name = 'loss'",
            "last value is another than that of the last point",
        ),
        ("DELETE FROM point WHERE date = 5 AND series = 1", "count is 203 instead of 202"),
        ("DELETE FROM chunk WHERE first_date = 2000", "count is 203 instead of 103"),
        (
            "UPDATE chunk SET body = zeroblob(length(body)) WHERE first_date = 1000",
            "body: has another checksum",
        ),
        ("UPDATE chunk SET header = x'00' WHERE first_date = 1000", "header: ends too early"),
        ("UPDATE chunk SET count = 3 WHERE first_date = 1000", "header: does not agree with its row"),
    ] {
        let found = problems_after(&path, sql);
        assert!(found.iter().all(|problem| problem.starts_with(&loss)), "{sql}: {found:?}");
        assert!(found.iter().any(|problem| problem.contains(expected)), "{sql}: {found:?}");
    }
    assert_eq!(
        problems_after(&path, "INSERT INTO log_line VALUES (77, 0, 1, 1, NULL, 'lost')"),
        ["run 77 does not exist, but 1 lines of output of it do"]
    );
    let found = problems_after(&path, "DELETE FROM run");
    assert!(
        found.iter().any(|problem| problem == "run 1 does not exist, but 2 series of it do"),
        "{found:?}"
    );
    let found = problems_after(&path, "UPDATE arrival SET last = 1");
    assert!(found.iter().any(|problem| problem.contains("after the last one, 1")), "{found:?}");
}

#[tokio::test]
async fn gc_deletes_what_no_request_can_reach_and_gives_space_back() {
    let store = Store::with(|options| options.seal = NEVER);
    let (gone, kept) = (store.finished_run().await, store.finished_run().await);
    for (key, date) in [("old", 1), ("new", 3 * 86_400_000_000)] {
        let write = metric(kept, "loss", date, "1");
        store.record_metric(write, Some(keyed(key)), at(1)).await.unwrap();
    }
    let Store { storage, options, directory: _directory } = store;
    drop(storage);
    let other = Connection::open(&options.path).unwrap();
    let text = "x".repeat(2_000);
    for run in [gone.get(), 99] {
        for seq in 1_000..1_500 {
            other
                .execute("INSERT INTO log_line VALUES (?1, 0, ?2, 1, NULL, ?3)", params![run, seq, text])
                .unwrap();
        }
    }
    other.execute("UPDATE run SET deletion = 2 WHERE id = ?1", [gone.get()]).unwrap();
    other.execute("UPDATE idempotency_key SET stored_at = 3 * 86400000000 WHERE key = 'new'", []).unwrap();
    drop(other);
    let collected = gc(&options.path, at(3 * 86_400_000_000)).unwrap();
    let upkeep::Collected { keys, runs, orphans, bytes_before, bytes } = collected;
    assert_eq!((keys, runs, orphans), (1, 1, 500));
    assert!(bytes_before > 2_000_000 && bytes < 500_000, "{bytes_before} {bytes}");
    let checked = check(&options.path).unwrap();
    assert!(checked.problems.is_empty(), "{checked:?}");
    assert_eq!(checked.contents.to_string(), "1 run, 2 points in 1 series, 0 lines of output");
}

#[tokio::test]
async fn what_writes_refuses_the_database_of_a_running_server() {
    let store = Store::new();
    let path = &store.options.path;
    let refusals = [gc(path, at(0)).map(drop), migrate(path).map(drop), try_migration(path).map(drop)];
    for refusal in refusals {
        assert!(refusal.unwrap_err().detail().contains("in use by another mlbench server"));
    }
    check(path).unwrap();
}

#[test]
fn older_schema_is_tried_then_migrated() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("old.db");
    fs::write(&path, include_bytes!("fixtures/before-chunks.db")).unwrap();
    assert!(check(&path).unwrap_err().detail().contains("run `mlbench-server migrate` first"));
    let schemas =
        |steps: Vec<upkeep::MigrationStep>| steps.iter().map(|step| step.schema).collect::<Vec<_>>();
    let tried = schemas(try_migration(&path).unwrap());
    assert!(!tried.is_empty());
    assert_eq!(schemas(try_migration(&path).unwrap()), tried, "nothing has changed");
    // A backup of an older server can be restored.
    let copy = directory.path().join("copy.db");
    backup(&path, &copy, at(0)).unwrap();
    for path in [path, copy] {
        assert_eq!(schemas(migrate(&path).unwrap()), tried);
        assert!(migrate(&path).unwrap().is_empty());
        assert_eq!(check(&path).unwrap().problems, Vec::<String>::new());
        // It was created before a database could give pages back.
        gc(&path, at(0)).unwrap();
        assert_eq!(check(&path).unwrap().problems, Vec::<String>::new());
        let mode: i64 =
            Connection::open(&path).unwrap().query_row("PRAGMA auto_vacuum", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, 2);
    }
}

#[test]
fn every_command_refuses_a_newer_database_and_one_of_another_program() {
    let directory = tempfile::tempdir().unwrap();
    let (newer, other) = (directory.path().join("newer.db"), directory.path().join("other.db"));
    drop(SqliteStorage::open(Options::new(&newer)).unwrap());
    Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 1000").unwrap();
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let target = directory.path().join("target.db");
    for (path, words) in
        [(&newer, "written by a newer mlbench server"), (&other, "belongs to another program")]
    {
        let refusals = [
            backup(path, &target, at(0)).map(drop),
            restore(path, &target).map(drop),
            check(path).map(drop),
            gc(path, at(0)).map(drop),
            migrate(path).map(drop),
        ];
        for refusal in refusals {
            let refusal = refusal.unwrap_err();
            assert!(refusal.detail().contains(words), "{refusal:?}");
        }
    }
    assert!(!target.exists());
    let missing = directory.path().join("missing.db");
    assert!(check(&missing).unwrap_err().detail().contains("No such file"));
    assert!(!missing.exists());
}
