use super::*;
use mlbench_core::storage::contract::storage_contract;

#[tokio::test]
async fn the_storage_contract_holds() {
    let directory = tempfile::tempdir().unwrap();
    let counter = std::sync::atomic::AtomicUsize::new(0);
    storage_contract(async || {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        SqliteStorage::open(Options::new(directory.path().join(format!("{number}.db")))).unwrap()
    })
    .await;
}

#[tokio::test]
async fn the_storage_contract_holds_with_pages_of_one_point() {
    let directory = tempfile::tempdir().unwrap();
    let counter = std::sync::atomic::AtomicUsize::new(0);
    storage_contract(async || {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        let path = directory.path().join(format!("{number}.db"));
        SqliteStorage::open(Options { page_points: 1, ..Options::new(path) }).unwrap()
    })
    .await;
}
