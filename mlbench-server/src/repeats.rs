//! [`Repeats`]: keeps a failure that repeats from filling the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the log keeps quiet about the same kind of failure.
const PAUSE: Duration = Duration::from_secs(10);

/// The last failure of a part that is in the log.
#[derive(Debug, Default)]
pub struct Repeats(Mutex<Option<(Instant, String)>>);

impl Repeats {
    /// Returns whether the log should have a failure: not if it had one of the same kind a moment ago.
    pub fn is_news(&self, kind: &str) -> bool {
        self.is_news_at(kind, Instant::now())
    }

    fn is_news_at(&self, kind: &str, now: Instant) -> bool {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |(at, last): &(Instant, String)| last == kind && now.duration_since(*at) < PAUSE;
        if logged.as_ref().is_some_and(is_known) {
            return false;
        }
        *logged = Some((now, kind.to_owned()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_kind_is_news_after_a_pause_and_another_one_at_once() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        assert!(repeats.is_news_at("disk full", start));
        assert!(!repeats.is_news_at("disk full", start + PAUSE / 2));
        assert!(repeats.is_news_at("disk full", start + PAUSE));
        assert!(repeats.is_news_at("read-only", start + PAUSE));
    }
}
