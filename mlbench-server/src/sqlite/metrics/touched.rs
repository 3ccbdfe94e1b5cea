//! The last arrival of every series, in memory.
//!
//! A series takes about 100 bytes: a table finds its last arrival, and an order finds the series of an owner by it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::owner::OwnerRow;

/// The most series that are remembered: 50 MB.
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
    by_owner: BTreeMap<(OwnerKey, i64, i64), Gap>,
}

/// A range of arrival numbers in which a series has no points: between two writes.
#[derive(Debug, Clone, Copy)]
struct Gap {
    after: i64,
    before: i64,
}

impl Gap {
    const NONE: Self = Self { after: i64::MAX, before: 0 };

    const fn includes(self, (after, upto): (i64, i64)) -> bool {
        self.after <= after && upto < self.before
    }
}

/// The series of an owner that may have points in a range of arrival numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SeriesBetween {
    /// It is not known which they are, or they are many.
    Unknown,
    /// More than a limit of them have points there.
    TooMany,
    /// These, of which most have points there.
    Few(Vec<i64>),
}

/// An owner in 8 bytes.
type OwnerKey = i64;

const fn key(owner: OwnerRow) -> OwnerKey {
    (owner.id << 1) | owner.kind
}

impl TouchedSeries {
    /// Begins after `floor`, the last arrival number in the store.
    pub(super) fn new(floor: i64) -> Self {
        Self { known: Known::after(floor), last: HashMap::new(), by_owner: BTreeMap::new() }
    }

    /// Notes that points of a series arrived, with numbers from `first` to `last`.
    ///
    /// A write that is rolled back leaves a number here that is too high.
    pub(super) fn note(&mut self, owner: OwnerRow, series: i64, (first, last): (i64, i64)) {
        let known = self.last.get(&series).map_or(self.known.floor, |(_, last)| *last);
        self.insert(key(owner), (series, last), Gap { after: known, before: first });
    }

    fn insert(&mut self, owner: OwnerKey, (series, last): (i64, i64), gap: Gap) {
        if let Some((of, last)) = self.last.insert(series, (owner, last)) {
            self.by_owner.remove(&(of, last, series));
        }
        self.by_owner.insert((owner, last, series), gap);
        if self.last.len() > MAX_SERIES {
            self.forget_quarter();
        }
    }

    /// Adds a series as the store has it, unless a later arrival was noted.
    pub(super) fn add(&mut self, owner: OwnerRow, series: i64, seq: i64) {
        if seq > self.known.forgotten && !self.last.contains_key(&series) {
            self.insert(key(owner), (series, seq), Gap::NONE);
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
        let touched = || self.by_owner.range(since(owner, seq));
        touched().nth(MAX_LISTED).is_none().then(|| touched().map(|((.., series), _)| *series).collect())
    }

    /// Returns the series of an owner that may have points in the window.
    ///
    /// Does not list them when more than `most` of them have any.
    pub(super) fn between(&self, owner: OwnerRow, window: (i64, i64), most: usize) -> SeriesBetween {
        let (after, upto) = window;
        if !self.known.includes(after) {
            return SeriesBetween::Unknown;
        }
        let (mut series, mut have_points) = (Vec::new(), 0);
        for (&(_, last, of), gap) in self.by_owner.range(since(key(owner), after)) {
            if gap.includes(window) {
                continue;
            }
            have_points += usize::from(last <= upto);
            if have_points > most {
                return SeriesBetween::TooMany;
            }
            if series.len() >= most.saturating_mul(2) {
                return SeriesBetween::Unknown;
            }
            series.push(of);
        }
        // Rows that lie together are read together.
        series.sort_unstable();
        SeriesBetween::Few(series)
    }

    /// Forgets the series whose last arrival is longest ago.
    fn forget_quarter(&mut self) {
        let mut numbers: Vec<i64> = self.last.values().map(|(_, seq)| *seq).collect();
        let (_, newest, _) = numbers.select_nth_unstable(MAX_SERIES / 4);
        self.known.forget(*newest);
        let forgotten = self.known.forgotten;
        self.last.retain(|_, (_, seq)| *seq > forgotten);
        self.by_owner.retain(|(_, seq, _), _| *seq > forgotten);
    }
}

/// The keys of the series of an owner with points after `seq`.
fn since(owner: OwnerKey, seq: i64) -> Range<(OwnerKey, i64, i64)> {
    (owner, seq.saturating_add(1), i64::MIN)..(owner + 1, i64::MIN, i64::MIN)
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
            touched.note(owner, series, (seq, seq));
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
        touched.note(a, 1, (11, 11));
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
        touched.note(b, 2, (12, 12));
        assert_eq!((since(&touched, a, 0), since(&touched, b, 0)), (Some(vec![1]), Some(vec![2])));
        assert_eq!(touched.by_owner.len(), touched.last.len());
    }

    #[test]
    fn many_series_are_not_listed_and_forgotten_ones_are_unknown() {
        let mut touched = TouchedSeries::new(0);
        let owner = OwnerRow::run(1);
        for series in 1..=MAX_SERIES as i64 + 1 {
            touched.note(owner, series, (series, series));
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

    #[test]
    fn series_without_points_in_a_window_are_left_out() {
        let mut touched = TouchedSeries::new(10);
        let a = OwnerRow::run(1);
        let few = |touched: &TouchedSeries, after, upto| match touched.between(a, (after, upto), 2) {
            SeriesBetween::Few(series) => series,
            other => panic!("{other:?}"),
        };
        for (series, range) in [(1, (11, 13)), (2, (14, 14)), (3, (15, 20))] {
            touched.note(a, series, range);
        }
        assert_eq!(few(&touched, 10, 13), [1]);
        assert_eq!(few(&touched, 11, 14), [1, 2]);
        assert_eq!((few(&touched, 14, 16), few(&touched, 20, 30)), (vec![3], vec![]));
        assert_eq!(touched.between(a, (10, 20), 2), SeriesBetween::TooMany);
        assert_eq!(touched.between(a, (9, 20), 2), SeriesBetween::Unknown);
        // A later write of the same series: its earlier points are in any window before that.
        touched.note(a, 1, (21, 22));
        assert_eq!((few(&touched, 10, 13), few(&touched, 13, 16)), (vec![1], vec![2, 3]));
        touched.add(a, 4, 9);
        touched.known.complete();
        assert_eq!(
            few(&touched, 5, 12),
            [1, 2, 3, 4],
            "what the store had may be anywhere up to its last arrival"
        );
        // A write that was rolled back hides nothing of the one that got its numbers.
        touched.note(a, 2, (23, 40));
        touched.note(a, 2, (23, 24));
        assert_eq!(few(&touched, 22, 24), [2]);
    }
}
