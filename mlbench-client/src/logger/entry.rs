//! [`Entry`]: a metric with its step, epoch and other fields, recorded when it is complete.

use mlbench_core::{MetricValue, Timestamp};

use super::fields::Fields;
use super::metric_logger::MetricLogger;

/// A metric that is recorded when this value is dropped, at the latest at the end of the statement.
///
/// ```
/// use mlbench_client::Owner;
///
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
/// let logger = client.metric_logger(Owner::Run(run));
/// logger.log("train_loss @ 0", 0.25).step(100).epoch(1.5);
/// logger.flush().await?;
/// # }) }
/// ```
#[derive(Debug)]
pub struct Entry<'a> {
    logger: &'a MetricLogger,
    name: &'a str,
    fields: Option<Fields>,
}

impl MetricLogger {
    /// Records `value` for the metric `name`, when the returned [`Entry`] with further fields is dropped.
    ///
    /// Never waits and never fails, like [`record`](Self::record).
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.log("loss", 0.5).step(1);
    /// logger.log("note", "a text");
    /// logger.flush().await?;
    /// # }) }
    /// ```
    pub fn log<'a>(&'a self, name: &'a str, value: impl Into<MetricValue>) -> Entry<'a> {
        Entry { logger: self, name, fields: Some(Fields::new(value.into())) }
    }
}

impl Entry<'_> {
    fn with(mut self, set: impl FnOnce(&mut Fields)) -> Self {
        if let Some(fields) = &mut self.fields {
            set(fields);
        }
        self
    }

    /// Sets the training step.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.log("loss", 0.5).step(100);
    /// # }) }
    /// ```
    pub fn step(self, step: i64) -> Self {
        self.with(|fields| fields.step = Some(step))
    }

    /// Sets the training epoch, possibly a fraction. An infinite one or NaN is left out.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.log("loss", 0.5).epoch(1.5);
    /// # }) }
    /// ```
    pub fn epoch(self, epoch: f64) -> Self {
        self.with(|fields| fields.epoch = Some(epoch).filter(|epoch| epoch.is_finite()))
    }

    /// Sets the time of the measurement, by default the time at which the metric is recorded.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.log("loss", 0.5).date(mlbench_client::now());
    /// # }) }
    /// ```
    pub fn date(self, date: Timestamp) -> Self {
        self.with(|fields| fields.date = Some(date))
    }

    /// Marks the value as one that adds up over time.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.log("loss", 0.5).cumulative();
    /// # }) }
    /// ```
    pub fn cumulative(self) -> Self {
        self.with(|fields| fields.cumulative = true)
    }

    /// Sets the free text.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Owner;
    ///
    /// let logger = client.metric_logger(Owner::Run(run));
    /// logger.log("loss", 0.5).metadata("warm-up");
    /// # }) }
    /// ```
    pub fn metadata(self, metadata: impl Into<String>) -> Self {
        self.with(|fields| fields.metadata = metadata.into())
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if let Some(fields) = self.fields.take() {
            self.logger.enqueue(self.name, fields);
        }
    }
}
