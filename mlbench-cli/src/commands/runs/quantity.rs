//! Numbers as people read them, with the unit of their size.

use mlbench_client::Estimate;

/// What a cell shows that has no value.
pub(super) const NONE: &str = "–";

pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// Formats a time in seconds, or in milliseconds if it is short.
pub(super) fn seconds(seconds: f64) -> String {
    let (factor, unit) = unit(seconds);
    format!("{} {unit}", digits(seconds * factor))
}

/// Formats an interval in the unit of its median.
pub(super) fn interval(time: &Estimate) -> String {
    let (factor, unit) = unit(time.median);
    match time.high {
        _ if time.n == 1 => NONE.to_owned(),
        Some(high) => format!("{} to {} {unit}", digits(time.low * factor), digits(high * factor)),
        None => format!("from {} {unit}", digits(time.low * factor)),
    }
}

fn unit(seconds: f64) -> (f64, &'static str) {
    if seconds < 1.0 { (1e3, "ms") } else { (1.0, "s") }
}

/// Formats a bandwidth in bytes per second.
pub(super) fn bandwidth(bytes: f64) -> String {
    let units = [(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")];
    let (factor, unit) = units.into_iter().find(|(factor, _)| bytes >= *factor).unwrap_or((1.0, "B/s"));
    format!("{} {unit}", digits(bytes / factor))
}

pub(super) fn digits(number: f64) -> String {
    match number {
        _ if number >= 100.0 => format!("{number:.0}"),
        _ if number >= 0.1 || number == 0.0 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_unit_of_their_size() {
        assert_eq!(
            (bandwidth(7.02e6), bandwidth(2.5e10), bandwidth(0.0)),
            ("7.02 MB/s".into(), "25.00 GB/s".into(), "0.00 B/s".into())
        );
        assert_eq!((seconds(0.00025), seconds(250.4)), ("0.25 ms".into(), "250 s".into()));
        assert_eq!((digits(0.003_256), digits(1.966)), ("0.0033".into(), "1.97".into()));
    }
}
