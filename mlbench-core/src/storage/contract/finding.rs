use super::fixtures::{at, finish, id, new_run, ok};
use crate::labels::{ParamValue, Params, Tags};
use crate::run::{NewRun, RunState};
use crate::storage::run_search::{LabelFilter, NameFilter, RunOrder, RunsSearch, SortKey};
use crate::storage::storage_trait::Storage;

/// Stores five runs. All but the last one end, 1, 2 … µs later the later they began.
async fn five_runs(store: &dyn Storage) {
    for (i, name) in ["b", "A vision", "é", "a", "b"].into_iter().enumerate() {
        let number = i64::try_from(i).unwrap_or_default();
        let params = ok(Params::new([
            ("lr".to_owned(), ParamValue::from(if i < 2 { 0.1 } else { 0.2 })),
            ("id".to_owned(), number.to_string().into()),
        ]));
        let tags = ok(Tags::new([("host".to_owned(), name.to_owned())]));
        let run =
            ok(store.start_run_unless_active(NewRun { params, tags, ..new_run(name) }, at(9 - number)).await);
        if i < 4 {
            ok(store.run_started(run.id, 1, at(1)).await);
            finish(store, run.id).await;
        }
    }
}

async fn found(store: &dyn Storage, search: RunsSearch) -> Vec<i64> {
    let page = ok(store.find_runs(RunsSearch { limit: 100, ..search }).await);
    assert_eq!(page.next, None);
    for run in &page.runs {
        assert_eq!(*run, ok(store.run(run.id).await));
    }
    page.runs.iter().map(|run| run.id.get()).collect()
}

fn label<T>(name: &str, value: Option<T>) -> Vec<LabelFilter<T>> {
    vec![LabelFilter { name: name.to_owned(), value }]
}

pub(super) async fn runs_are_found_by_what_they_are(store: &dyn Storage) {
    five_runs(store).await;
    let all = RunsSearch::default;
    assert_eq!(found(store, all()).await, [1, 2, 3, 4, 5]);
    assert_eq!(found(store, RunsSearch { states: vec![RunState::Finished], ..all() }).await, [1, 2, 3, 4]);
    let states = vec![RunState::Initialized, RunState::Failed];
    assert_eq!(found(store, RunsSearch { states, ..all() }).await, [5]);
    let name = |filter| RunsSearch { name: Some(filter), ..all() };
    assert_eq!(found(store, name(NameFilter::Contains("a".to_owned()))).await, [2, 4]);
    assert_eq!(found(store, name(NameFilter::Is("a".to_owned()))).await, [4]);
    assert_eq!(found(store, RunsSearch { since: Some(at(7)), ..all() }).await, [1, 2, 3]);
    let lr = |value: &str| RunsSearch { params: label("lr", Some(ParamValue::parse(value))), ..all() };
    assert_eq!(found(store, lr("0.10")).await, [1, 2]);
    assert_eq!(found(store, lr("\"0.1\"")).await, [0; 0], "a text is no number");
    assert_eq!(found(store, RunsSearch { params: label("lr", None), ..all() }).await, [1, 2, 3, 4, 5]);
    assert_eq!(found(store, RunsSearch { tags: label("lr", None), ..all() }).await, [0; 0], "it is no tag");
    let tags = || label("host", Some("b".to_owned()));
    assert_eq!(found(store, RunsSearch { tags: tags(), ..all() }).await, [1, 5]);
    let both = RunsSearch { tags: tags(), params: label("id", Some("4".into())), ..all() };
    assert_eq!(found(store, both).await, [5]);
    ok(store.delete_run(id(1)).await);
    assert_eq!(found(store, RunsSearch { tags: tags(), ..all() }).await, [5]);
}

pub(super) async fn pages_of_every_order_have_each_run_once(store: &dyn Storage) {
    five_runs(store).await;
    for (key, expected) in [
        (SortKey::Id, [1, 2, 3, 4, 5]),
        (SortKey::Created, [5, 4, 3, 2, 1]),
        (SortKey::Finished, [1, 2, 3, 4, 5]),
        (SortKey::Name, [2, 4, 1, 5, 3]),
        (SortKey::State, [1, 2, 3, 4, 5]),
        (SortKey::Duration, [1, 2, 3, 4, 5]),
    ] {
        for descending in [false, true] {
            let order = RunOrder { key, descending };
            let mut expected = expected.to_vec();
            if descending {
                expected.reverse();
            }
            assert_eq!(
                found(store, RunsSearch { order, ..RunsSearch::default() }).await,
                expected,
                "{order}"
            );
            let (mut paged, mut after) = (Vec::new(), None);
            for _ in 0..5 {
                let page =
                    ok(store.find_runs(RunsSearch { order, after, limit: 2, ..RunsSearch::default() }).await);
                paged.extend(page.runs.iter().map(|run| run.id.get()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(paged, expected, "{order} in pages");
        }
    }
}
