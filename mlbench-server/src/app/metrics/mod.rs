//! Metrics: recording them one by one and in batches, reading them page by page.

mod archive;
mod ingest;
mod read;
mod record;

pub use archive::{Archive, archive, archive_of_all};
pub use ingest::Ingest;
pub use read::{PointsReader, SeriesReader, Source, Sources, owner, source, sources};
pub use record::record;
