//! Gives the pages that sealing has freed back to the file system.

use mlbench_core::Result;
use rusqlite::Connection;

use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::unsealed::Unsealed;
use crate::sqlite::writer::JobSender;

/// Pages given back per transaction: 1 MiB.
const PAGES: u32 = 256;
/// Free pages that are kept for the next points.
const KEPT: u32 = 32;
/// More free pages are kept than [`KEPT`] if they are a smaller share than one in so many.
const KEPT_SHARE: u32 = 64;

/// Gives back pages while many are free, or, at rest, all of them.
pub(super) fn give_back(
    connection: &Connection,
    writer: &JobSender,
    unsealed: &Unsealed,
    is_at_rest: bool,
) -> Result<()> {
    let mut before = u32::MAX;
    while !unsealed.is_closed() {
        let Space { free, all, can_shrink } = space(connection)?;
        let kept = if is_at_rest { 0 } else { KEPT.max(all / KEPT_SHARE) };
        if free <= kept || free >= before || !can_shrink {
            break;
        }
        before = free;
        writer.write(0, |c| {
            let mut statement = c.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        })?;
    }
    Ok(())
}

/// The pages of the file.
struct Space {
    free: u32,
    all: u32,
    /// Whether the file can give free pages back. A database from before chunks cannot.
    can_shrink: bool,
}

fn space(connection: &Connection) -> Result<Space> {
    let read = || -> Result<Space, StoreError> {
        let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
        // 2: incremental.
        let can_shrink = pragma("auto_vacuum")? == 2;
        Ok(Space { free: pragma("freelist_count")?, all: pragma("page_count")?, can_shrink })
    };
    read().map_err(mlbench_core::Error::from)
}
