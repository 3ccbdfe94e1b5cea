//! Which owners and series received points after a number, in memory.
//!
//! A reader that asks for new points of all runs asks often, and most runs have none. An index on disk would find the
//! others too, at the cost of two more pages in every commit. What arrived before the start is added from the store in
//! the background; until then, a reader from before the start looks at all series.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::owner::OwnerRow;
use super::touched::{Known, SeriesBetween, TouchedSeries};
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

/// The last arrival number of each owner and each series.
///
/// The writer notes them before it commits, so a reader finds every point of its snapshot. A write that is rolled back
/// leaves an owner here that has nothing new, which costs its reader an empty page.
#[derive(Debug)]
pub(crate) struct RecentArrivals(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    known: Known,
    by_owner: HashMap<OwnerRow, i64>,
    by_seq: BTreeSet<(i64, OwnerRow)>,
    series: TouchedSeries,
}

/// A series as the store has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredSeries {
    pub(crate) owner: OwnerRow,
    pub(crate) series: i64,
    /// Its highest arrival number.
    pub(crate) last: i64,
}

impl RecentArrivals {
    /// Begins after `floor`, the last arrival number in the store.
    pub(crate) fn new(floor: i64) -> Self {
        let (known, series) = (Known::after(floor), TouchedSeries::new(floor));
        Self(Mutex::new(Inner { known, by_owner: HashMap::new(), by_seq: BTreeSet::new(), series }))
    }

    /// Notes that points of an owner arrived, the last one with the number `seq`.
    pub(super) fn note(&self, owner: OwnerRow, seq: i64) {
        self.lock().note(owner, seq);
    }

    /// Notes that points of a series arrived, with numbers from the first to the last of `range`.
    pub(super) fn note_series(&self, owner: OwnerRow, series: i64, range: (i64, i64)) {
        self.lock().series.note(owner, series, range);
    }

    /// Adds series that the store had before it was opened.
    pub(crate) fn add(&self, stored: &[StoredSeries]) {
        let mut inner = self.lock();
        for StoredSeries { owner, series, last } in stored {
            inner.note(*owner, *last);
            inner.series.add(*owner, *series, *last);
        }
    }

    /// Notes that all series were added that the store had before it was opened.
    pub(crate) fn complete(&self) {
        let mut inner = self.lock();
        inner.known.complete();
        inner.series.known.complete();
    }

    /// Forgets a series that is being deleted with its owner.
    ///
    /// While the stored series are added, one that was read before may come back. A reader then looks for it in the
    /// database, and finds nothing.
    pub(crate) fn remove(&self, owner: OwnerRow, series: i64) {
        let mut inner = self.lock();
        inner.series.remove(series);
        if let Some(last) = inner.by_owner.remove(&owner) {
            inner.by_seq.remove(&(last, owner));
        }
    }

    /// Returns the series of an owner with points after `seq`, and maybe others.
    ///
    /// `None` if they are unknown or many.
    pub(crate) fn series_since(&self, owner: OwnerRow, seq: i64) -> Option<BTreeSet<i64>> {
        let inner = self.lock();
        let is_older = inner.by_owner.get(&owner).is_none_or(|last| *last <= seq);
        if inner.known.includes(seq) && is_older {
            return Some(BTreeSet::new());
        }
        inner.series.since(owner, seq)
    }

    /// Returns the series of an owner that may have points in a window of arrival numbers.
    ///
    /// Does not list them when more than `most` of them have any.
    pub(crate) fn series_between(&self, owner: OwnerRow, window: (i64, i64), most: usize) -> SeriesBetween {
        let inner = self.lock();
        let is_older = inner.by_owner.get(&owner).is_none_or(|last| *last <= window.0);
        if inner.known.includes(window.0) && is_older {
            return SeriesBetween::Few(Vec::new());
        }
        inner.series.between(owner, window, most)
    }

    /// Returns the owners of points that arrived after `seq`, or `None` if that is too long ago.
    pub(crate) fn since(&self, seq: i64) -> Option<Vec<OwnerRow>> {
        let inner = self.lock();
        let first = (seq.saturating_add(1), OwnerRow::FIRST);
        inner.known.includes(seq).then(|| inner.by_seq.range(first..).map(|(_, owner)| *owner).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        if self.by_owner.len() > MAX_OWNERS {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((seq, owner)) = self.by_seq.pop_first() {
            self.by_owner.remove(&owner);
            self.known.forget(seq);
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

    #[test]
    fn what_the_store_had_is_denied_to_nobody_and_known_at_the_end() {
        let recent = RecentArrivals::new(10);
        let [a, b] = [1, 2].map(OwnerRow::run);
        recent.note(a, 11);
        recent.note_series(a, 1, (11, 11));
        let stored = |owner, series, last| StoredSeries { owner, series, last };
        recent.add(&[stored(a, 1, 4), stored(a, 2, 9), stored(b, 3, 7)]);
        assert_eq!(
            (recent.since(5), recent.series_since(b, 5), recent.series_since(b, 8)),
            (None, None, None)
        );
        recent.complete();
        assert_eq!((recent.since(5), recent.since(8)), (Some(vec![b, a]), Some(vec![a])));
        assert_eq!(recent.series_since(a, 5), Some(BTreeSet::from([1, 2])));
        assert_eq!(recent.series_since(b, 8), Some(BTreeSet::new()));
        recent.remove(b, 3);
        assert_eq!((recent.since(0), recent.series_since(b, 0)), (Some(vec![a]), Some(BTreeSet::new())));
    }
}
