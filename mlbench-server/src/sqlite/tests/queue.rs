use super::*;

#[tokio::test]
async fn the_specification_of_a_run_that_waits_behind_another_is_not_read() {
    let store = Store::new();
    for _ in 0..3 {
        store.queue_run(new_run("x"), 2, at(1)).await.unwrap();
    }
    let spoil = |c: &Connection| Ok(c.execute("UPDATE run SET spec = 'unreadable' WHERE id = 3", [])?);
    assert_eq!(store.writer.write(0, spoil).await.unwrap(), 1);
    let queue = store.queue(2).await.unwrap();
    let position = |id: i64| queue.position(RunId::new(id).unwrap()).map(|place| place.position);
    assert_eq!([1, 2, 3].map(position), [None, Some(1), Some(2)]);
    assert_eq!(store.admit_runs(2, at(2)).await.unwrap(), []);
    assert_eq!(store.supervised_runs().await.unwrap().len(), 1);
    let last = store.queue_run(new_run("x"), 2, at(3)).await.unwrap();
    assert!(last.is_queued());
}
