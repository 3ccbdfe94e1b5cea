//! Two halves of a large array of series, which two threads may parse at the same time.

use super::array::MAX_ARRAY_POINTS;
use super::scan::Scanner;
use super::series::{Part, parse};
use crate::storage::{Batch, BatchSeries};
use crate::time::Timestamp;

/// Smaller bodies are parsed before another thread would have begun.
const MIN_BYTES: usize = 128 << 10;
/// Bytes of the beginning in which an array shows that its elements are series.
const BEGINNING: usize = 4 << 10;
/// Bytes after the middle that are searched for the end of a series.
const SEARCHED: usize = 1 << 20;

/// A body that may be divided between two series.
///
/// The place is a guess: in a text, brackets mean nothing. Where the halves do not parse, the
/// [whole](super::parse_batch) decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halves {
    /// Where the second half begins.
    middle: usize,
}

/// The series of a half.
#[derive(Debug)]
pub struct Half(Vec<BatchSeries>);

impl Halves {
    /// Divides the JSON body of a batch. `None` if it is too short, or does not look like an array of series.
    #[must_use]
    pub fn of(body: &[u8]) -> Option<Self> {
        if body.len() < MIN_BYTES {
            return None;
        }
        let mut scanner = Scanner::new(body[..BEGINNING].utf8_chunks().next()?.valid());
        if !scanner.take(b'[') || !scanner.is_series() {
            return None;
        }
        let searched = body[body.len() / 2..].iter().take(SEARCHED);
        let end = body.len() / 2
            + searched.clone().zip(searched.skip(1)).position(|pair| pair == (&b'}', &b','))?;
        let next = body[end + 2..].iter().position(|byte| !byte.is_ascii_whitespace())?;
        let middle = end + 2 + next;
        (body[middle] == b'{').then_some(Self { middle })
    }

    /// Parses the first half. `None` means that the whole must be parsed.
    #[must_use]
    pub fn first(self, body: &[u8], now: Timestamp) -> Option<Half> {
        parse(&body[..self.middle], Part::First, now).ok().map(Half)
    }

    /// Parses the second half. `None` means that the whole must be parsed.
    #[must_use]
    pub fn second(self, body: &[u8], now: Timestamp) -> Option<Half> {
        parse(&body[self.middle..], Part::Second, now).ok().map(Half)
    }
}

impl Half {
    /// Makes a batch without a key of both halves. `None` means that the whole must be parsed.
    #[must_use]
    pub fn join(self, second: Self) -> Option<Batch> {
        let (Self(mut series), Self(second)) = (self, second);
        let before = series.len() as u64;
        series
            .extend(second.into_iter().map(|series| BatchSeries { index: series.index + before, ..series }));
        let items: usize = series.iter().map(|series| series.points.len() + series.rejected.len()).sum();
        let fits = items <= MAX_ARRAY_POINTS && series.len() <= MAX_ARRAY_POINTS;
        fits.then(|| Batch { series, ..Batch::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_batch;
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_micros(7);

    fn in_halves(body: &str) -> Option<Batch> {
        let (body, halves) = (body.as_bytes(), Halves::of(body.as_bytes())?);
        halves.first(body, NOW)?.join(halves.second(body, NOW)?)
    }

    fn series(name: &str, points: usize, more: &str) -> String {
        let values: Vec<String> = (0..points).map(|at| format!("{}.25", at + 1_000_000)).collect();
        format!(r#"{{"run_id":1,"name":"{name}","value":[{}]{more}}}"#, values.join(","))
    }

    #[test]
    fn halves_are_the_whole() {
        let names = ["a", "b", "c", "d", "e"];
        let all: Vec<String> = names.iter().map(|name| series(name, 3_000, "")).collect();
        for separator in [",", ", ", ",\n\t"] {
            let body = format!(" [{}] ", all.join(separator));
            let batch = in_halves(&body).unwrap();
            assert_eq!(batch, parse_batch(body.as_bytes(), NOW).unwrap());
            assert_eq!(batch.series.iter().map(|series| series.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn a_place_within_a_text_is_no_middle() {
        let text = format!(r#","metadata":"{}""#, "},{ ".repeat(50_000));
        let body = format!("[{},{}]", series("a", 10, &text), series("b", 10, ""));
        assert!(Halves::of(body.as_bytes()).is_some());
        assert_eq!(in_halves(&body), None);
        let text = format!(r#","metadata":["{}"]"#, r#"\"},{\"value\":["#.repeat(30_000));
        let body = format!("[{},{}]", series("a", 1, &text), series("b", 1, ""));
        assert!(Halves::of(body.as_bytes()).is_some());
        assert_eq!(in_halves(&body), None);
    }

    #[test]
    fn the_whole_decides_where_a_half_is_refused() {
        let (long, none) = (series("a", 20_000, ""), "");
        let refused = [
            format!("[{long},{long},7]"),
            format!("[7,{long},{long}]"),
            format!("[{long},{long}"),
            format!("[{long},{long}]]"),
            format!("{long},{long}]"),
            format!("[{long},{long},]"),
            format!("[{long},{}]", series("b", 90_000, none)),
            format!(r#"[{long},{long},{{"run_id":1,"name":"c","value":[1],"step":[1,2]}}]"#),
        ];
        for body in refused {
            assert_eq!(in_halves(&body), None);
            parse_batch(body.as_bytes(), NOW).unwrap_err();
        }
        let short = format!("[{},{}]", series("a", 10, none), series("b", 10, none));
        assert_eq!(Halves::of(short.as_bytes()), None);
        assert_eq!(Halves::of(series("a", 20_000, none).as_bytes()), None, "one series");
        let points = vec![r#"{"run_id":1,"name":"a","value":1}"#; 10_000].join(",");
        assert_eq!(Halves::of(format!("[{points}]").as_bytes()), None, "points");
    }

    proptest! {
        #[test]
        fn halves_never_differ_from_the_whole(
            all in proptest::collection::vec(("[a-c},{\\[\"]{0,9}", 0..900_usize, any::<bool>()), 1..9),
            filler in "[},{\\[ ]{1,5}",
        ) {
            let one = |(name, points, bad): &(String, usize, bool)| {
                let values = vec![if *bad { "null" } else { "1.5" }; *points].join(",");
                let metadata = serde_json::json!(filler.repeat(4_000));
                format!(r#"{{"run_id":1,"name":{},"value":[{values}],"metadata":{metadata}}}"#, serde_json::json!(name))
            };
            let body = format!("[{}]", all.iter().map(one).collect::<Vec<_>>().join(","));
            if let Some(batch) = in_halves(&body) {
                prop_assert_eq!(Ok(batch), parse_batch(body.as_bytes(), NOW));
            }
        }
    }
}
