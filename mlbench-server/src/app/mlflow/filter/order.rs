//! Orders of what is found.

use std::cmp::Ordering;

use super::condition::{Found, Key, Subject};

/// A key by which what is found is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::app::mlflow) struct Order {
    pub(in crate::app::mlflow) key: Key,
    pub(in crate::app::mlflow) descending: bool,
}

/// The place of something in an order.
///
/// What is no number comes after the numbers in both directions, then what is absent.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app::mlflow) enum Rank {
    Number(f64),
    Text(String),
    NoNumber,
    Absent,
}

impl Order {
    /// Returns the place of a subject.
    pub(in crate::app::mlflow) fn rank(&self, subject: &impl Subject) -> Rank {
        match subject.find(&self.key) {
            None => Rank::Absent,
            Some(Found::Number(number)) if number.is_nan() => Rank::NoNumber,
            Some(Found::Number(number)) => Rank::Number(number),
            Some(Found::Text(text)) => Rank::Text(text.into_owned()),
        }
    }

    /// Compares two places.
    pub(in crate::app::mlflow) fn compare(&self, a: &Rank, b: &Rank) -> Ordering {
        let order = match (a, b) {
            (Rank::Number(a), Rank::Number(b)) => a.total_cmp(b),
            (Rank::Text(a), Rank::Text(b)) => a.cmp(b),
            _ => return a.class().cmp(&b.class()),
        };
        if self.descending { order.reverse() } else { order }
    }
}

impl Rank {
    /// Returns the rank as a text, from which it is read back.
    pub(in crate::app::mlflow) fn to_text(&self) -> String {
        match self {
            Self::Number(number) => format!("n{number:?}"),
            Self::Text(text) => format!("t{text}"),
            Self::NoNumber => "no number".to_owned(),
            Self::Absent => "absent".to_owned(),
        }
    }

    /// Reads a rank. `None` for a text that is none.
    pub(in crate::app::mlflow) fn parse(text: &str) -> Option<Self> {
        match text {
            "no number" => Some(Self::NoNumber),
            "absent" => Some(Self::Absent),
            _ => match text.split_at_checked(1)? {
                ("n", number) => number.parse().ok().map(Self::Number),
                ("t", text) => Some(Self::Text(text.to_owned())),
                _ => None,
            },
        }
    }

    const fn class(&self) -> u8 {
        match self {
            Self::Number(_) | Self::Text(_) => 0,
            Self::NoNumber => 1,
            Self::Absent => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_comes_last_in_both_directions() {
        for (descending, expected) in [(false, [1.0, 2.0]), (true, [2.0, 1.0])] {
            let order = Order { key: Key::Metric("x".to_owned()), descending };
            let mut ranks = [Rank::Absent, Rank::Number(2.0), Rank::NoNumber, Rank::Number(1.0)];
            ranks.sort_by(|a, b| order.compare(a, b));
            let [first, second] = expected;
            let expected = [Rank::Number(first), Rank::Number(second), Rank::NoNumber, Rank::Absent];
            assert_eq!(ranks, expected);
        }
    }
}
