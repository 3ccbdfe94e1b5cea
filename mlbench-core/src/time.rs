//! [`Timestamp`]: a moment in UTC with microseconds, read in every spelling that clients send and written in one.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROS: i64 = 1_000_000;
/// 9999-12-31T23:59:59.999999Z.
const LAST: i64 = 253_402_300_799 * MICROS + 999_999;

/// A moment between 1970 and 9999, in whole microseconds since 1970-01-01T00:00:00Z.
///
/// Written as RFC 3339 in UTC with six digits and `Z` (`2018-08-03T09:21:29.347960Z`), so that the texts sort as
/// the moments do. [`FromStr`] reads what the specification's clients send: RFC 3339, a space for the `T`, with or
/// without fraction, with or without zone (none is UTC), and bare digits as seconds since 1970. What is finer than a
/// microsecond is cut, not rounded; a leap second reads as the last microsecond before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Why a text is not a [`Timestamp`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseTimestampError {
    /// Not a date in any spelling that is read.
    #[error("{0:?} is not a date; write it like 2018-08-03T09:21:29.347960Z or as seconds since 1970")]
    Syntax(String),
    /// A date that the calendar does not have (month 13, 30 February, hour 25).
    #[error("{0:?} is not in the calendar; write a date like 2018-08-03T09:21:29.347960Z")]
    Calendar(String),
    /// A date outside the years that can be stored.
    #[error("{0:?} is outside the years 1970 to 9999")]
    Range(String),
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z, the default of every `since`.
    pub const EPOCH: Self = Self(0);
    /// The last moment that can be stored.
    pub const MAX: Self = Self(LAST);

    /// The moment `micros` microseconds after 1970, brought into the range that can be stored.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros < 0 {
            Self(0)
        } else if micros > LAST {
            Self(LAST)
        } else {
            Self(micros)
        }
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The moment `duration` later, or the last one that can be stored.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The moment `duration` earlier, or 1970.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The time from `earlier` to this moment; zero when it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The 27 characters of the wire form, without an allocation.
    #[must_use]
    pub fn to_text(self) -> TimestampText {
        let date = civil(self.0.div_euclid(MICROS));
        let micros = self.0.rem_euclid(MICROS);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        digits(&mut text[0..4], i64::from(date.year()));
        digits(&mut text[5..7], i64::from(date.month()));
        digits(&mut text[8..10], i64::from(date.day()));
        digits(&mut text[11..13], i64::from(date.hour()));
        digits(&mut text[14..16], i64::from(date.minute()));
        digits(&mut text[17..19], i64::from(date.second()));
        digits(&mut text[20..26], micros);
        TimestampText(text)
    }
}

/// The calendar's 1970-01-01T00:00:00. Civil arithmetic, because jiff's own timestamps end a day before 9999 does.
const CIVIL_EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

fn civil(seconds: i64) -> DateTime {
    // A `Timestamp` never leaves 1970..=9999, which the calendar covers.
    CIVIL_EPOCH.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(CIVIL_EPOCH)
}

fn digits(into: &mut [u8], mut number: i64) {
    for slot in into.iter_mut().rev() {
        *slot = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// The wire form of a [`Timestamp`], on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampText([u8; 27]);

impl TimestampText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.to_text().as_str())
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let syntax = || ParseTimestampError::Syntax(text.to_owned());
        let range = || ParseTimestampError::Range(text.to_owned());
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            let seconds: i64 = text.parse().map_err(|_| range())?;
            return seconds.checked_mul(MICROS).filter(|&m| m <= LAST).map(Self).ok_or_else(range);
        }
        let parts = Parts::read(text.as_bytes()).ok_or_else(syntax)?;
        let micros = parts.micros().ok_or_else(|| ParseTimestampError::Calendar(text.to_owned()))?;
        if (0..=LAST).contains(&micros) { Ok(Self(micros)) } else { Err(range()) }
    }
}

/// A date as it was written, before anything is known of the calendar.
struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    offset_seconds: i64,
}

impl Parts {
    fn read(text: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(text);
        let year = cursor.number(4)?;
        cursor.one_of(b"-")?;
        let month = cursor.number(2)?;
        cursor.one_of(b"-")?;
        let day = cursor.number(2)?;
        cursor.one_of(b"Tt ")?;
        let hour = cursor.number(2)?;
        cursor.one_of(b":")?;
        let minute = cursor.number(2)?;
        cursor.one_of(b":")?;
        let second = cursor.number(2)?;
        let micros = if cursor.one_of(b".").is_some() { cursor.fraction()? } else { 0 };
        let offset_seconds = cursor.offset()?;
        cursor.0.is_empty().then_some(Self { year, month, day, hour, minute, second, micros, offset_seconds })
    }

    fn micros(&self) -> Option<i64> {
        let leap = self.second == 60;
        let second = if leap { 59 } else { self.second };
        let time = self.hour < 24 && self.minute < 60 && second < 60;
        let days = days_since_1970(self.year, self.month, self.day).filter(|_| time)?;
        let seconds = days * 86_400 + self.hour * 3_600 + self.minute * 60 + second - self.offset_seconds;
        Some(seconds * MICROS + if leap { MICROS - 1 } else { self.micros })
    }
}

/// Days of the Gregorian calendar; `None` for a day that it does not have. Every point of a batch asks, so this counts
/// years from March on, where leap days come last and months follow one formula, instead of asking a calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    let year = if month < 3 { year - 1 } else { year };
    let days_before_month = (153 * ((month + 9) % 12) + 2) / 5;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 1 March of the year 0 lies 719,468 days before 1970.
    Some(year * 365 + leap_days + days_before_month + day - 1 - 719_468)
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn one_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        if !wanted.contains(&first) {
            return None;
        }
        self.0 = rest;
        Some(first)
    }

    fn number(&mut self, length: usize) -> Option<i64> {
        let (head, rest) = self.0.split_at_checked(length)?;
        if !head.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(head.iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0')))
    }

    /// At least one digit; the first six count.
    fn fraction(&mut self) -> Option<i64> {
        let length = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (head, rest) = self.0.split_at(length);
        self.0 = rest;
        let kept = head.iter().chain(b"000000").take(6).fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
        (length > 0).then_some(kept)
    }

    /// `Z`, `+02:00`, `+0200`, `+02`, nothing, or ` 02:00`: a `+` that a query string turned into a space.
    fn offset(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.one_of(b"Zz").is_some() {
            return Some(0);
        }
        let sign = if self.one_of(b"+- ")? == b'-' { -1 } else { 1 };
        let hours = self.number(2)?;
        let minutes = match self.one_of(b":") {
            Some(_) => self.number(2)?,
            None if self.0.is_empty() => 0,
            None => self.number(2)?,
        };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.to_text().as_str())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, wire: &str) {
        assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), wire, "{text}");
    }

    #[test]
    fn every_accepted_spelling_is_written_in_one() {
        check("2018-08-03T09:21:29.347960Z", "2018-08-03T09:21:29.347960Z");
        check("2018-08-03 09:21:29.347960", "2018-08-03T09:21:29.347960Z");
        check("2018-08-03t09:21:29z", "2018-08-03T09:21:29.000000Z");
        check("2018-08-03T09:21:29.3", "2018-08-03T09:21:29.300000Z");
        check("2018-08-03T11:21:29.5+02:00", "2018-08-03T09:21:29.500000Z");
        check("2018-08-03T11:21:29 02:00", "2018-08-03T09:21:29.000000Z");
        check("2018-08-03T04:51:29-0430", "2018-08-03T09:21:29.000000Z");
        check("2018-08-03T11:21:29+02", "2018-08-03T09:21:29.000000Z");
        check("1533288089", "2018-08-03T09:21:29.000000Z");
        check("0", "1970-01-01T00:00:00.000000Z");
        check("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn what_is_finer_than_a_microsecond_is_cut_not_rounded() {
        check("2018-08-03T09:21:29.3479609999999Z", "2018-08-03T09:21:29.347960Z");
        check("2018-08-03T09:21:29.9999999Z", "2018-08-03T09:21:29.999999Z");
    }

    #[test]
    fn a_leap_second_is_the_last_microsecond_before_it() {
        check("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z");
        check("2016-12-31T23:59:60.25Z", "2016-12-31T23:59:59.999999Z");
    }

    #[test]
    fn what_is_no_date_is_refused_with_its_reason() {
        use ParseTimestampError::{Calendar, Range, Syntax};
        let parse = |text: &str| text.parse::<Timestamp>().unwrap_err();
        for text in
            ["", "yesterday", "2018-08-03", "2018-08-03T09:21", "2018-08-03T09:21:29.Z", "-1", "1e9", "１２"]
        {
            assert_eq!(parse(text), Syntax(text.to_owned()));
        }
        for text in
            ["2018-13-01T00:00:00Z", "2018-02-30T00:00:00Z", "2018-01-01T24:00:00Z", "2018-01-01T00:00:61Z"]
        {
            assert_eq!(parse(text), Calendar(text.to_owned()));
        }
        for text in [
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+02:00",
            "253402300800",
            "99999999999999999999",
        ] {
            assert_eq!(parse(text), Range(text.to_owned()));
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let calendar = |year, month, day| {
            let date = jiff::civil::Date::new(year as i16, month as i8, day as i8).ok()?;
            Some(date.to_datetime(jiff::civil::Time::midnight()).duration_since(CIVIL_EPOCH).as_hours() / 24)
        };
        for year in (0..=9999).filter(|year| year % 7 == 0 || year % 100 < 5) {
            for month in 0..=13 {
                for day in [0, 1, 28, 29, 30, 31, 32] {
                    let days = days_since_1970(year, month, day);
                    assert_eq!(days, calendar(year, month, day), "{year}-{month}-{day}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_wire_form_reads_back_and_sorts_as_the_moment(a in 0..=LAST, b in 0..=LAST) {
            let (a, b) = (Timestamp(a), Timestamp(b));
            prop_assert_eq!(a.to_string().parse::<Timestamp>().unwrap(), a);
            prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<Timestamp>();
        }
    }
}
