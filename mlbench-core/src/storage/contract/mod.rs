//! The contract of [`Storage`](super::Storage) as one test function, [`storage_contract`].

mod batches;
mod changes;
mod experiments;
mod external;
mod finding;
mod fixtures;
mod goals;
mod labels;
mod metrics;
mod output;
mod queue;
mod reading;
mod runs;
mod suite;
mod text_sink;
mod values;

pub use suite::storage_contract;
pub use text_sink::TextSink;
