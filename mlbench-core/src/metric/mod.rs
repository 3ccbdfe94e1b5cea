//! Metrics: their owners, names, values, points and series.

mod file_name;
mod measure;
mod name;
pub(crate) mod number;
mod owner;
mod point;
mod run_values;
mod series;
mod stored;
mod value;

pub use file_name::{MAX_FILE_NAME_BYTES, file_name, file_name_part};
pub use measure::Measure;
pub use name::MetricName;
pub use number::{json_number, plain_number};
pub use owner::{MetricType, Owner};
pub use point::Point;
pub use run_values::{MeasuredValue, RunValues, RunValuesPage};
pub use series::Series;
pub use stored::Metric;
pub use value::MetricValue;
