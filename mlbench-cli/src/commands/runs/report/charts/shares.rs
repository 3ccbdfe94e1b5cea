//! The shares of the phases as stacked bars.

use mlbench_client::{Comparison, PhaseValues};
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;
use plotters_backend::DrawingBackend;

use super::bars::{MAX_LABEL, label_column, rows_height};
use super::canvas::{Canvas, Drawn, SMALL, shortened, text_width};
use super::frame::{MARGIN, TOP, WIDTH, Words};
use super::palette::{BLUE, FAINT, GREY, ORANGE, RED, TEXT};
use crate::commands::runs::comparison::label;

const ROW: f64 = 34.0;
const BAR: f64 = 22.0;
/// Height of the legend above the rows.
const LEGEND: f64 = 26.0;
/// Below the rows: the numbers of the axis.
const BOTTOM: f64 = 34.0;
/// A narrower part has no number in it.
const MIN_NUMBER: f64 = 38.0;
const WHITE: RGBColor = RGBColor(0xff, 0xff, 0xff);

/// The parts of a bar, in order: what it is, its colour, and the colour of text on it.
const PARTS: [(&str, RGBColor, RGBColor); 5] = [
    ("compute", BLUE, WHITE),
    ("transfer", ORANGE, TEXT),
    ("waiting", RED, WHITE),
    ("communication", ORANGE, TEXT),
    ("other", GREY, TEXT),
];

/// Stacked bars, each with a label.
pub(super) struct Shares(Vec<(String, [f64; 5])>);

/// Returns the chart of the shares.
pub(super) fn shares(comparison: &Comparison) -> Option<(Words, Shares)> {
    let rows = comparison.groups.iter();
    let rows = rows.filter_map(|group| Some((label(group), parts(&group.phases.as_ref()?.shares))));
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let words = Words {
        name: "shares",
        title: "Shares of the training time".to_owned(),
        subtitle: "mean of the runs".to_owned(),
    };
    Some((words, Shares(rows)))
}

/// Returns the parts of a bar. What is not divided into transfer and waiting is communication.
fn parts(shares: &PhaseValues) -> [f64; 5] {
    let PhaseValues { compute, communication, transfer, waiting, other } = *shares;
    let (transfer, waiting) = (transfer.unwrap_or(0.0), waiting.unwrap_or(0.0));
    let rest = communication.map_or(0.0, |communication| communication - transfer - waiting);
    // Rounding may leave a little.
    let rest = if rest > 1e-6 { rest } else { 0.0 };
    [compute, transfer, waiting, rest, other]
}

impl Shares {
    /// Returns the texts that others have chosen.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(label, _)| label.as_str())
    }

    pub(super) fn height(&self) -> f64 {
        TOP + LEGEND + rows_height(self.0.len()) + BOTTOM
    }

    pub(super) fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let left = label_column(self.0.iter().map(|(label, _)| label.as_str()));
        let (right, top) = (WIDTH - MARGIN - 20.0, TOP + LEGEND);
        self.draw_legend(canvas, left)?;
        for (index, (label, parts)) in (0_u32..).zip(&self.0) {
            let y = top + ROW * (f64::from(index) + 0.5);
            canvas.text(&shortened(label, SMALL, MAX_LABEL), (left - 10.0, y), SMALL, TEXT, HPos::Right)?;
            let mut begin = left;
            for (share, (_, color, text_color)) in parts.iter().zip(PARTS) {
                let end = begin + share.clamp(0.0, 1.0) * (right - left);
                if end > begin {
                    canvas.rectangle((begin, y - BAR / 2.0), (end, y + BAR / 2.0), color)?;
                }
                if end - begin >= MIN_NUMBER {
                    let number = format!("{:.0} %", share * 100.0);
                    canvas.text(&number, (f64::midpoint(begin, end), y), SMALL, text_color, HPos::Center)?;
                }
                begin = end;
            }
        }
        let bottom = top + rows_height(self.0.len());
        for percent in [0, 25, 50, 75, 100] {
            let x = left + (right - left) * f64::from(percent) / 100.0;
            canvas.text(&format!("{percent} %"), (x, bottom + 12.0), SMALL, FAINT, HPos::Center)?;
        }
        Ok(())
    }

    /// Draws the names of the parts that some bar has.
    fn draw_legend<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, left: f64) -> Drawn<DB> {
        let mut x = left;
        for (part, (name, color, _)) in PARTS.iter().enumerate() {
            if self.0.iter().any(|(_, parts)| parts[part] > 0.0) {
                canvas.rectangle((x, TOP - 6.0), (x + 14.0, TOP + 8.0), *color)?;
                canvas.text(name, (x + 20.0, TOP + 1.0), SMALL, TEXT, HPos::Left)?;
                x += 20.0 + text_width(name, SMALL) + 24.0;
            }
        }
        Ok(())
    }
}
