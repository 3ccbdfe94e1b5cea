//! Reads a page of changes in one snapshot.

use mlbench_core::queue::QueueEntries;
use mlbench_core::storage::{Changes, ChangesQuery, Interest};
use rusqlite::Connection;

use super::collect::{self, Window};
use super::page::{MAX_CHANGES, Page};
use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::arrival;
use crate::sqlite::metrics::recent::RecentArrivals;
use crate::sqlite::runs::{changed, queue};

/// How much shorter or longer the next range of arrival numbers is.
const FACTOR: i64 = 8;

/// Reads the changes after `query.after` that fit into one page.
///
/// If those of the whole range do not, the page is filled from shorter ranges, so that few changes among many arrival
/// numbers make few pages.
pub(crate) fn page(
    connection: &Connection,
    recent: &RecentArrivals,
    query: &ChangesQuery,
) -> Result<Changes, StoreError> {
    let last = arrival::last(connection)?;
    if query.after > last || forgot_deletions(connection, query)? {
        let queue = if query.interest.queue { queue(connection)? } else { None };
        return Ok(Changes { upto: last, last, queue, ..Changes::default() });
    }
    let end = query.upto.map_or(last, |upto| upto.min(last)).max(query.after);
    let (mut page, mut queue, mut upto, mut length) = (Page::default(), None, query.after, end - query.after);
    while upto < end {
        let (count, window) = (page.changes.len(), (upto, upto.saturating_add(length).min(end)));
        let found = fill(connection, recent, &query.interest, window, &mut page)?;
        if page.overflows() && upto == query.after {
            // There is at most one change for each number.
            let most = MAX_CHANGES as i64;
            length = if length > most { most } else { (length / FACTOR).max(1) };
            page = Page::default();
            continue;
        }
        if page.overflows() {
            page.changes.truncate(count);
            break;
        }
        (queue, upto) = (found.or(queue), window.1);
        if !page.takes_times(FACTOR as usize) {
            break;
        }
        length = length.saturating_mul(FACTOR);
    }
    if query.interest.queue && upto == last && queue.is_none() {
        queue = self::queue(connection)?;
    }
    page.changes.sort_unstable_by_key(|change| change.seq);
    let Page { changes, series, .. } = page;
    Ok(Changes { upto, last, is_known: true, changes, series, queue })
}

/// Returns whether a deletion that the query asks for is no longer recorded.
fn forgot_deletions(connection: &Connection, query: &ChangesQuery) -> Result<bool, StoreError> {
    Ok(follows_runs(&query.interest) && query.after < changed::deletions_from(connection)?)
}

fn follows_runs(interest: &Interest) -> bool {
    interest.runs || !interest.of_runs.is_empty()
}

fn fill(
    connection: &Connection,
    recent: &RecentArrivals,
    interest: &Interest,
    window: Window,
    page: &mut Page,
) -> Result<Option<QueueEntries>, StoreError> {
    let pods_changed = collect::pod_list(connection, interest, window, page)?;
    let queue_changed =
        follows_runs(interest) && (collect::runs(connection, interest, window, page)? || pods_changed);
    collect::lines(connection, interest, window, page)?;
    if !page.overflows() {
        collect::points(connection, recent, interest, window, page)?;
    }
    if queue_changed && !page.overflows() { queue(connection) } else { Ok(None) }
}

/// Reads the runs that make up the queue. `None` when no run waits.
fn queue(connection: &Connection) -> Result<Option<QueueEntries>, StoreError> {
    Ok(Some(queue::entries(connection)?).filter(|queue| !queue.waiting.is_empty()))
}
