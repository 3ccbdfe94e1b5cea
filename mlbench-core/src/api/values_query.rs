//! The query of `GET /api/values/`.

use super::fields::Fields;
use crate::error::{Error, Result};
use crate::metric::MetricName;
use crate::name::RunId;

/// Which newest values to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValuesQuery {
    /// Exact names of metrics, at most [`MAX_METRICS`](Self::MAX_METRICS).
    ///
    /// Empty for the accuracy and the loss of each run.
    pub metric: Vec<MetricName>,
    /// Only runs with a higher id: the `next` of the last page.
    pub after: Option<RunId>,
    /// Number of runs that the page looks at, at most [`MAX_RUNS`](Self::MAX_RUNS), which is the default.
    pub limit: Option<u32>,
}

impl ValuesQuery {
    /// Maximum number of metrics.
    pub const MAX_METRICS: usize = 20;
    /// Maximum number of runs of a page.
    pub const MAX_RUNS: u32 = 10_000;

    /// Parses the query.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let names = fields.repeated("metric")?;
        let after = fields.sequence("after")?;
        let limit = fields.integer("limit", 1, Self::MAX_RUNS)?;
        fields.finish()?;
        let mut metric = Vec::with_capacity(names.len());
        for name in names {
            let name = MetricName::new(name).map_err(|error| Error::invalid("metric", error.detail()))?;
            if !metric.contains(&name) {
                metric.push(name);
            }
            if metric.len() > Self::MAX_METRICS {
                let most = Self::MAX_METRICS;
                return Err(Error::invalid("metric", format_args!("more than {most} names; send fewer")));
            }
        }
        // No run has the id 0, so nothing is left out.
        Ok(Self { metric, after: after.and_then(RunId::new), limit })
    }

    /// Returns the pairs of the query string.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let names = self.metric.iter().map(|name| ("metric", name.to_string()));
        let after = self.after.map(|id| ("after", id.to_string()));
        let limit = self.limit.map(|limit| ("limit", limit.to_string()));
        names.chain(after).chain(limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ValuesQuery> {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        ValuesQuery::from_fields(Fields::from_pairs(pairs))
    }

    #[test]
    fn a_query_reads_back_from_its_pairs() {
        let name = |text| MetricName::new(text).unwrap();
        let query = ValuesQuery {
            metric: vec![name("loss, raw"), name("a @ 0")],
            after: RunId::new(7),
            limit: Some(50),
        };
        let pairs = query.to_pairs();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(read(&pairs).unwrap(), query);
        assert_eq!(read(&[("metric", "a"), ("metric", "a")]).unwrap().metric, [name("a")]);
        assert_eq!(read(&[("after", "0")]).unwrap(), ValuesQuery::default());
    }

    #[test]
    fn invalid_parameters_are_named() {
        let many: Vec<String> = (0..21).map(|number| number.to_string()).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| ("metric", name.as_str())).collect();
        for (pairs, problem) in [
            (&many[..], "metric: more than 20 names; send fewer"),
            (&[("metric", "")], "metric: "),
            (&[("limit", "0")], "limit: must be a whole number from 1 to 10000"),
            (&[("after", "-1")], "after: must be a whole number of at least 0"),
        ] {
            let error = read(pairs).unwrap_err();
            assert!(error.detail().starts_with(problem), "{error}");
        }
        assert!(read(&[("metrics", "a")]).unwrap_err().detail().ends_with("did you mean metric?"));
    }
}
