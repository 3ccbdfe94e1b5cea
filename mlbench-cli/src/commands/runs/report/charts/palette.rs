//! Colours that people who see fewer colours can tell apart (Okabe and Ito), also in grey.

use plotters::style::RGBColor;

pub(super) const TEXT: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(super) const FAINT: RGBColor = RGBColor(0x66, 0x66, 0x66);
pub(super) const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
pub(super) const ORANGE: RGBColor = RGBColor(0xe6, 0x9f, 0x00);
pub(super) const RED: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
pub(super) const GREY: RGBColor = RGBColor(0xbb, 0xbb, 0xbb);

/// Colours of series, in order.
const SERIES: [RGBColor; 6] =
    [BLUE, RED, RGBColor(0x00, 0x9e, 0x73), ORANGE, RGBColor(0xcc, 0x79, 0xa7), RGBColor(0x56, 0xb4, 0xe9)];

/// Returns the colour of a series.
pub(super) const fn series(index: usize) -> RGBColor {
    SERIES[index % SERIES.len()]
}
