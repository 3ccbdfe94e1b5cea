//! The parts of a store: those of a server that writes, or of one that only reads.

use std::path::PathBuf;
use std::sync::Arc;

use mlbench_core::{Error, Result};
use rusqlite::Connection;

use super::connection::files::OpenFiles;
use super::connection::lock::DatabaseLock;
use super::connection::migrations::check_current;
use super::connection::open::{self, Options};
use super::connection::place::Place;
use super::connection::readers::Readers;
use super::connection::reserve::Reserve;
use super::identity::{self, Identity};
use super::metrics::arrival;
use super::metrics::recent::Arrivals;
use super::runs::import;
use super::seal::Sealer;
use super::writer::Writer;

/// The parts of an open store.
pub(super) struct Opened {
    pub(super) writer: Writer,
    pub(super) readers: Readers,
    pub(super) sealer: Option<Sealer>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) lock: DatabaseLock,
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
}

impl Opened {
    /// Opens a database to write it. Creates it if it is missing, and brings its schema to this version.
    pub(super) fn to_write(mut options: Options) -> Result<Self> {
        options.path = open::create_directory(&options.path)?;
        let mut lock = DatabaseLock::acquire(&options.path)?;
        let reserve = Reserve::given_back(&options.path);
        lock.write_holder(None);
        lock.hold(&options.path, open::create_file(&options.path)?)?;
        let place = Place::of(&options.path, &options.machine)?;
        open::check_links(&options, &place)?;
        let mut writer = open::writer(&options)?;
        let identity = identity::claim(&mut writer, &place, options.adopt)
            .map_err(|error| open::naming_full_disk(error.into(), &options.path))?;
        import::abandon(&writer).map_err(Error::from)?;
        let arrivals = arrivals(&writer, &options)?;
        let readers = readers(&options)?;
        let kept = (reserve, OpenFiles::of(&options.path));
        let writer = Writer::start(writer, kept, options.vitals.clone(), Arc::clone(&arrivals))?;
        let sealer =
            Sealer::start(open::reader(&options)?, writer.sender()?, Arc::clone(&arrivals), options.seal)?;
        Ok(Self { writer, readers, sealer: Some(sealer), arrivals, lock, path: options.path, identity })
    }

    /// Opens a database that exists and has the schema of this version, and changes nothing.
    pub(super) fn to_read(mut options: Options) -> Result<Self> {
        options.path = open::existing(&options.path)?;
        // A server that writes would change what this one has in memory.
        let lock = DatabaseLock::share(&options.path)?;
        let place = Place::of(&options.path, &options.machine)?;
        let connection = open::reader(&options)?;
        check_current(&connection, &options.path).map_err(|error| open::open_error(error, &options.path))?;
        let identity = identity::read(&connection, &place)?;
        let arrivals = arrivals(&connection, &options)?;
        let (writer, readers) = (Writer::refusing(&options.path), readers(&options)?);
        Ok(Self { writer, readers, sealer: None, arrivals, lock, path: options.path, identity })
    }
}

fn arrivals(connection: &Connection, options: &Options) -> Result<Arc<Arrivals>> {
    let last = arrival::last(connection).map_err(Error::from)?;
    Ok(Arc::new(Arrivals::new(last, options.seal.small)))
}

fn readers(options: &Options) -> Result<Readers> {
    let readers = (0..options.readers.max(1)).map(|_| open::reader(options)).collect::<Result<_>>()?;
    Ok(Readers::new(readers))
}
