//! Places of runs in an order, as tokens of pages.

use std::cmp::Ordering;

use mlbench_core::run::Run;
use mlbench_core::storage::{RunKeyValue, RunsCursor};
use mlbench_core::{Error, Result, RunId, Timestamp};

use super::filter::{Order, Rank, Subject};

/// The place of a run: by the keys of an order, then the newest first.
///
/// A page goes on behind the place of the last run before it, even if that run has changed or is gone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) id: RunId,
    created: Timestamp,
    ranks: Vec<Rank>,
}

impl Place {
    /// Returns the place of a run.
    pub(super) fn of(run: &Run, orders: &[Order], subject: &impl Subject) -> Self {
        let ranks = orders.iter().map(|order| order.rank(subject)).collect();
        Self { id: run.id, created: run.created_at, ranks }
    }

    /// Compares two places in the same order.
    pub(super) fn compare(&self, other: &Self, orders: &[Order]) -> Ordering {
        let ranks = self.ranks.iter().zip(&other.ranks);
        let each = orders.iter().zip(ranks).map(|(order, (a, b))| order.compare(a, b));
        let newest = (other.created, other.id).cmp(&(self.created, self.id));
        each.fold(Ordering::Equal, Ordering::then).then(newest)
    }

    /// Returns where the store goes on, in the order of the newest first.
    pub(super) fn cursor(&self) -> RunsCursor {
        RunsCursor { key: RunKeyValue::Number(self.created.as_micros()), id: self.id }
    }

    /// Returns the place as a text: a JSON array of the id, the date and the ranks.
    pub(super) fn token(&self) -> String {
        let head = [self.id.to_string(), self.created.as_micros().to_string()];
        let texts = head.into_iter().chain(self.ranks.iter().map(Rank::to_text)).map(Into::into);
        serde_json::Value::Array(texts.collect()).to_string()
    }

    /// Reads a token of an order with so many keys.
    ///
    /// # Errors
    /// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) for every other text.
    pub(super) fn parse(token: &str, orders: usize) -> Result<Self> {
        let read = || {
            let texts: Vec<String> = serde_json::from_str(token).ok()?;
            let [id, created, ranks @ ..] = &texts[..] else { return None };
            let ranks = ranks.iter().map(|text| Rank::parse(text)).collect::<Option<Vec<_>>>()?;
            let created = Timestamp::from_micros(created.parse().ok()?);
            Some(Self { id: id.parse().ok()?, created, ranks }).filter(|place| place.ranks.len() == orders)
        };
        read()
            .ok_or_else(|| Error::invalid("page_token", "is none of this search; begin with the first page"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_from_its_token() {
        let ranks = vec![
            Rank::Number(f64::NEG_INFINITY),
            Rank::Number(0.1),
            Rank::Text("\"tabs\"\tand é".to_owned()),
            Rank::Text(String::new()),
            Rank::NoNumber,
            Rank::Absent,
        ];
        let place = Place { id: RunId::new(7).unwrap(), created: Timestamp::from_micros(5), ranks };
        assert_eq!(Place::parse(&place.token(), 6).unwrap(), place);
        let first = Place { ranks: Vec::new(), ..place };
        assert_eq!(first.token(), r#"["7","5"]"#);
        for (token, orders) in [
            (r#"["7","5"]"#, 1),
            (r#"["7","5","n1"]"#, 0),
            (r#"["7","5","nx"]"#, 1),
            (r#"["7","5","é"]"#, 1),
            (r#"["7"]"#, 0),
            (r#"["x","5"]"#, 0),
            ("7", 0),
        ] {
            let refusal = Place::parse(token, orders).unwrap_err();
            assert!(refusal.detail().starts_with("page_token: is none of this search; "), "{token}");
        }
    }
}
