//! Opens a database that exists, without a server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mlbench_core::Result;
use rusqlite::{Connection, OpenFlags};

use crate::sqlite::connection::lock::DatabaseLock;
use crate::sqlite::connection::migrations::{STEPS, check_current, version};
use crate::sqlite::connection::open::{create_file, existing, open_error, operator_error};
use crate::sqlite::connection::reserve::Reserve;

/// How long a statement waits while a server holds the write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// An open database of mlbench.
pub(super) struct Existing {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// How many steps of the schema it has.
    pub(super) schema: u32,
    reserve: Option<Released>,
    /// Keeps servers away from a database that is written.
    lock: Option<DatabaseLock>,
}

impl Existing {
    /// Opens a database to read it, also while a server writes it.
    ///
    /// # Errors
    /// A message for the operator: it does not exist, or belongs to another program or a newer server.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let existing = Self::open(path, None)?;
        let read_only = existing.connection.pragma_update(None, "query_only", true);
        read_only.map_err(|error| open_error(error.into(), &existing.path))?;
        Ok(existing)
    }

    /// Opens a database to write it, in place of a server.
    ///
    /// # Errors
    /// Those of [`Existing::read`], or that a server uses it.
    pub(super) fn write(path: &Path) -> Result<Self> {
        let path = existing(path)?;
        let mut lock = DatabaseLock::acquire(&path)?;
        lock.write_holder(None);
        lock.hold(&path, create_file(&path)?)?;
        Self::open(&path, Some(lock))
    }

    /// Opens a file to write it, or only to read it where the file system allows no more.
    ///
    /// A connection that can only read would leave the files beside a database that no server uses.
    fn open(path: &Path, lock: Option<DatabaseLock>) -> Result<Self> {
        let path = existing(path)?;
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            let schema = version(&connection, &path, STEPS)?;
            Ok((connection, schema))
        };
        let (connection, schema) = open().map_err(|error| open_error(error, &path))?;
        if schema == 0 {
            return Err(operator_error(format!(
                "database {}: is empty; choose another file",
                path.display()
            )));
        }
        Ok(Self { connection, path, schema, reserve: None, lock })
    }

    /// Takes the space that a server has held back for work on a full disk. It is held again at the end.
    pub(super) fn use_reserve(&mut self) {
        if self.lock.is_none() {
            return;
        }
        let mut path = self.path.as_os_str().to_owned();
        path.push("-reserve");
        if Path::new(&path).exists() {
            drop(self.reserve.replace(Released(Reserve::given_back(&self.path))));
        }
    }

    /// Refuses a database of an older version.
    ///
    /// # Errors
    /// A message that names the command for it.
    pub(super) fn current(self) -> Result<Self> {
        check_current(&self.connection, &self.path).map_err(|error| open_error(error, &self.path))?;
        Ok(self)
    }
}

/// Space that was held back for the next server.
struct Released(Reserve);

impl Drop for Released {
    fn drop(&mut self) {
        // Without room for it, the next server says so.
        let _ = self.0.check();
    }
}
