//! Splits a range into parts of nearly the same length.

use std::ops::Range;

/// Returns part `index` of `length` elements split into `parts` contiguous parts.
///
/// The lengths of the parts differ by at most 1.
pub(super) fn partition(length: usize, parts: usize, index: usize) -> Range<usize> {
    let start = |index: usize| index * (length / parts) + index.min(length % parts);
    start(index)..start(index + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

        #[test]
        fn parts_cover_everything_once_and_evenly(length in 0..1000_usize, parts in 1..20_usize) {
            let ranges: Vec<_> = (0..parts).map(|index| partition(length, parts, index)).collect();
            let covered: Vec<_> = ranges.iter().cloned().flatten().collect();
            prop_assert_eq!(covered, (0..length).collect::<Vec<_>>());
            let longest = ranges.iter().map(ExactSizeIterator::len).max();
            let shortest = ranges.iter().map(ExactSizeIterator::len).min();
            prop_assert!(longest.unwrap() - shortest.unwrap() <= 1);
        }
    }
}
