//! [`Random`]: the generator SplitMix64, which is part of this program so that results stay reproducible.
//!
//! Source: Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, 2014. A random-number
//! library may change its output with any version.

const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// One stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// Returns stream `stream` of `seed`.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(mix(mix(seed).wrapping_add(stream)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN_GAMMA);
        mix(self.0)
    }

    /// Returns a number from the uniform distribution over -1 to 1.
    pub(super) fn uniform(&mut self) -> f32 {
        // An `f32` has 24 significant bits.
        (self.next() >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    }

    /// Shuffles `items` uniformly (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            // The upper half of the product is below `last + 1` (Lemire, 2019); the bias is below 2^-32.
            let other = (u128::from(self.next()) * (last as u128 + 1)) >> 64;
            items.swap(last, usize::try_from(other).unwrap_or(last));
        }
    }
}

fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        // The first outputs for the seed 0, as published with the algorithm.
        let mut random = Random(0);
        assert_eq!(random.next(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(random.next(), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn shuffling_is_a_permutation_that_the_stream_determines() {
        let shuffled = |stream| {
            let mut items: Vec<u8> = (0..50).collect();
            Random::new(1, stream).shuffle(&mut items);
            items
        };
        assert_eq!(shuffled(0), shuffled(0));
        assert_ne!(shuffled(0), shuffled(1));
        let mut sorted = shuffled(0);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }
}
