//! Which owners received points lately, in memory.
//!
//! A reader that asks for new points of all runs asks often, and most runs have none. An index on disk would find the
//! others too, at the cost of two more pages in every commit.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use super::owner::OwnerRow;
use super::touched::TouchedSeries;
use super::unsealed::Unsealed;

/// The most owners that are remembered.
const MAX_OWNERS: usize = 100_000;

/// What the writer notes about arriving points.
#[derive(Debug)]
pub(crate) struct Arrivals {
    pub(crate) recent: RecentArrivals,
    pub(crate) unsealed: Unsealed,
}

impl Arrivals {
    /// Begins after `floor`, the last arrival number in the store.
    ///
    /// A series is sealed as soon as `enough` of its points wait.
    pub(crate) fn new(floor: i64, enough: usize) -> Self {
        Self { recent: RecentArrivals::new(floor), unsealed: Unsealed::new(enough) }
    }
}

/// The last arrival number of each owner that received points since the store was opened.
///
/// The writer notes an owner before it commits, so a reader finds every point of its snapshot. A write that is rolled
/// back leaves an owner here that has nothing new, which costs its reader an empty page.
#[derive(Debug)]
pub(crate) struct RecentArrivals(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// What arrived up to this number is unknown.
    floor: i64,
    by_owner: HashMap<OwnerRow, i64>,
    by_seq: BTreeSet<(i64, OwnerRow)>,
    series: TouchedSeries,
}

impl RecentArrivals {
    /// Begins after `floor`, the last arrival number in the store.
    pub(crate) fn new(floor: i64) -> Self {
        let series = TouchedSeries::new(floor);
        Self(Mutex::new(Inner { floor, by_owner: HashMap::new(), by_seq: BTreeSet::new(), series }))
    }

    /// Notes that points of an owner arrived, the last one with the number `seq`.
    pub(super) fn note(&self, owner: OwnerRow, seq: i64) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.note(owner, seq);
        if inner.by_owner.len() > MAX_OWNERS {
            inner.forget_oldest();
        }
    }

    /// Notes that a write whose last point has the number `seq` added points to a series.
    pub(super) fn note_series(&self, owner: OwnerRow, seq: i64, series: i64) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.series.note(owner, seq, series);
    }

    /// Returns the series of an owner with points after `seq`, and maybe others.
    ///
    /// `None` if they are unknown or many.
    pub(crate) fn series_since(&self, owner: OwnerRow, seq: i64) -> Option<BTreeSet<i64>> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_older = inner.by_owner.get(&owner).is_none_or(|last| *last <= seq);
        if seq >= inner.floor && is_older {
            return Some(BTreeSet::new());
        }
        inner.series.since(owner, seq)
    }

    /// Returns the owners of points that arrived after `seq`, or `None` if that is too long ago.
    pub(crate) fn since(&self, seq: i64) -> Option<Vec<OwnerRow>> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = (seq.saturating_add(1), OwnerRow::FIRST);
        (seq >= inner.floor).then(|| inner.by_seq.range(first..).map(|(_, owner)| *owner).collect())
    }
}

impl Inner {
    fn note(&mut self, owner: OwnerRow, seq: i64) {
        let last = self.by_owner.entry(owner).or_insert(seq);
        if *last < seq {
            self.by_seq.remove(&(*last, owner));
            *last = seq;
        }
        self.by_seq.insert((*last, owner));
    }

    fn forget_oldest(&mut self) {
        if let Some((seq, owner)) = self.by_seq.pop_first() {
            self.by_owner.remove(&owner);
            self.floor = self.floor.max(seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_found_by_their_last_arrival() {
        let recent = RecentArrivals::new(10);
        assert_eq!((recent.since(9), recent.since(10)), (None, Some(vec![])));
        let [a, b] = [1, 2].map(OwnerRow::run);
        for (owner, seq) in [(a, 11), (b, 12), (a, 13), (a, 14)] {
            recent.note(owner, seq);
        }
        assert_eq!(recent.since(10), Some(vec![b, a]));
        assert_eq!((recent.since(12), recent.since(14)), (Some(vec![a]), Some(vec![])));
        assert_eq!(recent.since(i64::MAX), Some(vec![]));
    }

    #[test]
    fn a_number_that_is_given_out_again_hides_no_owner() {
        let recent = RecentArrivals::new(0);
        let [a, b] = [1, 2].map(OwnerRow::run);
        // The second write of `a` was rolled back, so `b` got its number.
        for (owner, seq) in [(a, 1), (a, 2), (b, 2), (a, 3)] {
            recent.note(owner, seq);
        }
        assert_eq!(recent.since(0), Some(vec![b, a]));
    }

    #[test]
    fn forgotten_arrivals_are_unknown_and_not_denied() {
        let recent = RecentArrivals::new(0);
        for run in 1..=MAX_OWNERS as i64 + 1 {
            recent.note(OwnerRow::run(run), run);
        }
        assert_eq!(recent.since(0), None);
        assert_eq!(recent.since(1).map(|owners| owners.len()), Some(MAX_OWNERS));
    }
}
