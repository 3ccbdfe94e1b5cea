//! The commands that work on a database instead of serving it.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use mlbench_core::{Error, ErrorCode, Timestamp};

use crate::settings::{Settings, Upkeep};
use crate::sqlite::upkeep::{self, Backup, Collected, MigrationStep};

/// Runs a command, and prints its result.
///
/// # Errors
/// A message for the operator.
pub fn run(settings: &Settings, command: &Upkeep, now: Timestamp) -> Result<ExitCode, String> {
    settings.check_upkeep(command)?;
    let (database, begin) = (settings.database()?, Instant::now());
    let shown = database.display();
    let seconds = || begin.elapsed().as_secs_f64();
    let failed = |error: Error| {
        let internal = error.internal_text().filter(|_| error.code() == ErrorCode::Internal);
        internal.unwrap_or(error.detail()).to_owned()
    };
    let mut code = ExitCode::SUCCESS;
    let lines = match command {
        Upkeep::Backup { target } => {
            let Backup { path, contents, bytes } = upkeep::backup(&database, target, now).map_err(failed)?;
            let (path, size) = (path.display(), mebibytes(bytes));
            vec![format!("backup {path}: {contents}; {size} in {:.1} s, checked", seconds())]
        }
        Upkeep::Restore { backup } => {
            let Backup { path, contents, bytes } = upkeep::restore(backup, &database).map_err(failed)?;
            let (path, size) = (path.display(), mebibytes(bytes));
            vec![
                format!("restored {path}: {contents}; {size} in {:.1} s, checked", seconds()),
                "The first server on it takes a new identity, and its active runs fail; start it with --adopt to keep \
                 both."
                    .to_owned(),
            ]
        }
        Upkeep::Check => {
            let checked = upkeep::check(&database).map_err(failed)?;
            let (contents, problems) = (checked.contents, checked.problems);
            let mut lines: Vec<String> =
                problems.iter().map(|problem| format!("{shown}: {problem}")).collect();
            if problems.is_empty() {
                lines.push(format!("ok {shown}: {contents}; checked in {:.1} s", seconds()));
            } else {
                code = ExitCode::FAILURE;
                let count = problems.len();
                let s = if count == 1 { "" } else { "s" };
                lines
                    .push(format!("{count} problem{s}; restore a backup, or delete the runs that are named"));
            }
            lines
        }
        Upkeep::Gc => vec![collected(&shown.to_string(), &upkeep::gc(&database, now).map_err(failed)?)],
        Upkeep::Migrate { dry_run } => {
            let run = if *dry_run { upkeep::try_migration } else { upkeep::migrate };
            migrated(&shown.to_string(), &run(&database).map_err(failed)?, *dry_run)
        }
    };
    let mut out = io::stdout().lock();
    let written = lines.iter().try_for_each(|line| writeln!(out, "{line}"));
    // A reader that has gone needs no result.
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write the result: {error}"))
        }
        _ => Ok(code),
    }
}

fn collected(database: &str, collected: &Collected) -> String {
    let Collected { keys, runs, orphans, bytes_before, bytes } = collected;
    let (before, now) = (mebibytes(*bytes_before), mebibytes(*bytes));
    format!(
        "{database}: deleted {keys} expired idempotency keys, {runs} deleted runs, {orphans} rows of unknown runs; \
         {before} before, {now} now"
    )
}

fn migrated(database: &str, steps: &[MigrationStep], dry_run: bool) -> Vec<String> {
    if steps.is_empty() {
        return vec![format!("{database}: has the schema of this version; nothing to do")];
    }
    let mut lines: Vec<String> = steps
        .iter()
        .map(|MigrationStep { schema, time, bytes }| {
            let (size, from) = (mebibytes(*bytes), schema - 1);
            format!("schema {from} to {schema}: {:.1} s, {size} more", time.as_secs_f64())
        })
        .collect();
    let end = if dry_run { "tried and undone" } else { "done" };
    lines.push(format!("{database}: {end}"));
    lines
}

/// Returns a size for people.
#[expect(clippy::cast_precision_loss, reason = "one decimal is printed")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
