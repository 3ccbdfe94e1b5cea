//! Which charts a comparison has.

use mlbench_client::Comparison;
use plotters::style::text_anchor::HPos;
use plotters_backend::DrawingBackend;

use super::bars::{Bars, times};
use super::canvas::{Canvas, Drawn, SMALL};
use super::frame::{MARGIN, Words};
use super::lines::{Lines, efficiency, speed_up};
use super::palette::{FAINT, TEXT};
use super::shares::{Shares, shares};

/// A chart.
pub(crate) struct Chart {
    pub(crate) words: Words,
    content: Content,
}

enum Content {
    Bars(Bars),
    Lines(Lines),
    Shares(Shares),
}

/// Returns the charts that a comparison has data for.
pub(crate) fn charts(comparison: &Comparison) -> Vec<Chart> {
    let times = times(comparison).map(|(words, bars)| Chart { words, content: Content::Bars(bars) });
    let line = |(words, lines)| Chart { words, content: Content::Lines(lines) };
    let shares = shares(comparison).map(|(words, bars)| Chart { words, content: Content::Shares(bars) });
    let all = [times, speed_up(comparison).map(line), efficiency(comparison).map(line), shares];
    all.into_iter().flatten().collect()
}

impl Chart {
    /// Returns the height, which depends on the number of groups.
    pub(super) fn height(&self) -> f64 {
        match &self.content {
            Content::Bars(bars) => bars.height(),
            Content::Lines(_) => 480.0,
            Content::Shares(shares) => shares.height(),
        }
    }

    /// Draws the chart.
    pub(super) fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        canvas.text(&self.words.title, (MARGIN, 26.0), 21.0, TEXT, HPos::Left)?;
        canvas.text(&self.words.subtitle, (MARGIN, 50.0), SMALL, FAINT, HPos::Left)?;
        match &self.content {
            Content::Bars(bars) => bars.draw(canvas),
            Content::Lines(lines) => lines.draw(canvas),
            Content::Shares(shares) => shares.draw(canvas),
        }
    }
}
