//! Commands that work on a database instead of serving it.

use std::path::PathBuf;

use clap::Subcommand;

/// What to do with the database of `--database`, instead of serving it.
#[derive(Debug, Clone, Subcommand)]
pub enum Upkeep {
    /// Copy the database while its server writes on, and check the copy
    ///
    /// The copy is one file, as of the moment at which the backup begins. It gets its name when it is whole and on the
    /// disk. Any server can use it: it counts as a copy of the original.
    Backup {
        /// New file, or a directory in which the file is named after the date
        #[arg(value_name = "FILE|DIR")]
        target: PathBuf,
    },
    /// Copy a backup to the place of the database, where none may exist, and check the copy
    ///
    /// The first server on it takes a new identity, and the runs that were active at the backup fail there. With --adopt
    /// it keeps both.
    Restore {
        /// File of the backup
        #[arg(value_name = "FILE")]
        backup: PathBuf,
    },
    /// Check the file, every chunk of points, and the statistics of every series
    ///
    /// A server may use the database meanwhile. The exit code is 1 if anything is wrong.
    Check,
    /// Delete expired keys and what deleted runs have left, and give the space back to the file system
    ///
    /// No server may use the database meanwhile; a running one does the same by itself, in small steps.
    Gc,
    /// Bring the database to the schema of this version, as the start of a server does
    Migrate {
        /// Undo every step, and only say how long each took and how much the database grew
        #[arg(long)]
        dry_run: bool,
    },
}

impl Upkeep {
    /// Returns the word of the command.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Backup { .. } => "backup",
            Self::Restore { .. } => "restore",
            Self::Check => "check",
            Self::Gc => "gc",
            Self::Migrate { .. } => "migrate",
        }
    }
}
