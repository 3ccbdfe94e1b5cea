//! [`Cell`]: one value of a row, as people read it, as programs read it, and in order.

use std::cmp::Ordering;

use mlbench_client::{RunState, Timestamp};
use mlbench_core::metric::plain_number;

/// A value in a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// No value.
    Nothing,
    /// Any text.
    Text(String),
    /// A number, with the text that the API has for it.
    Number { number: f64, text: String },
    /// A time, of which people read the age.
    Date(Timestamp),
    /// A time of a point, which is more than its age.
    Moment(Timestamp),
    /// A time that people read with its age.
    DateAndAge(Timestamp),
    /// A duration in seconds.
    Seconds(f64),
    /// A state: the word, more for people, and what it means.
    State { word: String, more: String, tone: Tone },
}

/// What a state means, shown as a colour beside the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Active,
    Ended,
    Unknown,
}

impl Tone {
    /// Returns the tone of the state of a run.
    pub(crate) const fn of_run(state: RunState) -> Self {
        match state {
            RunState::Finished => Self::Good,
            RunState::Failed => Self::Bad,
            RunState::Initialized | RunState::Started => Self::Active,
            RunState::Stopped => Self::Ended,
            _ => Self::Unknown,
        }
    }

    /// Returns the parameter of the SGR sequence for the colour.
    pub(super) const fn colour(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Active => "36",
            Self::Ended => "33",
            Self::Unknown => "2",
        }
    }
}

impl Cell {
    /// Returns a cell with a text, or none for an empty one.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        match text.into() {
            text if text.is_empty() => Self::Nothing,
            text => Self::Text(text),
        }
    }

    /// Returns a cell with a number as the API prints it.
    pub(crate) fn number(number: f64) -> Self {
        Self::Number { number, text: plain_number(number, str::to_owned) }
    }

    /// Returns a cell with a count.
    pub(crate) fn count(count: u32) -> Self {
        Self::Number { number: count.into(), text: count.to_string() }
    }

    /// Returns the cell of a value that may be missing.
    pub(crate) fn of<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Nothing, cell)
    }

    /// Returns the value for programs.
    pub(super) fn exact(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) | Self::Number { text, .. } | Self::State { word: text, .. } => text.clone(),
            Self::Date(date) | Self::Moment(date) | Self::DateAndAge(date) => date.to_string(),
            Self::Seconds(seconds) => plain_number(*seconds, str::to_owned),
        }
    }

    /// Returns the value for people.
    pub(super) fn readable(&self, now: Timestamp) -> String {
        match self {
            Self::Date(date) => age(*date, now),
            Self::Moment(date) => moment(*date, "2018-08-03T09:21:29.347"),
            Self::DateAndAge(date) => {
                format!("{} ({})", moment(*date, "2018-08-03T09:21:29"), age(*date, now))
            }
            Self::Seconds(seconds) => duration(*seconds),
            Self::State { word, more, .. } => format!("{word}{more}"),
            _ => self.exact(),
        }
    }

    /// Returns the least columns for people: a state is whole.
    pub(super) fn least(&self) -> usize {
        match self {
            Self::State { word, .. } => word.len(),
            _ => 0,
        }
    }

    /// Returns the tone of a state.
    pub(super) const fn tone(&self) -> Option<Tone> {
        match self {
            Self::State { tone, .. } => Some(*tone),
            _ => None,
        }
    }

    /// Compares two values of a column: numbers before texts. Nothing comes last, in both directions.
    pub(super) fn order(&self, other: &Self, is_descending: bool) -> Ordering {
        let (one, two) = (self.key(), other.key());
        match one.0.cmp(&two.0) {
            Ordering::Equal if is_descending => two.1.total_cmp(&one.1).then_with(|| two.2.cmp(&one.2)),
            Ordering::Equal => one.1.total_cmp(&two.1).then_with(|| one.2.cmp(&two.2)),
            differing => differing,
        }
    }

    /// Returns a key: the kind, a number and a text.
    fn key(&self) -> (u8, f64, String) {
        match self {
            Self::Number { number, .. } | Self::Seconds(number) => (0, *number, String::new()),
            // Microseconds until the year 2255 are exact.
            Self::Date(date) | Self::Moment(date) | Self::DateAndAge(date) => {
                (1, date.as_micros() as f64, date.to_string())
            }
            Self::Text(text) | Self::State { word: text, .. } => (2, 0.0, text.clone()),
            Self::Nothing => (3, 0.0, String::new()),
        }
    }
}

/// Returns a date for people, as precise as `form`.
fn moment(date: Timestamp, form: &str) -> String {
    date.to_text().as_str()[..form.len()].replacen('T', " ", 1)
}

/// Returns how long ago a date was, in its largest unit.
fn age(date: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(date).as_secs();
    match seconds {
        0 => "now".to_owned(),
        1..60 => format!("{seconds}s ago"),
        60..3_600 => format!("{}m ago", seconds / 60),
        3_600..172_800 => format!("{}h ago", seconds / 3_600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// Returns a duration in one or two units.
fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{:.0}ms", seconds * 1e3);
    }
    if seconds < 60.0 {
        return format!("{seconds:.1}s");
    }
    let whole = seconds as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}m{:02}s", whole % 60),
        (0, _) => format!("{hours}h{minutes:02}m"),
        _ => format!("{days}d{hours:02}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_an_age_in_its_largest_unit() {
        let now: Timestamp = "2018-08-03T09:21:29Z".parse().unwrap();
        for (date, shown) in [
            ("2018-08-03T09:21:29.5Z", "now"),
            ("2018-08-03T09:21:28.5Z", "now"),
            ("2018-08-03T09:21:27Z", "2s ago"),
            ("2018-08-03T09:20:00Z", "1m ago"),
            ("2018-08-02T10:00:00Z", "23h ago"),
            ("2018-08-01T10:00:00Z", "47h ago"),
            ("2018-01-03T09:21:29Z", "212d ago"),
        ] {
            assert_eq!(Cell::Date(date.parse().unwrap()).readable(now), shown);
        }
        let date = Cell::Date("2018-08-03T09:21:27Z".parse().unwrap());
        assert_eq!(date.exact(), "2018-08-03T09:21:27.000000Z");
        let moment = Cell::Moment("2018-08-03T09:21:27.123456Z".parse().unwrap());
        assert_eq!(moment.readable(now), "2018-08-03 09:21:27.123");
    }

    #[test]
    fn people_read_a_duration_in_two_units() {
        for (seconds, shown) in
            [(0.0153, "15ms"), (12.51, "12.5s"), (61.0, "1m01s"), (3_725.0, "1h02m"), (90_000.0, "1d01h")]
        {
            assert_eq!(Cell::Seconds(seconds).readable(Timestamp::EPOCH), shown);
        }
        assert_eq!(Cell::Seconds(12.51).exact(), "12.51");
    }

    #[test]
    fn values_have_an_order_in_which_nothing_is_last() {
        let sorted = |is_descending| {
            let mut cells =
                [Cell::text("b"), Cell::Nothing, Cell::count(10), Cell::text("a"), Cell::number(9.5)];
            cells.sort_by(|one, two| one.order(two, is_descending));
            cells.iter().map(Cell::exact).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(sorted(false), "9.5 10 a b ");
        assert_eq!(sorted(true), "10 9.5 b a ");
    }
}
