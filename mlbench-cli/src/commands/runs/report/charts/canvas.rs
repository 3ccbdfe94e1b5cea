//! Shapes and text at places in pixels, from the upper left corner.

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontDesc, IntoFont as _, RGBColor, ShapeStyle, TextStyle};
use plotters_backend::DrawingBackend;

use super::letters::{provide_font, visible, with_replacements};

/// The result of drawing.
pub(super) type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// A place in pixels.
pub(super) type Place = (f64, f64);

/// Size of ordinary text.
pub(super) const SMALL: f64 = 15.0;

/// A picture, with larger pixels where it has more of them.
pub(super) struct Canvas<'a, DB: DrawingBackend> {
    pub(super) area: &'a DrawingArea<DB, Shift>,
    pub(super) scale: f64,
    /// How far the text is drawn too high, as a part of its size.
    pub(super) rise: f64,
    /// Whether the letters come from the font of this program, rather than from that of a viewer.
    pub(super) is_drawn: bool,
}

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
}

impl Marker {
    /// Returns the shape of a series.
    pub(super) const fn of(index: usize) -> Self {
        match index % 4 {
            0 => Self::Circle,
            1 => Self::Square,
            2 => Self::Triangle,
            _ => Self::Diamond,
        }
    }
}

/// Returns the font. A size of plotters is that of a whole line.
fn font(size: f64) -> FontDesc<'static> {
    provide_font();
    ("sans-serif", size).into_font()
}

/// Returns the width of a text in pixels of a canvas.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    // Pictures of twice the size are as wide, and fractions of pixels are less.
    let (scale, text) = (8.0, with_replacements(text));
    font(size * scale).box_size(&text).map_or(0.0, |(width, _)| f64::from(width) / scale)
}

/// Returns a text of at most `width` pixels: its beginning and its end.
///
/// Labels that differ may do so anywhere, but their ends more often than their middles.
pub(super) fn shortened(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let short = |kept: usize| -> String {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        chars[..head].iter().chain(['…'].iter()).chain(&chars[chars.len() - tail..]).collect()
    };
    // The longest that fits, as longer ones are wider.
    let (mut fits, mut too_long) = (0, chars.len());
    while too_long - fits > 1 {
        let middle = usize::midpoint(fits, too_long);
        if text_width(&short(middle), size) <= width { fits = middle } else { too_long = middle }
    }
    short(fits)
}

impl<DB: DrawingBackend> Canvas<'_, DB> {
    #[expect(clippy::cast_possible_truncation, reason = "a picture has some thousand pixels")]
    fn pixel(&self, (x, y): Place) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some pixels")]
    fn width(&self, width: f64) -> u32 {
        (width * self.scale).round().max(1.0) as u32
    }

    fn style(&self, size: f64, color: RGBColor, across: HPos) -> TextStyle<'static> {
        font(size * self.scale).color(&color).pos(Pos::new(across, VPos::Center))
    }

    /// Writes a text whose middle is at the height of `at`.
    pub(super) fn text(&self, text: &str, at: Place, size: f64, color: RGBColor, across: HPos) -> Drawn<DB> {
        let at = (at.0, at.1 + self.rise * size);
        let visible = if self.is_drawn { with_replacements(text) } else { visible(text) };
        self.area.draw(&Text::new(visible, self.pixel(at), self.style(size, color, across)))
    }

    pub(super) fn line(&self, points: &[Place], color: RGBColor, width: f64) -> Drawn<DB> {
        let points: Vec<(i32, i32)> = points.iter().map(|at| self.pixel(*at)).collect();
        self.area.draw(&PathElement::new(points, self.stroke(color, width)))
    }

    pub(super) fn dashes(&self, from: Place, to: Place, color: RGBColor) -> Drawn<DB> {
        // plotters rounds each dash to pixels and begins the next one there, which bends a line that is not level.
        let (dash, gap) = (6.0, 4.0);
        let (across, down) = (to.0 - from.0, to.1 - from.1);
        let length = across.hypot(down);
        let at = |way: f64| (from.0 + across * way / length, from.1 + down * way / length);
        let mut starts =
            (0_u32..).map(|number| f64::from(number) * (dash + gap)).take_while(|start| *start < length);
        starts.try_for_each(|start| self.line(&[at(start), at((start + dash).min(length))], color, 1.5))
    }

    fn stroke(&self, color: RGBColor, width: f64) -> ShapeStyle {
        color.stroke_width(self.width(width))
    }

    pub(super) fn rectangle(&self, from: Place, to: Place, color: RGBColor) -> Drawn<DB> {
        self.area.draw(&Rectangle::new([self.pixel(from), self.pixel(to)], color.filled()))
    }

    pub(super) fn marker(&self, marker: Marker, (x, y): Place, color: RGBColor) -> Drawn<DB> {
        let polygon = |corners: &[Place]| {
            let corners: Vec<_> = corners.iter().map(|(dx, dy)| self.pixel((x + dx, y + dy))).collect();
            self.area.draw(&Polygon::new(corners, color.filled()))
        };
        match marker {
            Marker::Circle => {
                self.area.draw(&Circle::new(self.pixel((x, y)), self.width(5.0), color.filled()))
            }
            Marker::Square => polygon(&[(-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)]),
            Marker::Triangle => polygon(&[(0.0, -6.0), (5.5, 4.5), (-5.5, 4.5)]),
            Marker::Diamond => polygon(&[(0.0, -6.5), (6.0, 0.0), (0.0, 6.5), (-6.0, 0.0)]),
        }
    }
}
