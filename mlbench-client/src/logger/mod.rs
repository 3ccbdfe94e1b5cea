//! Background recording of metrics.
//!
//! ```text
//! builder   the settings of a logger            metric_logger, entry  what a program calls
//! queue     metrics in memory, and the account  worker                the thread that sends
//! outbox    from the queue to the server        spool                 batches on disk
//! batch     the metrics of one request          fields                one metric
//! ```

mod batch;
mod builder;
mod entry;
mod fields;
mod losses;
mod metric_logger;
mod outbox;
mod queue;
mod spool;
mod stats;
#[cfg(test)]
mod tests;
mod worker;

pub use builder::MetricLoggerBuilder;
pub use entry::Entry;
pub use metric_logger::MetricLogger;
pub use stats::LoggerStats;
