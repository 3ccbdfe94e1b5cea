//! Parsing of the points of a batch.
//!
//! Points in the usual format are parsed in one pass over the body, because a map of allocated strings per point would
//! be slow. All other points take the general path of a single `POST`, so that both accept and refuse the same points.

mod array;
mod batch;
mod element;
mod halves;
mod point;
mod scan;
mod series;
mod series_fields;
#[cfg(test)]
mod tests;

pub use array::MAX_ARRAY_POINTS;
pub use batch::parse_batch;
pub use halves::{Half, Halves};
pub use point::{parse_point, parse_point_fast};
