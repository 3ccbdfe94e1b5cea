//! Metrics: recording them one by one and in batches, reading them page by page.

mod archive;
mod ingest;
mod read;
mod record;

pub use archive::{Archive, archive, archive_of_all};
pub use ingest::Ingest;
pub use read::{PageRead, PointsReader, SeriesReader, Source, owner, sources};
pub use record::record;
