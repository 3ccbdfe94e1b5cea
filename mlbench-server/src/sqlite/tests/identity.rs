use std::fs;

use mlbench_core::RunState;

use super::*;

impl Store {
    /// Copies the database with its log to another directory and opens the copy.
    fn copied(&self, change: impl FnOnce(&mut Options)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mlbench.db");
        for suffix in ["", "-wal"] {
            let file = |path: &std::path::Path| format!("{}{suffix}", path.display());
            fs::copy(file(&self.options.path), file(&path)).unwrap();
        }
        let mut options = Options { path, ..self.options.clone() };
        change(&mut options);
        Self { storage: SqliteStorage::open(options.clone()).unwrap(), options, directory }
    }
}

#[tokio::test]
async fn copied_database_has_another_name_and_disowns_active_runs() {
    let store = Store::new();
    let ended = store.finished_run().await;
    let active = store.started_run().await;
    let queued = store.queue_run(new_run("queued"), 2, at(5)).await.unwrap().id;
    store.add_run_token(active, TokenHash([1; 32])).await.unwrap();
    let copy = store.copied(|_| {});
    let (original, identity) = (store.identity(), copy.identity());
    assert_ne!(identity.instance, original.instance);
    assert_eq!(identity.former, std::slice::from_ref(&original.instance));
    let moved = identity.moved.as_ref().unwrap();
    assert_eq!(moved.disowned, Some(vec![active, queued]));
    assert!(moved.from.ends_with(store.options.path.to_str().unwrap()), "{moved:?}");
    for id in [active, queued] {
        let run = copy.run(id).await.unwrap();
        assert_eq!((run.state, run.finished_at), (RunState::Failed, Some(at(5))));
        assert!(run.reason().unwrap().contains("belongs to another server"), "{:?}", run.reason());
    }
    assert_eq!(copy.run(ended).await.unwrap().state, RunState::Stopped);
    assert_eq!(copy.run_for_token(TokenHash([1; 32])).await.unwrap(), None);
    assert_eq!(store.active_runs().await.unwrap().len(), 2, "the original is unchanged");

    let name = identity.instance.clone();
    let copy = copy.reopened();
    assert_eq!((&copy.identity().instance, &copy.identity().moved), (&name, &None));
}

#[tokio::test]
async fn copied_database_tears_no_deleted_run_down() {
    let store = Store::new();
    let id = store.started_run().await;
    store.delete_run(id).await.unwrap();
    assert_eq!(store.deleted_runs().await.unwrap().len(), 1);
    let copy = store.copied(|_| {});
    assert!(copy.deleted_runs().await.unwrap().is_empty());
    copy.until_zero("SELECT count(*) FROM run").await;
}

#[tokio::test]
async fn adopted_database_keeps_its_name_and_its_runs() {
    let store = Store::new();
    let id = store.started_run().await;
    let moved = store.copied(|options| options.adopt = true);
    assert_eq!(moved.identity().instance, store.identity().instance);
    assert_eq!(moved.identity().moved.as_ref().unwrap().disowned, None);
    assert_eq!(moved.run(id).await.unwrap().state, RunState::Started);
    let again = moved.reopened();
    assert_eq!(again.identity().moved, None);
}

#[tokio::test]
async fn every_part_of_the_place_counts() {
    let store = Store::new();
    let id = store.started_run().await;
    let store = store.reopened();
    assert_eq!((&store.identity().moved, store.run(id).await.unwrap().state), (&None, RunState::Started));

    let Store { storage, mut options, directory } = store;
    drop(storage);
    options.machine = "another machine".to_owned();
    let storage = SqliteStorage::open(options.clone()).unwrap();
    assert_eq!(storage.run(id).await.unwrap().state, RunState::Failed);
    drop(storage);

    let restored = directory.path().join("restored");
    fs::copy(&options.path, &restored).unwrap();
    fs::rename(&restored, &options.path).unwrap();
    let storage = SqliteStorage::open(options).unwrap();
    assert_eq!(storage.identity().former.len(), 2, "another file at the same path is another database");
}

#[tokio::test]
async fn last_write_is_known_when_the_database_is_opened() {
    let store = Store::new();
    assert_eq!(store.identity().last_write, Timestamp::EPOCH);
    store.started_run().await;
    let store = store.reopened();
    assert_eq!(store.identity().last_write, at(1));
    let id = store.runs().await.unwrap()[0].id;
    store.record_metrics(vec![metric(id, "cpu", 30, "1"), metric(id, "cpu", 20, "1")]).await.unwrap();
    assert_eq!(store.reopened().identity().last_write, at(30));
}
