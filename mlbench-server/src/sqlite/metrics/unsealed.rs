//! Which series have points that are not sealed, in memory.
//!
//! The writer notes what arrives, also what is rolled back: that costs the sealer a look. A note counts once its
//! transaction has ended, because the sealer would not see the points before.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most series that are remembered. Further ones are found in the store later.
const MAX_SERIES: usize = 200_000;

/// How often idle series are looked for.
const LOOK: Duration = Duration::from_secs(1);

/// Series with points that are not sealed.
#[derive(Debug)]
pub(crate) struct Unsealed {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    series: HashMap<i64, Waiting>,
    /// Series with enough points to be sealed at once, in the order in which they had them.
    ready: BTreeMap<u64, i64>,
    next: u64,
    /// Series found to be idle.
    idle: Vec<i64>,
    /// When idle series were looked for.
    looked: Option<Instant>,
    /// What arrived in the current transaction.
    arriving: Vec<(i64, usize)>,
    /// Points that wait, about.
    points: u64,
    /// Whether there are series that are not remembered.
    overflowed: bool,
    closed: bool,
    /// From how many points on a series is ready.
    enough: usize,
}

#[derive(Debug)]
struct Waiting {
    points: usize,
    /// How many of them arrived after the last look.
    new: usize,
    touched: Instant,
    ready: Option<u64>,
}

/// What the sealer should do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Seal a series, as far as its points fill chunks.
    Full(i64),
    /// Seal everything of a series, to which nothing was added for a while.
    Idle(i64),
    /// Find series in the store.
    Search,
    /// Nothing is due.
    Nothing,
    /// The store closes.
    Closed,
}

impl Unsealed {
    /// Begins with a search in the store. A series is ready from `enough` points on.
    pub(crate) fn new(enough: usize) -> Self {
        let inner = Inner { enough, overflowed: true, ..Inner::default() };
        Self { inner: Mutex::new(inner), changed: Condvar::new() }
    }

    /// Notes points of a series that arrive in the current transaction.
    pub(super) fn arrived(&self, series: i64, count: usize) {
        self.lock().arriving.push((series, count));
    }

    /// Ends the current transaction: what arrived in it can be sealed.
    pub(crate) fn transaction_ended(&self) {
        let mut inner = self.lock();
        let now = Instant::now();
        for (series, count) in std::mem::take(&mut inner.arriving) {
            if inner.note(series, count, now) {
                self.changed.notify_one();
            }
        }
    }

    /// Notes that so many points of a series wait after a look.
    ///
    /// However many they are, another look now would find the same.
    pub(crate) fn left(&self, series: i64, count: usize) {
        if let Some(waiting) = self.lock().add(series, count, Instant::now()) {
            waiting.new = 0;
        }
    }

    /// Asks for a look at a series, whatever is known of it.
    pub(crate) fn look_at(&self, series: i64) {
        let mut inner = self.lock();
        if inner.add(series, 0, Instant::now()).is_some() && inner.make_ready(series) {
            self.changed.notify_one();
        }
    }

    /// Returns about how many points wait.
    pub(crate) fn points(&self) -> u64 {
        self.lock().points
    }

    /// Takes what is due, and waits for at most `wait`. A series counts as idle after `idle`.
    pub(crate) fn take(&self, idle: Duration, wait: Duration) -> Due {
        let mut inner = self.lock();
        if let Some(due) = inner.due(idle, Instant::now()) {
            return due;
        }
        let (mut inner, _) = self.changed.wait_timeout(inner, wait).unwrap_or_else(PoisonError::into_inner);
        inner.due(idle, Instant::now()).unwrap_or(Due::Nothing)
    }

    /// Waits, at most until the store closes.
    pub(crate) fn pause(&self, time: Duration) {
        let (inner, _) = self
            .changed
            .wait_timeout_while(self.lock(), time, |inner| !inner.closed)
            .unwrap_or_else(PoisonError::into_inner);
        drop(inner);
    }

    /// Returns whether the store closes.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Ends all waiting.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Notes new points. Returns whether the series has become ready.
    fn note(&mut self, series: i64, count: usize, now: Instant) -> bool {
        let enough = self.enough;
        let has_enough = self.add(series, count, now).is_some_and(|waiting| waiting.new >= enough);
        has_enough && self.make_ready(series)
    }

    /// Adds points. Returns `None` for a series too many.
    fn add(&mut self, series: i64, count: usize, now: Instant) -> Option<&mut Waiting> {
        if self.series.len() >= MAX_SERIES && !self.series.contains_key(&series) {
            self.overflowed = true;
            return None;
        }
        self.points = self.points.saturating_add(count as u64);
        let none = Waiting { points: 0, new: 0, touched: now, ready: None };
        let waiting = self.series.entry(series).or_insert(none);
        waiting.points = waiting.points.saturating_add(count);
        waiting.new = waiting.new.saturating_add(count);
        waiting.touched = now;
        Some(waiting)
    }

    /// Makes a known series ready. Returns whether it was not.
    fn make_ready(&mut self, series: i64) -> bool {
        let Some(waiting) = self.series.get_mut(&series).filter(|waiting| waiting.ready.is_none()) else {
            return false;
        };
        waiting.ready = Some(self.next);
        self.ready.insert(self.next, series);
        self.next += 1;
        true
    }

    fn due(&mut self, idle: Duration, now: Instant) -> Option<Due> {
        if self.closed {
            return Some(Due::Closed);
        }
        if let Some((_, series)) = self.ready.pop_first() {
            self.forget(series);
            return Some(Due::Full(series));
        }
        if self.idle.is_empty() && self.looked.is_none_or(|at| now.duration_since(at) >= LOOK) {
            self.looked = Some(now);
            let is_idle = |waiting: &Waiting| now.duration_since(waiting.touched) >= idle;
            let found = self.series.iter().filter(|(_, waiting)| is_idle(waiting));
            self.idle = found.map(|(series, _)| *series).collect();
        }
        if let Some(series) = self.idle.pop() {
            self.forget(series);
            return Some(Due::Idle(series));
        }
        (self.series.is_empty() && std::mem::take(&mut self.overflowed)).then_some(Due::Search)
    }

    fn forget(&mut self, series: i64) {
        if let Some(waiting) = self.series.remove(&series) {
            waiting.ready.map(|at| self.ready.remove(&at));
            self.points = self.points.saturating_sub(waiting.points as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;
    const LATER: Duration = Duration::from_secs(3600);

    #[test]
    fn a_series_is_due_once_enough_points_wait_or_none_come() {
        let unsealed = Unsealed::new(10);
        assert_eq!(unsealed.take(LATER, NOW), Due::Search);
        for _ in 0..3 {
            unsealed.arrived(1, 4);
            unsealed.arrived(2, 1);
            unsealed.transaction_ended();
        }
        assert_eq!(unsealed.points(), 15);
        assert_eq!(unsealed.take(LATER, NOW), Due::Full(1));
        assert_eq!((unsealed.points(), unsealed.take(LATER, NOW)), (3, Due::Nothing));
        let mut inner = unsealed.lock();
        let later = Instant::now() + LATER;
        assert_eq!(inner.due(LATER, later), Some(Due::Idle(2)));
        assert_eq!(inner.due(LATER, later + LATER), None);
        drop(inner);
        unsealed.close();
        assert_eq!(unsealed.take(LATER, LATER), Due::Closed);
    }

    #[test]
    fn what_arrives_is_due_after_its_transaction() {
        let unsealed = Unsealed::new(10);
        assert_eq!(unsealed.take(LATER, NOW), Due::Search);
        unsealed.arrived(1, 10);
        assert_eq!((unsealed.points(), unsealed.take(LATER, NOW)), (0, Due::Nothing));
        unsealed.transaction_ended();
        assert_eq!((unsealed.points(), unsealed.take(LATER, NOW)), (10, Due::Full(1)));
    }

    #[test]
    fn points_that_a_look_leaves_are_not_looked_at_again_at_once() {
        let unsealed = Unsealed::new(10);
        assert_eq!(unsealed.take(LATER, NOW), Due::Search);
        unsealed.left(1, 50);
        assert_eq!((unsealed.points(), unsealed.take(LATER, NOW)), (50, Due::Nothing));
        unsealed.arrived(1, 9);
        unsealed.transaction_ended();
        assert_eq!((unsealed.points(), unsealed.take(LATER, NOW)), (59, Due::Nothing));
        unsealed.arrived(1, 1);
        unsealed.transaction_ended();
        assert_eq!((unsealed.take(LATER, NOW), unsealed.points()), (Due::Full(1), 0));
    }

    #[test]
    fn a_look_that_was_asked_for_is_due_once_and_counts_no_points() {
        let unsealed = Unsealed::new(usize::MAX);
        assert_eq!(unsealed.take(LATER, NOW), Due::Search);
        unsealed.arrived(3, usize::MAX);
        unsealed.arrived(3, usize::MAX);
        unsealed.transaction_ended();
        unsealed.look_at(7);
        unsealed.look_at(7);
        assert_eq!(unsealed.take(LATER, NOW), Due::Full(3));
        assert_eq!((unsealed.points(), unsealed.take(LATER, NOW)), (0, Due::Full(7)));
        assert_eq!(unsealed.take(LATER, NOW), Due::Nothing);
    }

    #[test]
    fn series_beyond_the_bound_are_searched_later() {
        let unsealed = Unsealed::new(1);
        assert_eq!(unsealed.take(LATER, NOW), Due::Search);
        for series in 0..=MAX_SERIES as i64 {
            unsealed.arrived(series, 1);
        }
        unsealed.transaction_ended();
        for series in 0..MAX_SERIES as i64 {
            assert_eq!(unsealed.take(LATER, NOW), Due::Full(series));
        }
        assert_eq!(unsealed.take(LATER, NOW), Due::Search);
    }
}
