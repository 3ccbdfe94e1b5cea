use super::fixtures::{at, code, ok};
use crate::error::ErrorCode;
use crate::experiment::{Experiment, ExperimentQuery, ExperimentWrite};
use crate::labels::{Tags, TagsPatch};
use crate::storage::storage_trait::Storage;
use crate::time::Timestamp;

fn tags(pairs: &[(&str, &str)]) -> Tags {
    ok(Tags::new(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))))
}

async fn create(store: &dyn Storage, name: &str, tags: Tags, now: Timestamp) -> (Experiment, bool) {
    ok(store.write_experiment(ExperimentWrite::Create { name: name.to_owned(), tags }, now).await)
}

async fn page(store: &dyn Storage, after: i64) -> Vec<Experiment> {
    ok(store.experiments(ExperimentQuery::After(after)).await)
}

/// Returns all experiments, page after page.
async fn all(store: &dyn Storage) -> Vec<Experiment> {
    let mut all = Vec::new();
    loop {
        let page = page(store, all.last().map_or(0, |last: &Experiment| last.id)).await;
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

pub(super) async fn an_experiment_is_created_once_and_changes(store: &dyn Storage) {
    assert_eq!(all(store).await, []);
    let (first, created) = create(store, "digits", tags(&[("team", "vision")]), at(1)).await;
    assert!(created);
    assert_eq!((first.id, first.name.as_str(), first.deleted), (1, "digits", false));
    assert_eq!((first.created_at, first.tags.get("team")), (at(1), Some("vision")));
    let again = create(store, "digits", Tags::default(), at(2)).await;
    assert_eq!(again, (first.clone(), false), "it stays as it is");
    let (second, _) = create(store, "other", Tags::default(), at(3)).await;
    assert_eq!(all(store).await, [first, second.clone()]);

    let patch = ok(TagsPatch::new([("a".to_owned(), Some("b".to_owned())), ("team".to_owned(), None)]));
    let update = |id| ExperimentWrite::Update { id, deleted: Some(true), tags: patch.clone() };
    let (changed, created) = ok(store.write_experiment(update(1), at(4)).await);
    assert_eq!((created, changed.deleted, changed.updated_at), (false, true, at(4)));
    assert_eq!(changed.tags, tags(&[("a", "b")]));
    assert_eq!(all(store).await, [changed, second]);
    assert_eq!(code(store.write_experiment(update(9), at(5)).await), ErrorCode::NotFound);
}

pub(super) async fn an_experiment_is_found_by_number_and_name(store: &dyn Storage) {
    let large = tags(&[("text", &"x".repeat(5_000))]);
    let mut created = Vec::new();
    for number in 0..450 {
        created.push(create(store, &format!("experiment {number}"), large.clone(), at(number)).await.0);
    }
    let find = async |query| ok(store.experiments(query).await);
    for experiment in [&created[0], &created[449]] {
        let expected = std::slice::from_ref(experiment);
        assert_eq!(find(ExperimentQuery::Id(experiment.id)).await, expected);
        assert_eq!(find(ExperimentQuery::Name(experiment.name.clone())).await, expected);
    }
    let other_case = ExperimentQuery::Name("EXPERIMENT 1".to_owned());
    for query in [ExperimentQuery::Id(0), ExperimentQuery::Id(451), other_case] {
        assert_eq!(find(query).await, []);
    }
    let mut names = ok(store.experiment_names().await);
    names.sort_by_key(|(_, id)| *id);
    let expected: Vec<_> = created.iter().map(|each| (each.name.clone(), each.id)).collect();
    assert_eq!(names, expected);
    assert_eq!(all(store).await, created);
    assert!(page(store, 0).await.len() < created.len(), "a page with large tags ends early");
    assert_eq!(page(store, 450).await, []);
}
