//! Downsampling of series: pure arithmetic in one pass and constant memory.

mod downsampler;
mod groups;
pub mod lttb;
pub mod mean;
pub mod minmax;
mod point_or_gap;
mod progress;
mod summary;

pub use downsampler::{Downsampled, Downsampler};
pub use groups::Groups;
pub use point_or_gap::PointOrGap;
pub use progress::Progress;
pub use summary::Summary;
