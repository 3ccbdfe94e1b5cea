use super::fixtures::{at, code, ok};
use crate::error::ErrorCode;
use crate::experiment::{Experiment, ExperimentWrite};
use crate::labels::{Tags, TagsPatch};
use crate::storage::storage_trait::Storage;
use crate::time::Timestamp;

fn tags(pairs: &[(&str, &str)]) -> Tags {
    ok(Tags::new(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))))
}

async fn create(store: &dyn Storage, name: &str, tags: Tags, now: Timestamp) -> (Experiment, bool) {
    ok(store.write_experiment(ExperimentWrite::Create { name: name.to_owned(), tags }, now).await)
}

pub(super) async fn an_experiment_is_created_once_and_changes(store: &dyn Storage) {
    assert_eq!(ok(store.experiments().await), []);
    let (first, created) = create(store, "digits", tags(&[("team", "vision")]), at(1)).await;
    assert!(created);
    assert_eq!((first.id, first.name.as_str(), first.deleted), (1, "digits", false));
    assert_eq!((first.created_at, first.tags.get("team")), (at(1), Some("vision")));
    let again = create(store, "digits", Tags::default(), at(2)).await;
    assert_eq!(again, (first.clone(), false), "it stays as it is");
    let (second, _) = create(store, "other", Tags::default(), at(3)).await;
    assert_eq!(ok(store.experiments().await), [first, second.clone()]);

    let patch = ok(TagsPatch::new([("a".to_owned(), Some("b".to_owned())), ("team".to_owned(), None)]));
    let update = |id| ExperimentWrite::Update { id, deleted: Some(true), tags: patch.clone() };
    let (changed, created) = ok(store.write_experiment(update(1), at(4)).await);
    assert_eq!((created, changed.deleted, changed.updated_at), (false, true, at(4)));
    assert_eq!(changed.tags, tags(&[("a", "b")]));
    assert_eq!(ok(store.experiments().await), [changed, second]);
    assert_eq!(code(store.write_experiment(update(9), at(5)).await), ErrorCode::NotFound);
}
