//! Background recording of metrics: [`MetricLogger`] queues them and a tokio task posts them in batches.

mod delivery;
mod entry;
mod fields;
mod metric_logger;
mod sender;
#[cfg(test)]
mod tests;

pub use entry::Entry;
pub use metric_logger::MetricLogger;
