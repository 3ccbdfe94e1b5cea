//! Groups of consecutive points of nearly equal size.

/// Divides a series into groups of consecutive points and counts finished groups.
///
/// The sizes of the groups differ by at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    length: u64,
    count: u64,
    done: u64,
}

impl Groups {
    /// Divides `length` points into `count` groups. Raises both to 1 and lowers `count` to `length`.
    #[must_use]
    pub fn new(length: u64, count: u64) -> Self {
        let length = length.max(1);
        Self { length, count: count.clamp(1, length), done: 0 }
    }

    /// Skips all but the last `last` groups.
    #[must_use]
    pub fn only_last(self, last: u64) -> Self {
        Self { done: self.done.max(self.count.saturating_sub(last)), ..self }
    }

    /// Returns the number of points before the current group.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.bound(self.done)
    }

    /// Returns the number of groups that are not finished.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.count - self.done
    }

    fn bound(&self, group: u64) -> u64 {
        let bound = u128::from(group) * u128::from(self.length) / u128::from(self.count);
        // At most `length`, which is a u64.
        u64::try_from(bound).unwrap_or(self.length)
    }

    /// Finishes the current group.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { done: self.done + 1, ..self }
    }

    /// Returns the number of points in the current group.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bound(self.done + 1) - self.bound(self.done)
    }
}
