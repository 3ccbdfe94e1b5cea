//! Brings a database to the schema of this version, or tries it and undoes it.

use std::path::Path;
use std::time::{Duration, Instant};

use mlbench_core::{Error, Result};
use rusqlite::TransactionBehavior;

use super::existing::Existing;
use crate::sqlite::connection::migrations::{STEPS, apply};
use crate::sqlite::connection::open::operator_error;
use crate::sqlite::error::StoreError;

/// A step from one schema to the next.
#[derive(Debug)]
pub struct MigrationStep {
    /// The schema that it makes.
    pub schema: u32,
    /// How long it took.
    pub time: Duration,
    /// How much the database grew.
    pub bytes: u64,
}

/// Applies the missing steps. Returns them.
///
/// # Errors
/// A message for the operator: a server uses the database, or it belongs to a newer one.
pub fn migrate(database: &Path) -> Result<Vec<MigrationStep>> {
    steps(database, true)
}

/// Like [`migrate`], but undoes everything, so that the database stays as it is.
///
/// # Errors
/// Those of [`migrate`].
pub fn try_migration(database: &Path) -> Result<Vec<MigrationStep>> {
    steps(database, false)
}

fn steps(database: &Path, keep: bool) -> Result<Vec<MigrationStep>> {
    let mut existing = Existing::write(database)?;
    let (path, from) = (existing.path.clone(), existing.schema);
    if (from as usize) < STEPS.len() {
        existing.use_reserve();
    }
    let mut run = || -> Result<Vec<MigrationStep>, StoreError> {
        let connection = &mut existing.connection;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let pages = || transaction.pragma_query_value(None, "page_count", |row| row.get::<_, u32>(0));
        let page_bytes: u32 = transaction.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let mut steps = Vec::new();
        for (schema, sql) in (1_u32..).zip(STEPS).skip(from as usize) {
            let (begin, before) = (Instant::now(), pages()?);
            apply(&transaction, sql, schema)?;
            let bytes = u64::from(pages()?.saturating_sub(before)) * u64::from(page_bytes);
            steps.push(MigrationStep { schema, time: begin.elapsed(), bytes });
        }
        if keep {
            transaction.commit()?;
        } else {
            transaction.rollback()?;
        }
        Ok(steps)
    };
    run().map_err(|error| {
        let error = Error::from(error);
        let reason = error.internal_text().unwrap_or(error.detail()).to_owned();
        operator_error(format!("database {}: {reason}", path.display()))
    })
}
