//! The query of `GET /api/runs/`.

use percent_encoding::percent_decode_str;

use super::endpoint::encode_segment;
use super::fields::Fields;
use crate::error::{Error, Result};
use crate::labels::{ParamValue, Params, Tags};
use crate::name::RunId;
use crate::quote::quote;
use crate::run::RunState;
use crate::storage::{LabelFilter, NameFilter, RunOrder, RunsCursor, SortKey};
use crate::time::Timestamp;

/// A query for runs. The default one selects all runs by ascending id.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunSearch {
    /// Only runs in one of these states. Empty for all.
    pub states: Vec<RunState>,
    /// Only runs whose name contains this text in any letter case, or is this text if it is in double quotes.
    pub name: Option<String>,
    /// Only runs with all of these tags.
    pub tags: Vec<LabelFilter<String>>,
    /// Only runs with all of these parameters.
    pub params: Vec<LabelFilter<ParamValue>>,
    /// Only runs that were accepted at or after this date.
    pub since: Option<Timestamp>,
    /// Order of the runs. Defaults to ascending ids.
    pub order: Option<RunOrder>,
    /// Maximum number of runs of a page: 1 to 1,000, default 100.
    pub limit: Option<u32>,
    /// Where the page begins: the `next` of the page before.
    pub cursor: Option<String>,
}

/// Header of a page with the cursor of the next one.
pub const NEXT_CURSOR_HEADER: &str = "mlbench-next-cursor";

impl RunSearch {
    /// Default of `limit`.
    pub const DEFAULT_LIMIT: u32 = 100;
    /// Maximum of `limit`.
    pub const MAX_LIMIT: u32 = 1_000;

    /// Parses the query.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let given = |texts: Vec<String>| texts.into_iter().filter(|text| !text.is_empty());
        let states = given(fields.repeated("state")?).collect::<Vec<_>>();
        let name = fields.text("name")?.filter(|text| !text.is_empty());
        let tags = given(fields.repeated("tag")?).map(|text| text.parse()).collect::<Result<_>>()?;
        let params = given(fields.repeated("param")?).map(|text| text.parse()).collect::<Result<_>>()?;
        let since = fields.text_or_number("since")?.filter(|text| !text.is_empty());
        let since = since.map(|text| text.parse().map_err(|error| Error::invalid("since", error)));
        let order = fields.text("sort")?.filter(|text| !text.is_empty());
        let search = Self {
            states: states.iter().flat_map(|text| text.split(',')).map(state).collect::<Result<_>>()?,
            name,
            tags,
            params,
            since: since.transpose()?,
            order: order.as_deref().map(parse_order).transpose()?,
            limit: fields.integer("limit", 1, Self::MAX_LIMIT)?,
            cursor: fields.text("cursor")?.filter(|text| !text.is_empty()),
        };
        fields.finish()?;
        search.position()?;
        Ok(search)
    }

    /// Returns whether the query is empty, so that the response is the whole list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the pairs of the query string.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.states.iter().map(|state| ("state", state.as_str().to_owned())));
        pairs.extend(self.name.clone().map(|name| ("name", name)));
        pairs.extend(self.tags.iter().map(|tag| ("tag", filter_text(tag, Clone::clone))));
        pairs.extend(self.params.iter().map(|param| ("param", filter_text(param, ParamValue::to_json))));
        pairs.extend(self.since.map(|since| ("since", since.to_string())));
        pairs.extend(self.order.map(|order| ("sort", order.to_string())));
        pairs.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        pairs.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        pairs
    }

    /// Returns what the name of a run must be.
    #[must_use]
    pub fn name_filter(&self) -> Option<NameFilter> {
        let name = self.name.as_deref()?;
        let quoted = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Some(match quoted {
            Some(exact) => NameFilter::Is(exact.to_owned()),
            None => NameFilter::Contains(name.to_lowercase()),
        })
    }

    /// Returns the position after which the page begins.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for a cursor that is none, or of another order.
    pub fn position(&self) -> Result<Option<RunsCursor>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let order = self.order.unwrap_or_default();
        let refuse = |rule: std::fmt::Arguments<'_>| Err(Error::invalid("cursor", rule));
        let mut parts = cursor.splitn(3, ':');
        let (sort, id, key) = (parts.next(), parts.next(), parts.next());
        let id = id.and_then(|text| text.parse::<RunId>().ok());
        let (Some(Ok(of)), Some(id), Some(key)) = (sort.map(parse_order), id, key) else {
            return refuse(format_args!(
                "{} is not a cursor; send the {NEXT_CURSOR_HEADER} of the page before",
                quote(cursor)
            ));
        };
        if of != order {
            return refuse(format_args!("belongs to sort={of}; send the same sort, or leave out the cursor"));
        }
        let key = percent_decode_str(key).decode_utf8().unwrap_or_default();
        match RunsCursor::parse(order.key, id, &key) {
            Some(position) => Ok(Some(position)),
            None => refuse(format_args!(
                "{} is not a cursor; send the {NEXT_CURSOR_HEADER} of the page before",
                quote(cursor)
            )),
        }
    }

    /// Returns the cursor of a position in this order.
    #[must_use]
    pub fn cursor_of(&self, position: &RunsCursor) -> String {
        let key = position.key.to_string();
        format!("{}:{}:{}", self.order.unwrap_or_default(), position.id, encode_segment(&key))
    }
}

fn state(text: &str) -> Result<RunState> {
    let found = RunState::ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| {
        let all = RunState::ALL.map(RunState::as_str).join(", ");
        Error::invalid("state", format_args!("{} is not a state; use some of {all}", quote(text)))
    })
}

impl std::str::FromStr for LabelFilter<String> {
    type Err = Error;

    /// Parses `NAME` or `NAME=VALUE`.
    fn from_str(text: &str) -> Result<Self> {
        read_filter("tag", text, Tags::parse_one)
    }
}

impl std::str::FromStr for LabelFilter<ParamValue> {
    type Err = Error;

    /// Parses `NAME` or `NAME=VALUE`.
    fn from_str(text: &str) -> Result<Self> {
        read_filter("param", text, Params::parse_one)
    }
}

fn read_filter<T>(
    field: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<(String, T)>,
) -> Result<LabelFilter<T>> {
    let read = match text.contains('=') {
        true => parse(text).map(|(name, value)| LabelFilter { name, value: Some(value) }),
        false => parse(&format!("{text}=")).map(|(name, _)| LabelFilter { name, value: None }),
    };
    read.map_err(|error| Error::invalid(field, strip_field(&error)))
}

/// Returns a message without the name of the field, which has another name in a query.
fn strip_field(error: &Error) -> &str {
    error.detail().split_once(": ").map_or(error.detail(), |(_, rest)| rest)
}

fn filter_text<T>(filter: &LabelFilter<T>, value: impl Fn(&T) -> String) -> String {
    match &filter.value {
        Some(wanted) => format!("{}={}", filter.name, value(wanted)),
        None => filter.name.clone(),
    }
}

fn parse_order(text: &str) -> Result<RunOrder> {
    let (descending, word) = match text.strip_prefix('-') {
        Some(word) => (true, word),
        None => (false, text),
    };
    let found = SortKey::ALL.into_iter().find(|key| key.as_str() == word);
    found.map(|key| RunOrder { key, descending }).ok_or_else(|| {
        let all = SortKey::ALL.map(SortKey::as_str).join(", ");
        let rule = format_args!("must be one of {all}, with - in front for descending, not {}", quote(text));
        Error::invalid("sort", rule)
    })
}

impl std::str::FromStr for RunOrder {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        parse_order(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<RunSearch> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        RunSearch::from_fields(Fields::from_pairs(pairs))
    }

    #[test]
    fn a_query_is_read_back_from_its_pairs() {
        let search = RunSearch {
            states: vec![RunState::Failed, RunState::Stopped],
            name: Some("\"é\"".to_owned()),
            tags: vec![
                LabelFilter { name: "team".to_owned(), value: Some("a=b".to_owned()) },
                LabelFilter { name: "host".to_owned(), value: None },
                LabelFilter { name: "none".to_owned(), value: Some(String::new()) },
            ],
            params: vec![
                LabelFilter { name: "lr".to_owned(), value: Some(0.1.into()) },
                LabelFilter { name: "id".to_owned(), value: Some("7".into()) },
            ],
            since: Some(Timestamp::from_micros(5)),
            order: Some(RunOrder { key: SortKey::Duration, descending: true }),
            limit: Some(7),
            cursor: Some("-duration:3:12".to_owned()),
        };
        let pairs = search.to_pairs();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(pairs[2..6], [("name", "\"é\""), ("tag", "team=a=b"), ("tag", "host"), ("tag", "none=")]);
        assert_eq!(pairs[6..8], [("param", "lr=0.1"), ("param", "id=\"7\"")]);
        assert_eq!(read(&pairs).unwrap(), search);
        let position = search.position().unwrap().unwrap();
        assert_eq!(search.cursor_of(&position), "-duration:3:12");
        let order = Some(RunOrder { key: SortKey::Name, descending: false });
        let by_name =
            RunSearch { order, cursor: Some("name:3:a%3A%C3%A9".to_owned()), ..RunSearch::default() };
        let position = by_name.position().unwrap().unwrap();
        assert_eq!(position.key.to_string(), "a:é");
        assert_eq!(Some(by_name.cursor_of(&position)), by_name.cursor);
    }

    #[test]
    fn empty_parameters_count_as_absent() {
        assert!(
            read(&[("state", ""), ("name", ""), ("tag", ""), ("sort", ""), ("limit", ""), ("_", "1")])
                .unwrap()
                .is_empty()
        );
        let states = read(&[("state", "failed,STOPPED"), ("state", "Started")]).unwrap().states;
        assert_eq!(states, [RunState::Failed, RunState::Stopped, RunState::Started]);
    }

    #[test]
    fn invalid_parameters_are_named_with_what_is_right() {
        for (pair, problem) in [
            (
                ("state", "FAILED,x"),
                "state: \"x\" is not a state; use some of INITIALIZED, STARTED, FINISHED, ",
            ),
            (
                ("sort", "age"),
                "sort: must be one of id, created, finished, name, state, duration, with - in front",
            ),
            (("sort", "--id"), "sort: must be one of id, "),
            (("limit", "0"), "limit: must be a whole number from 1 to 1000, not \"0\""),
            (("limit", "1001"), "limit: must be a whole number from 1 to 1000, not \"1001\""),
            (("since", "soon"), "since: "),
            (("tag", "=x"), "tag: \"\" has 0 characters; "),
            (("param", "=1"), "param: \"\" has 0 characters; "),
            (
                ("cursor", "x"),
                "cursor: \"x\" is not a cursor; send the mlbench-next-cursor of the page before",
            ),
            (("cursor", "id:1"), "cursor: \"id:1\" is not a cursor; "),
            (("cursor", "created:1:x"), "cursor: belongs to sort=created; send the same sort"),
            (("names", "x"), "\"names\": unknown field; did you mean name?"),
        ] {
            let error = read(&[pair]).unwrap_err();
            assert!(error.detail().starts_with(problem), "{pair:?}: {error}");
        }
    }
}
