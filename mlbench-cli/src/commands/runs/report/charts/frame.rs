//! What all charts share: their words and their edges.

/// Width of every chart.
pub(super) const WIDTH: f64 = 820.0;
/// Where a chart begins below its title.
pub(super) const TOP: f64 = 74.0;
/// Space at the left and the right.
pub(super) const MARGIN: f64 = 20.0;

/// The words of a chart.
pub(crate) struct Words {
    /// Name of its files, without the ending.
    pub(crate) name: &'static str,
    /// What it shows.
    pub(crate) title: String,
    /// How to read it.
    pub(crate) subtitle: String,
}
