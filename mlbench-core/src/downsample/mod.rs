//! Downsampling of series: pure arithmetic in one pass and constant memory.

mod downsampler;
mod groups;
mod kept;
pub mod lttb;
pub mod mean;
pub mod minmax;
mod progress;
mod summary;

pub use downsampler::{Downsampled, Downsampler};
pub use groups::Groups;
pub use kept::{Candidate, PointOrGap};
pub use progress::Progress;
pub use summary::Summary;
