/// Numbers of the metrics of a logger.
///
/// Every metric that was recorded, or found in the spool, is counted in one of the first four fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggerStats {
    /// Metrics that wait in memory.
    pub pending: u64,
    /// Metrics that wait in the spool.
    pub spooled: u64,
    /// Metrics that the server has stored.
    pub sent: u64,
    /// Metrics that are lost.
    pub dropped: u64,
    /// Whether the server did not take the last batch, which is sent again.
    pub is_away: bool,
}
