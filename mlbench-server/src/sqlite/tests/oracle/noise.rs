//! Random numbers and values that can be repeated.

use mlbench_core::MetricValue;

/// Repeatable numbers without a pattern.
pub(super) struct Noise(pub(super) u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(super) fn value(&mut self) -> String {
        match self.below(40) {
            0 => "NaN".to_owned(),
            1 => "1.50".to_owned(),
            2 => "-Infinity".to_owned(),
            3 => "some text".to_owned(),
            4 => (self.next() as i64).to_string(),
            5..20 => (self.below(1_000) as f64 / 8.0).to_string(),
            _ => MetricValue::from(self.next() as f64 / 1e15).to_string(),
        }
    }

    pub(super) fn finite(&mut self) -> String {
        let number = self.below(100_000) as f64 / 64.0;
        // A tenth is not spelt in the shortest way.
        if self.below(10) == 0 { format!("{number:.8}") } else { number.to_string() }
    }
}
