//! How far a training was at a point.

/// Step and epoch of a point.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Training step.
    pub step: Option<i64>,
    /// Training epoch.
    pub epoch: Option<f64>,
}
