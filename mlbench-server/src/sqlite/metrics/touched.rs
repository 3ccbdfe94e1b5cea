//! Which series received points last, in memory.

use std::collections::{BTreeSet, VecDeque};

use super::owner::OwnerRow;

/// The most arrivals that are remembered.
const MAX_ENTRIES: usize = 20_000;
/// The most series that are listed. A reader of more is as fast when it looks at all series of the owner.
const MAX_LISTED: usize = 1_000;

/// The newest arrivals, by series.
#[derive(Debug)]
pub(super) struct TouchedSeries {
    /// What arrived up to this number is unknown.
    floor: i64,
    /// Numbers, owners and series. The numbers ascend, except for those of writes that were rolled back.
    entries: VecDeque<(i64, OwnerRow, i64)>,
}

impl TouchedSeries {
    /// Begins after `floor`, the last arrival number in the store.
    pub(super) const fn new(floor: i64) -> Self {
        Self { floor, entries: VecDeque::new() }
    }

    /// Notes that a write whose last point has the number `seq` added points to a series.
    pub(super) fn note(&mut self, owner: OwnerRow, seq: i64, series: i64) {
        if self.entries.len() == MAX_ENTRIES
            && let Some((oldest, ..)) = self.entries.pop_front()
        {
            self.floor = self.floor.max(oldest);
        }
        self.entries.push_back((seq, owner, series));
    }

    /// Returns the series of an owner with points after `seq`, and maybe others.
    ///
    /// `None` if they are unknown or many.
    pub(super) fn since(&self, owner: OwnerRow, seq: i64) -> Option<BTreeSet<i64>> {
        if seq < self.floor {
            return None;
        }
        let mut series = BTreeSet::new();
        // A write that was rolled back had higher numbers than all before it, so it ends no search too early.
        for (_, _, touched) in
            self.entries.iter().rev().take_while(|entry| entry.0 > seq).filter(|entry| entry.1 == owner)
        {
            series.insert(*touched);
            if series.len() > MAX_LISTED {
                return None;
            }
        }
        Some(series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_of_an_owner_are_found_by_their_arrivals() {
        let mut touched = TouchedSeries::new(10);
        let [a, b] = [1, 2].map(OwnerRow::run);
        // The write of series 9 was rolled back.
        for (owner, seq, series) in [(a, 12, 1), (a, 12, 2), (a, 14, 9), (b, 13, 3), (a, 14, 1)] {
            touched.note(owner, seq, series);
        }
        let since =
            |owner, seq| touched.since(owner, seq).map(|series| series.into_iter().collect::<Vec<_>>());
        assert_eq!((since(a, 9), since(a, 10)), (None, Some(vec![1, 2, 9])));
        assert_eq!((since(a, 13), since(a, 14)), (Some(vec![1]), Some(vec![])));
        assert_eq!((since(b, 10), since(b, 13)), (Some(vec![3]), Some(vec![])));
    }

    #[test]
    fn forgotten_and_many_series_are_unknown() {
        let mut touched = TouchedSeries::new(0);
        let owner = OwnerRow::run(1);
        for seq in 1..=MAX_ENTRIES as i64 + 1 {
            touched.note(owner, seq, seq);
        }
        let last = MAX_ENTRIES as i64 + 1;
        assert_eq!((touched.since(owner, 0), touched.since(owner, 1)), (None, None));
        assert_eq!(touched.since(owner, last - 1), Some(BTreeSet::from([last])));
        assert_eq!(touched.since(OwnerRow::run(2), 1), Some(BTreeSet::new()));
        assert_eq!(touched.entries.len(), MAX_ENTRIES);
    }
}
