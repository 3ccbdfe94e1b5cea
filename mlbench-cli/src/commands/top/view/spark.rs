//! Charts of one line, in braille.

/// Dots of the left and of the right half of a character, from the bottom.
const LEFT: [u32; 5] = [0, 0x40, 0x44, 0x46, 0x47];
const RIGHT: [u32; 5] = [0, 0x80, 0xa0, 0xb0, 0xb8];

/// Returns the newest values as `width` characters, two values each, from 0 to `max`.
pub(crate) fn spark(values: &[f64], width: usize, max: f64) -> String {
    let newest = &values[values.len().saturating_sub(2 * width)..];
    let empty = 2 * width - newest.len();
    let height = |index: usize| match index.checked_sub(empty).map(|index| newest[index]) {
        Some(value) if value > 0.0 && max > 0.0 => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 4")]
            let height = (value / max * 4.0).ceil().clamp(1.0, 4.0) as usize;
            height
        }
        _ => 0,
    };
    let cell = |column: usize| {
        let dots = LEFT[height(2 * column)] | RIGHT[height(2 * column + 1)];
        if dots == 0 { ' ' } else { char::from_u32(0x2800 + dots).unwrap_or(' ') }
    };
    (0..width).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_values_are_at_the_right() {
        assert_eq!(spark(&[], 3, 1.0), "   ");
        assert_eq!(spark(&[1.0], 2, 1.0), " ⢸");
        assert_eq!(spark(&[0.0, 0.1, 0.5, 0.75, 1.0, 9.0], 3, 1.0), "⢀⣴⣿");
        assert_eq!(spark(&[1.0, 1.0, 0.0, 0.0], 1, 1.0), " ");
        assert_eq!(spark(&[f64::NAN, 1.0], 1, 0.0), " ");
        assert_eq!(spark(&[1.0], 0, 1.0), "");
    }
}
