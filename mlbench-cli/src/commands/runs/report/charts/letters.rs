//! The letters that pictures have.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Once;

use plotters::style::{FontStyle, register_font};

/// A part of DejaVu Sans, see `font/README.md`.
const FONT: &[u8] = include_bytes!("font/DejaVuSans-part.ttf");

/// The letters and signs of the font: Latin, Greek, Cyrillic and some signs.
const COVERED: [RangeInclusive<char>; 15] = [
    ' '..='~',
    '\u{a0}'..='\u{17f}',
    '\u{370}'..='\u{377}',
    '\u{37a}'..='\u{37f}',
    '\u{384}'..='\u{38a}',
    '\u{38c}'..='\u{38c}',
    '\u{38e}'..='\u{3a1}',
    '\u{3a3}'..='\u{45f}',
    '\u{2010}'..='\u{2026}',
    '\u{2030}'..='\u{2030}',
    '\u{2190}'..='\u{2193}',
    '\u{2212}'..='\u{2212}',
    '\u{2248}'..='\u{2248}',
    '\u{2260}'..='\u{2265}',
    REPLACEMENT..=REPLACEMENT,
];
const REPLACEMENT: char = '\u{fffd}';

/// Gives plotters the font, once for the process.
pub(super) fn provide_font() {
    static PROVIDED: Once = Once::new();
    // A font that is refused is reported when text is drawn.
    PROVIDED.call_once(|| drop(register_font("sans-serif", FontStyle::Normal, FONT)));
}

/// Returns a text without what controls it or what XML does not allow.
pub(super) fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let is_allowed = |c: char| !matches!(c, '\u{fffe}' | '\u{ffff}');
    let one = |c| if is_hidden(c) { ' ' } else { c };
    text.chars().map(|c| if is_allowed(c) { one(c) } else { REPLACEMENT }).collect()
}

/// Returns a text whose letters are all in the font. A sign replaces each other one.
pub(super) fn with_replacements(text: &str) -> String {
    visible(text).chars().map(|c| if is_covered(c) { c } else { REPLACEMENT }).collect()
}

/// Returns the letters of a text that are not in the font.
pub(super) fn missing(text: &str) -> BTreeSet<char> {
    visible(text).chars().filter(|c| !is_covered(*c)).collect()
}

fn is_covered(c: char) -> bool {
    COVERED.iter().any(|range| range.contains(&c))
}

#[cfg(test)]
mod tests {
    use plotters::style::IntoFont as _;

    use super::*;

    /// Returns the pixels of a letter.
    fn pixels(letter: char) -> Vec<(i32, i32)> {
        provide_font();
        let (font, mut pixels) = (("sans-serif", 40.0).into_font(), Vec::new());
        let drawn = font.draw(&letter.to_string(), (0, 0), |x, y, _| -> Result<(), std::io::Error> {
            pixels.push((x, y));
            Ok(())
        });
        drawn.unwrap().unwrap();
        pixels
    }

    #[test]
    fn the_covered_letters_are_those_of_the_font() {
        // What the font does not have looks like this one.
        let none = pixels('\u{6f22}');
        for c in ('!'..='\u{24ff}').filter(|c| !c.is_whitespace() && !matches!(c, '\u{ad}')) {
            assert_eq!(is_covered(c), pixels(c) != none, "{:x}", u32::from(c));
        }
    }

    #[test]
    fn other_letters_have_a_sign_and_are_known() {
        assert_eq!(with_replacements("lr=é 漢字\u{7}"), "lr=é \u{fffd}\u{fffd} ");
        assert_eq!(missing("漢a字").into_iter().collect::<String>(), "字漢");
        assert_eq!(visible("a\u{202e}b\u{ffff}"), "a b\u{fffd}");
    }
}
