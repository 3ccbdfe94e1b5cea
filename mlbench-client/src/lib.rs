//! Development stand-in of the client's interface.
#![expect(missing_docs, clippy::needless_pass_by_value, reason = "stand-in")]
use std::time::Duration;
use mlbench_core::{MetricValue, Owner, Timestamp};
#[derive(Debug, thiserror::Error)]
#[error("stand-in")]
pub struct Error;
pub struct Client;
pub struct Builder;
pub struct MetricLogger;
impl Client {
    pub fn builder() -> Builder { Builder }
    pub fn metric_logger(&self, _owner: Owner) -> MetricLogger { MetricLogger }
}
impl Builder {
    pub fn base_url(self, _url: &str) -> Self { self }
    pub fn timeout(self, _timeout: Duration) -> Self { self }
    pub fn build(self) -> Result<Client, Error> { Ok(Client) }
}
impl MetricLogger {
    pub fn record(&self, _name: &str, _value: impl Into<MetricValue>, _date: Option<Timestamp>, _metadata: &str) -> Result<(), Error> { Ok(()) }
    pub async fn flush(&self) -> Result<(), Error> { Ok(()) }
}
