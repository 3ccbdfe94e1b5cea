//! Parameters and tags of runs.
//!
//! A parameter is a typed value that a run was given, such as a learning rate, and never changes. A tag is a text that
//! people sort runs by, and may change.

mod bounds;
mod params;
mod tags;
mod value;

pub use params::Params;
pub use tags::{Tags, TagsPatch};
pub use value::ParamValue;
