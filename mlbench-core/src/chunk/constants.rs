//! Sizes of chunks and pages.

/// Number of points in a page, the unit that can be decoded by itself.
///
/// Only the last page of a chunk may have fewer.
pub const PAGE_POINTS: usize = 256;

/// Most points of a chunk.
pub const MAX_POINTS: usize = 65_536;
