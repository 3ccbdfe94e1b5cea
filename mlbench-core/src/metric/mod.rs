//! Metrics: their owners, names, values, points and series.

mod file_name;
mod name;
mod owner;
mod point;
mod series;
mod stored;
mod value;

pub use file_name::{MAX_FILE_NAME_BYTES, file_name, file_name_part};
pub use name::MetricName;
pub use owner::{MetricType, Owner};
pub use point::Point;
pub use series::Series;
pub use stored::Metric;
pub use value::MetricValue;

pub(crate) use stored::serialize_epoch;
