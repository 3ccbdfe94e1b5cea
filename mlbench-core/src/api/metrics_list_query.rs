//! The query of `GET /api/metrics/`.

use super::fields::Fields;
use super::metrics_query::MetricsQuery;
use super::run_ids::{MAX_RUNS, ids_text, no_run, run_ids};
use crate::error::{Error, Result};
use crate::metric::MetricType;
use crate::name::RunId;

/// A query for the metrics of all pods, of all runs or of some runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricsListQuery {
    /// Only these runs, at most [`MAX_RUNS`](Self::MAX_RUNS). Empty for all.
    ///
    /// Those that do not exist are left out.
    pub runs: Vec<RunId>,
    /// Which of their points.
    pub points: MetricsQuery,
}

impl MetricsListQuery {
    /// Maximum number of runs.
    pub const MAX_RUNS: usize = MAX_RUNS;

    /// Parses the query.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let lists = fields.repeated("runs")?;
        let points = MetricsQuery::from_fields(fields)?;
        let runs = run_ids(&lists)?;
        // An empty list is a mistake of its sender, and not all runs.
        if runs.is_empty() && !lists.is_empty() {
            return Err(no_run());
        }
        if !runs.is_empty() && points.metric_type != MetricType::Run {
            return Err(Error::invalid("runs", "requires metric_type=run; add it or remove runs"));
        }
        Ok(Self { runs, points })
    }

    /// Returns the pairs of the query string.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.points.to_pairs();
        if !self.runs.is_empty() {
            pairs.push(("runs", ids_text(&self.runs)));
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<MetricsListQuery> {
        let pairs = pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        MetricsListQuery::from_fields(Fields::from_pairs(pairs))
    }

    #[test]
    fn a_query_reads_back_from_its_pairs() {
        for pairs in [
            &[] as &[(&str, &str)],
            &[("metric_type", "run"), ("last_n", "1")],
            &[("metric_type", "run"), ("runs", "3, 1.0,,3"), ("runs", "2"), ("metric_filter", "loss")],
        ] {
            let query = read(pairs).unwrap();
            let written = query.to_pairs();
            let again: Vec<_> = written.iter().map(|(key, text)| (*key, text.as_str())).collect();
            assert_eq!(read(&again).unwrap(), query, "{pairs:?}");
        }
        let query = read(&[("metric_type", "run"), ("runs", "3,1,2")]).unwrap();
        assert_eq!(query.runs, [1, 2, 3].map(|id| RunId::new(id).unwrap()));
    }

    #[test]
    fn invalid_runs_are_refused() {
        let many: Vec<String> = (1..=1_001).map(|id| id.to_string()).collect();
        for (runs, problem) in [
            ("", "runs: missing; send the ids of runs"),
            ("1,x", "runs: \"x\" is not a run id; ids are whole numbers from 1"),
            (&many.join(","), "runs: 1001 runs requested; send at most 1000"),
        ] {
            let error = read(&[("metric_type", "run"), ("runs", runs)]).unwrap_err();
            assert!(error.detail().starts_with(problem), "{error}");
        }
        let of_pods = read(&[("runs", "1")]).unwrap_err();
        assert_eq!(of_pods.detail(), "runs: requires metric_type=run; add it or remove runs");
        let misspelt = read(&[("metric_type", "run"), ("run", "1")]).unwrap_err();
        assert!(misspelt.detail().contains("did you mean runs?"), "{misspelt}");
    }
}
