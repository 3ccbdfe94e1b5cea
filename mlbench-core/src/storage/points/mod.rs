//! Types for reading points: queries, sinks and cursors.

mod cursor;
mod owners;
mod query;
mod sink;

pub use cursor::{PointsCursor, PointsPage, SeriesCursor};
pub use owners::{ListedOwner, OwnerFilter, OwnerList};
pub use query::{Downsampling, DownsamplingMethod, PointsQuery};
pub use sink::{PointDetails, PointRef, PointSink, ValueRef, each_number};
