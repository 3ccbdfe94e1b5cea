//! The query of the stream of events.

use super::topic::Topic;
use crate::api::fields::Fields;
use crate::error::{Error, Result};

/// Header with which a browser resumes a stream: the id of the last event that it received.
pub const LAST_EVENT_ID_HEADER: &str = "last-event-id";

/// The query of `GET /api/events/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventsQuery {
    /// What the stream is about, without repetitions.
    pub topics: Vec<Topic>,
    /// The stream begins after this position. `None` to begin now.
    pub cursor: Option<i64>,
}

impl EventsQuery {
    /// Maximum number of topics.
    pub const MAX_TOPICS: usize = 256;

    /// Parses the query.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let text = fields.repeated("topics")?.join(",");
        let cursor = fields.sequence("cursor")?;
        fields.finish()?;
        if text.is_empty() {
            return Err(Error::invalid(
                "topics",
                "missing; name at least one of runs, pods, usage, run:ID, pod:NAME",
            ));
        }
        let mut topics = Vec::new();
        for topic in text.split(',') {
            let topic = topic.trim().parse()?;
            if !topics.contains(&topic) {
                topics.push(topic);
            }
            if topics.len() > Self::MAX_TOPICS {
                return Err(Error::invalid(
                    "topics",
                    format_args!("more than {} topics; use more streams", Self::MAX_TOPICS),
                ));
            }
        }
        Ok(Self { topics, cursor })
    }

    /// Returns the pairs of the query string.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let topics: Vec<String> = self.topics.iter().map(ToString::to_string).collect();
        let mut pairs = vec![("topics", topics.join(","))];
        pairs.extend(self.cursor.map(|cursor| ("cursor", cursor.to_string())));
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<EventsQuery> {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        EventsQuery::from_fields(Fields::from_pairs(pairs.iter().map(pair)))
    }

    #[test]
    fn a_query_is_the_same_after_the_wire() {
        let query = parse(&[("topics", "run:3,runs,run:3"), ("cursor", "7")]).unwrap();
        assert_eq!(query.to_pairs(), [("topics", "run:3,runs".to_owned()), ("cursor", "7".to_owned())]);
        let repeated = parse(&[("topics", "run:3, runs"), ("topics", "run:3"), ("cursor", "7")]).unwrap();
        assert_eq!(repeated, query);
    }

    #[test]
    fn bad_topics_and_cursors_are_refused() {
        let many: Vec<String> = (1..=257).map(|id| format!("run:{id}")).collect();
        let many = many.join(",");
        for (pairs, expected) in [
            (vec![], "topics: missing"),
            (vec![("topics", "")], "topics: missing"),
            (vec![("topics", "runs,x")], "topics: \"x\": unknown topic"),
            (vec![("topics", "runs,")], "topics: \"\": unknown topic"),
            (vec![("topics", many.as_str())], "topics: more than 256 topics"),
            (vec![("topics", "runs"), ("cursor", "-1")], "cursor: "),
            (vec![("topics", "runs"), ("topic", "pods")], "\"topic\": unknown field"),
        ] {
            let error = parse(&pairs).unwrap_err();
            assert!(error.detail().starts_with(expected), "{error}");
        }
    }
}
