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

/// Gives back pages while many are free.
pub(super) fn give_back(connection: &Connection, writer: &JobSender, unsealed: &Unsealed) -> Result<()> {
    while !unsealed.is_closed() && many_are_free(connection)? {
        writer.write(0, |c| {
            let mut statement = c.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        })?;
    }
    Ok(())
}

/// Whether the file has many pages without content, and can give them back.
fn many_are_free(connection: &Connection) -> Result<bool> {
    let read = || -> Result<bool, StoreError> {
        let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
        let (free, all) = (pragma("freelist_count")?, pragma("page_count")?);
        // 2: incremental. A database from before chunks keeps its free pages.
        Ok(free > KEPT && free > all / KEPT_SHARE && pragma("auto_vacuum")? == 2)
    };
    read().map_err(mlbench_core::Error::from)
}
