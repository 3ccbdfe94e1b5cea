//! Which charts a comparison has.

use std::collections::BTreeSet;

use mlbench_client::Comparison;
use plotters::style::text_anchor::HPos;
use plotters_backend::DrawingBackend;

use super::bars::{Bars, times};
use super::canvas::{Canvas, Drawn, SMALL, shortened};
use super::frame::{MARGIN, WIDTH, Words};
use super::letters::missing;
use super::lines::{Lines, efficiency, speed_up};
use super::palette::{FAINT, TEXT};
use super::shares::{Shares, shares};

/// Size of the title.
const TITLE: f64 = 21.0;

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
            Content::Lines(lines) => lines.height(),
            Content::Shares(shares) => shares.height(),
        }
    }

    /// Returns the letters that the font of pictures does not have.
    pub(crate) fn missing_letters(&self) -> BTreeSet<char> {
        let texts: Vec<&str> = match &self.content {
            Content::Bars(bars) => bars.texts().collect(),
            Content::Lines(lines) => lines.texts().collect(),
            Content::Shares(shares) => shares.texts().collect(),
        };
        let all = texts.into_iter().chain([self.words.title.as_str(), &self.words.subtitle]);
        all.flat_map(missing).collect()
    }

    /// Draws the chart.
    pub(super) fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let fits = |text: &str, size: f64| shortened(text, size, WIDTH - 2.0 * MARGIN);
        canvas.text(&fits(&self.words.title, TITLE), (MARGIN, 26.0), TITLE, TEXT, HPos::Left)?;
        canvas.text(&fits(&self.words.subtitle, SMALL), (MARGIN, 50.0), SMALL, FAINT, HPos::Left)?;
        match &self.content {
            Content::Bars(bars) => bars.draw(canvas),
            Content::Lines(lines) => lines.draw(canvas),
            Content::Shares(shares) => shares.draw(canvas),
        }
    }
}
