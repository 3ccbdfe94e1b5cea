use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use mlbench_core::storage::PointsQuery;
use mlbench_core::storage::collect_points;

use super::*;
use crate::sqlite::connection::migrations::migrate;

fn refusal(path: &Path) -> String {
    let error = SqliteStorage::open(Options::new(path)).err().expect("opening fails");
    let message = error.detail().to_owned();
    assert_eq!(message.lines().count(), 1, "{message}");
    message.replace(path.to_str().unwrap(), "PATH")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn missing_directories_are_created_and_files_are_private() {
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
fn second_server_is_refused_and_the_error_names_the_first() {
    let store = Store::new();
    let pid = std::process::id();
    let expected = |who: &str| {
        format!(
            "database PATH: in use by another mlbench server ({who}); stop that server or choose another database"
        )
    };
    assert_eq!(refusal(&store.options.path), expected(&format!("process {pid}")));
    store.set_address("http://127.0.0.1:8000");
    let with_address = expected(&format!("process {pid} at http://127.0.0.1:8000"));
    assert_eq!(refusal(&store.options.path), with_address);
    assert_eq!(refusal(&store.options.path), with_address, "a refused server changes nothing");
}

#[tokio::test]
async fn lock_file_of_a_dead_server_blocks_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    fs::write(directory.path().join("db.lock"), "pid 1\naddress http://127.0.0.1:8000\n").unwrap();
    SqliteStorage::open(Options::new(&path)).unwrap().close().await.unwrap();
    let left: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "only the database and its lock file remain: {left:?}");
    SqliteStorage::open(Options::new(&path)).unwrap();
}

#[test]
fn database_of_a_newer_server_is_refused() {
    let store = Store::new();
    let path = store.options.path.clone();
    drop(store.storage);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    let refusal = refusal(&path);
    let (before, after) = refusal.split_once(", this server supports up to ").unwrap();
    assert_eq!(before, "database PATH: written by a newer mlbench server (schema 1000");
    assert!(after.ends_with("); use that server or choose another database"), "{refusal}");
}

const FIRST_STEP: &str = "CREATE TABLE t (x INTEGER NOT NULL); INSERT INTO t VALUES (1);";
const SECOND_STEP: &str = "ALTER TABLE t ADD COLUMN y INTEGER; UPDATE t SET y = x + 1;";

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn older_database_gets_the_missing_steps_and_keeps_its_rows() {
    let (path, mut connection) = (Path::new("db"), Connection::open_in_memory().unwrap());
    migrate(&mut connection, path, &[FIRST_STEP]).unwrap();
    connection.execute("INSERT INTO t VALUES (7)", []).unwrap();
    for _ in 0..2 {
        migrate(&mut connection, path, &[FIRST_STEP, SECOND_STEP]).unwrap();
        assert_eq!(number(&connection, "PRAGMA user_version"), 2);
        assert_eq!(number(&connection, "SELECT sum(100 * x + y) FROM t"), 102 + 708);
    }
    let refused = migrate(&mut connection, path, &[FIRST_STEP]).unwrap_err();
    assert!(Error::from(refused).detail().contains("newer mlbench server"));
}

#[test]
fn interrupted_migration_continues_with_the_interrupted_step() {
    let (path, mut connection) = (Path::new("db"), Connection::open_in_memory().unwrap());
    let broken = format!("{SECOND_STEP} nonsense;");
    migrate(&mut connection, path, &[FIRST_STEP, &broken]).unwrap_err();
    assert_eq!(number(&connection, "PRAGMA user_version"), 1);
    assert_eq!(number(&connection, "SELECT count(*) FROM pragma_table_info('t')"), 1);
    migrate(&mut connection, path, &[FIRST_STEP, SECOND_STEP]).unwrap();
    assert_eq!(number(&connection, "SELECT y FROM t"), 2);
}

#[test]
fn foreign_file_is_refused_and_left_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    for content in ["short", &"these are notes ".repeat(1_000)] {
        fs::write(&text, content).unwrap();
        assert_eq!(refusal(&text), "database PATH: not an SQLite database; choose another file");
        assert_eq!(fs::read_to_string(&text).unwrap(), content);
    }

    let other = directory.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert_eq!(refusal(&other), "database PATH: belongs to another program; choose another file");
    let tables = "SELECT count(*) FROM sqlite_schema";
    let count: i64 = Connection::open(&other).unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn unusable_path_is_named_in_the_error() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(refusal(directory.path()), "database PATH: is a directory; choose a file");
    let socket = directory.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert_eq!(refusal(&socket), "database PATH: is a device, a pipe or a socket; choose a file");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let message = refusal(&file.join("db"));
    let expected = format!("database PATH: cannot create the directory {}: ", file.display());
    assert!(message.starts_with(&expected), "{message}");
    assert!(!message.contains("os error"), "{message}");
}

#[test]
fn second_server_through_a_symbolic_link_is_refused() {
    let store = Store::new();
    let link = store.directory.path().join("link.db");
    std::os::unix::fs::symlink(&store.options.path, &link).unwrap();
    assert!(refusal(&link).contains("in use by another mlbench server"));
}

#[tokio::test]
async fn a_hard_linked_backup_stops_only_who_opens_it() {
    let store = Store::new();
    let path = store.options.path.display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("mlbench.db");
    fs::hard_link(&path, &other).unwrap();
    let in_use = "database PATH: in use by another mlbench server (a read-only one, or under another name of the same file, a \
                  hard link); stop that server or choose another database";
    assert_eq!(refusal(&other), in_use);
    store.storage.ping().await.unwrap();
    let last = "database PATH: PATH has several hard links, and its last server did not use this name; start that one \
                again, or copy the file and use the copy";
    drop(store.storage);
    assert_eq!(refusal(&other), last);
    SqliteStorage::open(Options::new(&path)).unwrap().ping().await.unwrap();
    // A copy has one name.
    let copy = folder.path().join("copy.db");
    fs::copy(&other, &copy).unwrap();
    SqliteStorage::open(Options::new(&copy)).unwrap().ping().await.unwrap();
}

#[test]
fn a_file_that_no_server_knows_is_refused_with_a_second_name() {
    let folder = tempfile::tempdir().unwrap();
    let [path, other] = ["a.db", "b.db"].map(|name| folder.path().join(name));
    // The log of the other name may hold all of it.
    fs::write(&path, "").unwrap();
    fs::hard_link(&path, &other).unwrap();
    assert!(refusal(&path).contains("several hard links"));
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    fs::remove_file(&other).unwrap();
    SqliteStorage::open(Options::new(&path)).unwrap();
}

#[test]
fn the_log_of_a_running_server_under_another_name_is_refused() {
    let store = Store::new();
    let path = store.options.path.display().to_string();
    let other = store.directory.path().join("other.db");
    fs::hard_link(format!("{path}-wal"), format!("{}-wal", other.display())).unwrap();
    let refusal = refusal(&other);
    assert!(refusal.starts_with("database PATH: PATH-wal has several hard links"), "{refusal}");
    drop(store.storage);
    SqliteStorage::open(Options::new(&path)).unwrap();
}

#[tokio::test]
async fn a_hard_linked_log_of_a_killed_server_stops_only_others() {
    let store = Store::new();
    let id = store.started_run().await;
    let path = store.options.path.clone();
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |file: &str| folder.path().join(file);
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    let parts = ["", "-wal", "-shm"];
    for part in parts {
        fs::copy(beside(part), in_folder(&format!("killed{part}"))).unwrap();
    }
    drop(store.storage);
    // As the server would have left it, had it been killed. The database itself keeps its inode.
    for part in parts {
        fs::copy(in_folder(&format!("killed{part}")), beside(part)).unwrap();
    }
    fs::copy(&path, in_folder("copy.db")).unwrap();
    for part in ["-wal", "-shm"] {
        fs::hard_link(beside(part), in_folder(&format!("copy.db{part}"))).unwrap();
    }
    let message = refusal(&in_folder("copy.db"));
    assert!(message.starts_with("database PATH: PATH-wal has several hard links"), "{message}");
    fs::remove_file(in_folder("copy.db-wal")).unwrap();
    let message = refusal(&in_folder("copy.db"));
    assert!(message.starts_with("database PATH: PATH-shm has several hard links"), "{message}");
    // The refused server may have made one.
    let _ = fs::remove_file(in_folder("copy.db-wal"));
    fs::hard_link(beside("-wal"), in_folder("copy.db-wal")).unwrap();
    let storage = SqliteStorage::open(Options::new(&path)).unwrap();
    assert_eq!(storage.run(id).await.unwrap().id, id);
}

#[tokio::test]
async fn full_disk_under_the_lock_file_keeps_no_server_from_starting() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    std::os::unix::fs::symlink("/dev/full", directory.path().join("db.lock")).unwrap();
    let storage = SqliteStorage::open(Options::new(&path)).unwrap();
    storage.set_address("http://127.0.0.1:8000");
    storage.ping().await.unwrap();
}

#[test]
fn reserve_of_an_ended_server_is_free_until_the_next_one_has_started() {
    let store = Store::new();
    let reserve = store.directory.path().join("mlbench.db-reserve");
    assert!(!reserve.exists());
    store.take_reserve();
    let store = {
        let Store { storage, options, directory } = store;
        drop(storage);
        assert!(reserve.exists(), "somebody else could fill the disk");
        // A refused server takes nothing from the one that runs.
        Store { storage: SqliteStorage::open(options.clone()).unwrap(), options, directory }
    };
    assert!(!reserve.exists(), "the server needs room to start");
    store.take_reserve();
    refusal(&store.options.path);
    assert!(reserve.exists(), "a refused server changes nothing");
}

#[tokio::test]
async fn path_that_looks_like_a_sqlite_uri_is_a_plain_file() {
    let store = Store::with(|options| options.path = options.path.with_file_name("file:x?mode=memory"));
    store.started_run().await;
    assert!(store.options.path.exists());
    assert_eq!(store.reopened().runs().await.unwrap().len(), 1);
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let store = Store::new();
    let id = store.started_run().await;
    store.record_metric(metric(id, "loss", 1, "0.5"), None, at(1)).await.unwrap();
    store.append_server_message(id, "a message", at(1)).await.unwrap();
    let run = store.run(id).await.unwrap();
    let store = store.reopened();
    assert_eq!(store.runs().await.unwrap(), [run]);
    let points = collect_points(&store.storage, &PointsQuery::all(Owner::Run(id))).await.unwrap();
    assert_eq!(points.len(), 1);
    assert_eq!(store.number("SELECT count(*) FROM log_line").await, 1);
}
