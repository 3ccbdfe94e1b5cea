//! Pages of changes: long series, many changes, forgotten deletions.

use mlbench_core::run::OutputStream;
use mlbench_core::storage::{Changed, ChangesQuery, Interest};

use super::*;

fn of_run(id: RunId) -> Interest {
    Interest { of_runs: [id].into(), ..Interest::default() }
}

/// Reads all pages after a number. Returns the dates in the order of arrival and the number of pages.
async fn follow(store: &Store, interest: &Interest, mut after: i64) -> (Vec<i64>, usize) {
    let (mut dates, mut pages, mut newest) = (Vec::new(), 0, after);
    loop {
        let query = ChangesQuery { interest: interest.clone(), after, upto: None };
        let page = store.changes(&query).await.unwrap();
        assert!(page.is_known && page.changes.len() <= 10_000);
        for change in page.changes {
            assert!(newest < change.seq && change.seq <= page.upto);
            newest = change.seq;
            if let Changed::Point(point) = change.what {
                dates.push(point.date.as_micros());
            }
        }
        pages += 1;
        after = page.upto;
        if after == page.last {
            return (dates, pages);
        }
    }
}

async fn last(store: &Store) -> i64 {
    let query = ChangesQuery { interest: Interest::default(), after: 0, upto: None };
    store.changes(&query).await.unwrap().last
}

#[tokio::test]
async fn pages_have_every_point_once_in_the_order_of_arrival() {
    let store = Store::new();
    let id = store.started_run().await;
    // Ascending, descending, and late ones between: by far more than the tail that is read backwards.
    let ascending = 0..25_000;
    let descending = (100_000..106_000).rev();
    let mixed = (0..9_000).map(|i| if i % 7 == 0 { 50_000 + i } else { 200_000 + i });
    let dates: Vec<i64> = ascending.chain(descending).chain(mixed).collect();
    let begin = last(&store).await;
    for part in dates.chunks(1_300) {
        store.record_metrics(part.iter().map(|date| metric(id, "a", *date, "1")).collect()).await.unwrap();
    }
    let (found, pages) = follow(&store, &of_run(id), begin).await;
    assert!(found == dates, "{} of {} points", found.len(), dates.len());
    assert!(pages >= 4, "{pages}");
    for skipped in [1, 24_999, 25_000, 30_000, 39_999] {
        let after = begin + skipped;
        assert!(follow(&store, &of_run(id), after).await.0 == dates[skipped as usize..], "after {skipped}");
    }
    let store = store.reopened();
    assert!(follow(&store, &of_run(id), begin).await.0 == dates, "what arrived lately is not in memory");
}

#[tokio::test]
async fn few_changes_among_many_numbers_make_few_pages() {
    let store = Store::new();
    let id = store.started_run().await;
    let begin = last(&store).await;
    // As if so much of others had arrived in between.
    let others = |count: i64| {
        store
            .writer
            .write(0, move |c| Ok(c.execute("UPDATE arrival SET last = last + ?1", [count]).map(drop)?))
    };
    let mut dates = Vec::new();
    for part in 0..50 {
        let new: Vec<i64> = (part * 500..part * 500 + 500).collect();
        store.record_metrics(new.iter().map(|date| metric(id, "a", *date, "1")).collect()).await.unwrap();
        dates.extend(new);
        others(100_000).await.unwrap();
    }
    let (found, pages) = follow(&store, &of_run(id), begin).await;
    assert!(found == dates, "{} of {} points", found.len(), dates.len());
    assert!(pages <= 20, "{pages} pages of 25,000 points among 5 million numbers");
}

#[tokio::test]
async fn a_page_of_long_lines_is_small() {
    let store = Store::new();
    let id = store.started_run().await;
    let begin = last(&store).await;
    let lines: Vec<String> = (0..300).map(|i| format!("{i:016000}")).collect();
    let to = lines.iter().map(|line| line.len() as u64 + 1).sum();
    let chunk = OutputChunk { rank: 0, stream: OutputStream::Stdout, from: 0, to, lines, date: at(1) };
    store.append_output(id, vec![chunk]).await.unwrap();
    let (mut after, mut found, mut pages) = (begin, 0, 0);
    loop {
        pages += 1;
        let query = ChangesQuery { interest: of_run(id), after, upto: None };
        let page = store.changes(&query).await.unwrap();
        assert!(page.changes.len() <= 66, "{} lines of 16 kB", page.changes.len());
        found += page.changes.len();
        after = page.upto;
        if after == page.last {
            break;
        }
    }
    assert_eq!(found, 300);
    assert!(pages <= 30, "{pages}");
}

#[tokio::test]
async fn a_reader_from_before_a_forgotten_deletion_is_told() {
    let store = Store::new();
    let id = store.finished_run().await;
    let begin = last(&store).await;
    store.delete_run(id).await.unwrap();
    let next = store.finished_run().await;
    let later = last(&store).await;
    // As if so many runs had been deleted.
    store
        .writer
        .write(0, |c| {
            Ok(c.execute_batch("UPDATE arrival SET deletions_from = (SELECT max(seq) FROM run_deletion)")?)
        })
        .await
        .unwrap();
    let known = async |interest, after| {
        store.changes(&ChangesQuery { interest, after, upto: None }).await.unwrap().is_known
    };
    assert!(!known(of_run(next), begin).await);
    assert!(known(of_run(next), later).await);
    assert!(known(Interest { usage: true, ..Interest::default() }, begin).await, "it follows no runs");
}

#[tokio::test]
async fn the_oldest_deletions_are_forgotten() {
    let store = Store::new();
    let id = store.finished_run().await;
    let fill = "INSERT INTO run_deletion (seq, run) \
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT -i, i FROM n";
    store.writer.write(0, |c| Ok(c.execute_batch(fill)?)).await.unwrap();
    store.delete_run(id).await.unwrap();
    assert_eq!(store.number("SELECT count(*) FROM run_deletion").await, 10_000);
    assert_eq!(store.number("SELECT deletions_from FROM arrival").await, -10_000);
}

#[tokio::test]
async fn a_commit_is_announced() {
    let store = Store::new();
    let commits = store.commits();
    store.started_run().await;
    tokio::time::timeout(Duration::from_secs(30), commits.notified()).await.unwrap();
}

#[tokio::test]
async fn batches_of_many_series_are_read_in_pages_of_their_own_series() {
    let store = Store::new();
    let id = store.started_run().await;
    let begin = last(&store).await;
    let count = 12_000;
    for batch in 0..2 {
        let point = |series: i64| metric(id, &format!("series {series}"), batch * count + series, "1");
        store.record_metrics((0..count).map(point).collect()).await.unwrap();
    }
    let expected: Vec<i64> = (0..2 * count).collect();
    let (found, pages) = follow(&store, &of_run(id), begin).await;
    assert!(found == expected && pages == 3, "{} points in {pages} pages", found.len());
    // A page looks only at the series of its own points.
    let window = (begin + 10_000, begin + count);
    let query = ChangesQuery { interest: of_run(id), after: window.0, upto: Some(window.1) };
    assert_eq!(store.changes(&query).await.unwrap().series.len(), 2_000);
    let store = store.reopened();
    assert!(follow(&store, &of_run(id), begin).await.0 == expected, "what arrived lately is not in memory");
}
