use super::*;
use jiff::civil::DateTime;
use proptest::prelude::*;

/// Civil arithmetic, because jiff's timestamps end a day before the year 9999 does.
const CIVIL_EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

fn check(text: &str, wire: &str) {
    assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), wire, "{text}");
}

#[test]
fn every_accepted_format_is_written_in_one() {
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
    check("1795708651.65", "2026-11-26T15:57:31.650000Z");
    check("1795708651.0", "2026-11-26T15:57:31.000000Z");
    check("1.79570865165e9", "2026-11-26T15:57:31.650000Z");
    check("1795708651.6543219", "2026-11-26T15:57:31.654321Z");
    check("253402300799.999999", "9999-12-31T23:59:59.999999Z");
    check("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z");
}

#[test]
fn fractions_are_truncated_to_microseconds() {
    check("2018-08-03T09:21:29.3479609999999Z", "2018-08-03T09:21:29.347960Z");
    check("2018-08-03T09:21:29.9999999Z", "2018-08-03T09:21:29.999999Z");
}

#[test]
fn a_leap_second_is_the_last_microsecond_before_it() {
    check("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z");
    check("2016-12-31T23:59:60.25Z", "2016-12-31T23:59:59.999999Z");
}

#[test]
fn invalid_dates_are_refused_with_the_reason() {
    use ParseTimestampError::{Calendar, Range, Syntax};
    let parse = |text: &str| text.parse::<Timestamp>().unwrap_err();
    for text in [
        "",
        "yesterday",
        "2018-08-03",
        "2018-08-03T09:21",
        "2018-08-03T09:21:29.Z",
        "1.",
        "1e",
        "NaN",
        "１２",
    ] {
        assert_eq!(parse(text), Syntax(format!("{text:?}")));
    }
    for text in
        ["2018-13-01T00:00:00Z", "2018-02-30T00:00:00Z", "2018-01-01T24:00:00Z", "2018-01-01T00:00:61Z"]
    {
        assert_eq!(parse(text), Calendar(format!("{text:?}")));
    }
    for text in [
        "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+02:00",
        "253402300800",
        "99999999999999999999",
        "-1",
        "-0.5",
        &"9".repeat(1_000),
    ] {
        assert_eq!(parse(text), Range(quote(text).to_string()));
    }
}

#[test]
fn a_number_in_another_unit_is_refused_naming_the_unit() {
    for (text, unit) in [
        ("1795708651650", "milliseconds"),
        ("1795708651650.5", "milliseconds"),
        ("1.79570865165e12", "milliseconds"),
        ("1795708651650000", "microseconds"),
        ("1795708651650000000", "nanoseconds"),
    ] {
        let error = text.parse::<Timestamp>().unwrap_err().to_string();
        let expected = format!("these look like {unit}, send seconds since 1970");
        assert!(error.starts_with(&format!("{text:?} ")) && error.ends_with(&expected), "{error}");
    }
}

#[test]
fn days_match_the_calendar() {
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
    fn the_wire_form_parses_back_and_sorts_by_time(a in 0..=LAST, b in 0..=LAST) {
        let (a, b) = (Timestamp(a), Timestamp(b));
        prop_assert_eq!(a.to_string().parse::<Timestamp>().unwrap(), a);
        prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
    }

    #[test]
    fn a_writer_prints_what_each_time_prints(first in 0..=LAST, steps in proptest::collection::vec(-90_000_000..90_000_000_i64, 1..40)) {
        let (mut writer, mut time) = (TimestampWriter::default(), Timestamp(first));
        for step in steps {
            let expected = time.to_text();
            prop_assert_eq!(&writer.text(time)[..], expected.as_bytes());
            time = Timestamp::from_micros(time.0 + step);
        }
    }

    #[test]
    fn the_wire_form_matches_the_calendar(micros in 0..=LAST) {
        let date = CIVIL_EPOCH.checked_add(jiff::SignedDuration::from_secs(micros / MICROS)).unwrap();
        let expected = format!("{}.{:06}Z", date.strftime("%Y-%m-%dT%H:%M:%S"), micros % MICROS);
        prop_assert_eq!(Timestamp(micros).to_string(), expected);
    }

    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = text.parse::<Timestamp>();
    }
}
