//! UTC timestamps with microseconds, parsed leniently and written in one format.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::number::Decimal;
use crate::quote::quote;

const MICROS: i64 = 1_000_000;
/// 9999-12-31T23:59:59.999999Z.
const LAST: i64 = 253_402_300_799 * MICROS + 999_999;

/// A point in time from 1970 to 9999, in microseconds since 1970-01-01T00:00:00Z.
///
/// [`Display`](fmt::Display) writes RFC 3339 in UTC with six fractional digits (`2018-08-03T09:21:29.347960Z`), so that
/// the texts sort by time. [`FromStr`] accepts what the specification's clients send: RFC 3339 with `T` or a space, an
/// optional fraction and an optional time zone (default UTC), or a number of seconds since 1970. It truncates to
/// microseconds, and maps a leap second to the last microsecond before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(type = "string"))]
pub struct Timestamp(i64);

/// The error of parsing a [`Timestamp`]. Holds the text as [`quote`] writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseTimestampError {
    /// The text has none of the accepted formats.
    #[error("{0} is not a date; write it like 2018-08-03T09:21:29.347960Z or as seconds since 1970")]
    Syntax(String),
    /// The date does not exist (month 13, 30 February, hour 25).
    #[error("{0} does not exist in the calendar; write a date like 2018-08-03T09:21:29.347960Z")]
    Calendar(String),
    /// The date is outside the supported years.
    #[error("{0} is outside the years 1970 to 9999")]
    Range(String),
    /// The number has as many digits as today in a smaller unit than seconds.
    #[error("{text} is outside the years 1970 to 9999; these look like {unit}, send seconds since 1970")]
    Unit {
        /// The text.
        text: String,
        /// The unit.
        unit: &'static str,
    },
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z, the default of every `since`.
    pub const EPOCH: Self = Self(0);
    /// The latest supported time.
    pub const MAX: Self = Self(LAST);

    /// Creates a timestamp from microseconds since 1970, clamped to the supported range.
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

    /// Returns the microseconds since 1970.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Adds a duration. Returns [`Timestamp::MAX`] on overflow.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Subtracts a duration. Returns [`Timestamp::EPOCH`] on underflow.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Returns the time elapsed since `earlier`, or zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// Returns the 27 characters of the wire form without allocating.
    #[must_use]
    pub fn to_text(self) -> TimestampText {
        let seconds = self.0 / MICROS;
        let (year, month, day) = calendar(narrow(seconds / DAY));
        let (second, micros) = (narrow(seconds % DAY), narrow(self.0 % MICROS));
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        two(&mut text, 0, year / 100);
        two(&mut text, 2, year % 100);
        two(&mut text, 5, month);
        two(&mut text, 8, day);
        two(&mut text, 11, second / 3600);
        two(&mut text, 14, second / 60 % 60);
        put_seconds(&mut text, second % 60, micros);
        TimestampText(text)
    }
}

/// Writes timestamps that mostly follow each other. Only the seconds are new within a minute.
#[derive(Debug, Clone)]
pub struct TimestampWriter {
    /// Where the minute of `text` begins, in microseconds.
    minute: i64,
    text: TimestampText,
}

impl TimestampWriter {
    /// Returns the text of [`Timestamp::to_text`].
    pub fn text(&mut self, time: Timestamp) -> &[u8; 27] {
        let micros = time.0 - self.minute;
        if (0..MINUTE).contains(&micros) {
            put_seconds(&mut self.text.0, narrow(micros / MICROS), narrow(micros % MICROS));
        } else {
            *self = Self { minute: time.0 - time.0 % MINUTE, text: time.to_text() };
        }
        &self.text.0
    }
}

impl Default for TimestampWriter {
    fn default() -> Self {
        Self { minute: 0, text: Timestamp::EPOCH.to_text() }
    }
}

/// Microseconds.
const MINUTE: i64 = 60 * MICROS;

/// Seconds.
const DAY: i64 = 86_400;

/// Converts a part of a date, which is never negative and has at most 23 bits.
fn narrow(part: i64) -> u32 {
    u32::try_from(part).unwrap_or(0)
}

/// Converts days since 1970-01-01 to year, month and day.
///
/// After H. Hinnant, *chrono-Compatible Low-Level Date Algorithms*, 2013: years begin in March, so that the leap day is
/// the last of its year. Plain arithmetic is worth it here, because large responses consist mostly of dates.
const fn calendar(day: u32) -> (u32, u32, u32) {
    const DAYS_FROM_MARCH_0: u32 = 719_468;
    const DAYS_OF_400_YEARS: u32 = 146_097;
    let (era, day) =
        ((day + DAYS_FROM_MARCH_0) / DAYS_OF_400_YEARS, (day + DAYS_FROM_MARCH_0) % DAYS_OF_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// Writes the seconds of a minute, and their microseconds.
fn put_seconds(text: &mut [u8; 27], second: u32, micros: u32) {
    two(text, 17, second);
    two(text, 20, micros / 10_000);
    two(text, 22, micros / 100 % 100);
    two(text, 24, micros % 100);
}

/// Writes a number below 100 as two digits.
fn two(text: &mut [u8; 27], at: usize, number: u32) {
    const DIGITS: &[u8; 10] = b"0123456789";
    text[at] = DIGITS[(number / 10 % 10) as usize];
    text[at + 1] = DIGITS[(number % 10) as usize];
}

/// The wire form of a [`Timestamp`], stored on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampText([u8; 27]);

impl TimestampText {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the bytes of the text, all ASCII.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
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
        if let Some(date) = Self::from_wire(text.as_bytes()) {
            return Ok(date);
        }
        let quoted = || quote(text).to_string();
        let Some(parts) = Parts::read(text.as_bytes()) else {
            return Self::from_seconds(text);
        };
        let micros = parts.micros().ok_or_else(|| ParseTimestampError::Calendar(quoted()))?;
        if (0..=LAST).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(ParseTimestampError::Range(quoted()))
        }
    }
}

impl Timestamp {
    /// Parses the wire form, which most dates have. `None` for any other text, and for a leap second.
    fn from_wire(text: &[u8]) -> Option<Self> {
        let text: &[u8; 27] = text.try_into().ok()?;
        let mut is_wire = true;
        let mut two = |at: usize| {
            let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
            is_wire &= tens < 10 && ones < 10;
            i64::from(tens) * 10 + i64::from(ones)
        };
        let (year, month, day) = (two(0) * 100 + two(2), two(5), two(8));
        let (hour, minute, second) = (two(11), two(14), two(17));
        let micros = two(20) * 10_000 + two(22) * 100 + two(24);
        let marks = [text[4], text[7], text[10], text[13], text[16], text[19], text[26]];
        if !is_wire || marks != *b"--T::.Z" || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = days_since_1970(year, month, day)? * DAY + hour * 3_600 + minute * 60 + second;
        let micros = seconds * MICROS + micros;
        (0..=LAST).contains(&micros).then_some(Self(micros))
    }

    /// Parses a number of seconds since 1970.
    fn from_seconds(text: &str) -> Result<Self, ParseTimestampError> {
        if let Ok(seconds) = text.parse::<u32>() {
            return Ok(Self(i64::from(seconds) * MICROS));
        }
        let quoted = || quote(text).to_string();
        let range = || ParseTimestampError::Range(quoted());
        // Digits alone are a number, even if they are too many for a `Decimal`.
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let Some(Decimal { whole, micros, .. }) = Decimal::parse(text) else {
            return Err(if digits { range() } else { ParseTimestampError::Syntax(quoted()) });
        };
        if whole < 0 || micros < 0 || whole > i128::from(LAST / MICROS) {
            let unit = match whole.checked_ilog10() {
                Some(12) => "milliseconds",
                Some(15) => "microseconds",
                Some(18) => "nanoseconds",
                _ => return Err(range()),
            };
            return Err(ParseTimestampError::Unit { text: quoted(), unit });
        }
        let whole = i64::try_from(whole).map_err(|_| range())?;
        Ok(Self(whole * MICROS + micros))
    }
}

/// The parts of a date as written, not yet checked against the calendar.
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

/// Returns the days since 1970 in the Gregorian calendar. `None` for a date that does not exist.
///
/// Runs for every point of a batch. Years begin in March, so that leap days come last and one formula fits all months.
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
    // 0000-03-01 is 719,468 days before 1970-01-01.
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

    /// Parses at least one digit and ignores all after the sixth.
    fn fraction(&mut self) -> Option<i64> {
        let length = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (head, rest) = self.0.split_at(length);
        self.0 = rest;
        let kept = head.iter().chain(b"000000").take(6).fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
        (length > 0).then_some(kept)
    }

    /// Parses `Z`, `+02:00`, `+0200`, `+02`, nothing, or ` 02:00`.
    ///
    /// A query string turns the `+` of the last into a space.
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
mod tests;
