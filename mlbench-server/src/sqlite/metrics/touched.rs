//! The last arrival of every series, in memory.
//!
//! A series takes about 80 bytes: a table finds its last arrival, and an order finds the series of an owner by it.

use std::collections::{BTreeSet, HashMap};

use super::owner::OwnerRow;

/// The most series that are remembered: 40 MB.
const MAX_SERIES: usize = 500_000;
/// The most series that are listed.
///
/// Each of them has a new point, and a page has about as many points. Every page lists them again.
const MAX_LISTED: usize = 4_096;

/// What is known of arrivals: those after a number.
#[derive(Debug)]
pub(super) struct Known {
    /// What arrived up to this number is unknown.
    floor: i64,
    /// What arrived up to this number was forgotten.
    forgotten: i64,
}

impl Known {
    /// Begins with what arrives after `floor`.
    pub(super) const fn after(floor: i64) -> Self {
        Self { floor, forgotten: 0 }
    }

    /// Returns whether everything is known that arrived after `seq`.
    pub(super) const fn includes(&self, seq: i64) -> bool {
        seq >= self.floor
    }

    /// Notes that something was forgotten that arrived at `seq`.
    pub(super) fn forget(&mut self, seq: i64) {
        self.forgotten = self.forgotten.max(seq);
        self.floor = self.floor.max(seq);
    }

    /// Notes that everything was added that had arrived before.
    pub(super) const fn complete(&mut self) {
        self.floor = self.forgotten;
    }
}

/// Every series with its owner and its last arrival.
#[derive(Debug)]
pub(super) struct TouchedSeries {
    pub(super) known: Known,
    last: HashMap<i64, (OwnerKey, i64)>,
    by_owner: BTreeSet<(OwnerKey, i64, i64)>,
}

/// An owner in 8 bytes.
type OwnerKey = i64;

const fn key(owner: OwnerRow) -> OwnerKey {
    (owner.id << 1) | owner.kind
}

impl TouchedSeries {
    /// Begins after `floor`, the last arrival number in the store.
    pub(super) fn new(floor: i64) -> Self {
        Self { known: Known::after(floor), last: HashMap::new(), by_owner: BTreeSet::new() }
    }

    /// Notes that a point with the number `seq` arrived for a series.
    ///
    /// A write that is rolled back leaves a number here that is too high.
    pub(super) fn note(&mut self, owner: OwnerRow, series: i64, seq: i64) {
        let owner = key(owner);
        if let Some((of, last)) = self.last.insert(series, (owner, seq)) {
            self.by_owner.remove(&(of, last, series));
        }
        self.by_owner.insert((owner, seq, series));
        if self.last.len() > MAX_SERIES {
            self.forget_quarter();
        }
    }

    /// Adds a series as the store has it, unless a later arrival was noted.
    pub(super) fn add(&mut self, owner: OwnerRow, series: i64, seq: i64) {
        if seq > self.known.forgotten && !self.last.contains_key(&series) {
            self.note(owner, series, seq);
        }
    }

    /// Removes a series that was deleted.
    pub(super) fn remove(&mut self, series: i64) {
        if let Some((owner, last)) = self.last.remove(&series) {
            self.by_owner.remove(&(owner, last, series));
        }
    }

    /// Returns the series of an owner with points after `seq`, and maybe others.
    ///
    /// `None` if they are unknown or many.
    pub(super) fn since(&self, owner: OwnerRow, seq: i64) -> Option<BTreeSet<i64>> {
        if !self.known.includes(seq) {
            return None;
        }
        let owner = key(owner);
        let range = (owner, seq.saturating_add(1), i64::MIN)..(owner + 1, i64::MIN, i64::MIN);
        let touched = || self.by_owner.range(range.clone());
        touched().nth(MAX_LISTED).is_none().then(|| touched().map(|(.., series)| *series).collect())
    }

    /// Forgets the series whose last arrival is longest ago.
    fn forget_quarter(&mut self) {
        let mut numbers: Vec<i64> = self.last.values().map(|(_, seq)| *seq).collect();
        let (_, newest, _) = numbers.select_nth_unstable(MAX_SERIES / 4);
        self.known.forget(*newest);
        let forgotten = self.known.forgotten;
        self.last.retain(|_, (_, seq)| *seq > forgotten);
        self.by_owner.retain(|(_, seq, _)| *seq > forgotten);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(touched: &TouchedSeries, owner: OwnerRow, seq: i64) -> Option<Vec<i64>> {
        touched.since(owner, seq).map(|series| series.into_iter().collect())
    }

    #[test]
    fn the_series_of_an_owner_are_found_by_their_last_arrival() {
        let mut touched = TouchedSeries::new(10);
        let [a, b] = [1, 2].map(OwnerRow::run);
        // The write of series 9 was rolled back.
        for (owner, series, seq) in [(a, 1, 11), (a, 2, 12), (a, 9, 14), (b, 3, 13), (a, 1, 14)] {
            touched.note(owner, series, seq);
        }
        assert_eq!((since(&touched, a, 9), since(&touched, a, 10)), (None, Some(vec![1, 2, 9])));
        assert_eq!(since(&touched, a, 12), Some(vec![1, 9]));
        assert_eq!((since(&touched, b, 10), since(&touched, b, 13)), (Some(vec![3]), Some(vec![])));
        assert_eq!(since(&touched, b, i64::MAX), Some(vec![]));
    }

    #[test]
    fn what_the_store_had_is_known_once_it_is_complete() {
        let mut touched = TouchedSeries::new(10);
        let [a, b] = [1, 2].map(OwnerRow::run);
        touched.note(a, 1, 11);
        for (owner, series, seq) in [(a, 1, 3), (a, 2, 4), (b, 3, 5)] {
            touched.add(owner, series, seq);
        }
        assert_eq!(since(&touched, a, 2), None);
        touched.known.complete();
        assert_eq!((since(&touched, a, 2), since(&touched, a, 4)), (Some(vec![1, 2]), Some(vec![1])));
        touched.remove(3);
        touched.remove(3);
        assert_eq!(since(&touched, b, 0), Some(vec![]));
        // The number of a deleted series is used again.
        touched.note(b, 2, 12);
        assert_eq!((since(&touched, a, 0), since(&touched, b, 0)), (Some(vec![1]), Some(vec![2])));
        assert_eq!(touched.by_owner.len(), touched.last.len());
    }

    #[test]
    fn many_series_are_not_listed_and_forgotten_ones_are_unknown() {
        let mut touched = TouchedSeries::new(0);
        let owner = OwnerRow::run(1);
        for series in 1..=MAX_SERIES as i64 + 1 {
            touched.note(owner, series, series);
        }
        let (forgotten, last) = (MAX_SERIES as i64 / 4 + 1, MAX_SERIES as i64 + 1);
        assert_eq!(touched.last.len() as i64, last - forgotten);
        assert_eq!(touched.by_owner.len(), touched.last.len());
        let few = last - MAX_LISTED as i64;
        assert_eq!(touched.since(owner, few - 1), None);
        assert_eq!(touched.since(owner, few).map(|series| series.len()), Some(MAX_LISTED));
        let other = OwnerRow::run(2);
        assert_eq!(
            (since(&touched, other, forgotten - 1), since(&touched, other, forgotten)),
            (None, Some(vec![]))
        );
        touched.known.complete();
        touched.add(other, last + 1, forgotten);
        assert_eq!(since(&touched, other, forgotten - 1), None);
        assert_eq!(since(&touched, other, forgotten), Some(vec![]));
    }
}
