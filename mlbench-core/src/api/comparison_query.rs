//! The query of `GET /api/comparison/`.

use super::fields::Fields;
use super::run_ids::{MAX_RUNS, ids_text, no_run, run_id, run_ids};
use crate::error::{Error, Result};
use crate::goal::Direction;
use crate::metric::MetricName;
use crate::name::RunId;

/// What to compare, and by what.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ComparisonQuery {
    /// The runs, 1 to [`MAX_RUNS`](Self::MAX_RUNS).
    pub runs: Vec<RunId>,
    /// The metric, with or without a rank. Absent for the one that the programs of the runs train to.
    pub metric: Option<String>,
    /// The goal. Absent for the one that the programs of the runs train to.
    pub goal: Option<f64>,
    /// Which values reach the goal. Absent for the direction that the metric has.
    pub direction: Option<Direction>,
    /// A run of the group that all others are compared with.
    ///
    /// Absent to compare the groups of each program with the one that has the fewest workers.
    pub baseline: Option<RunId>,
}

impl ComparisonQuery {
    /// Maximum number of runs.
    pub const MAX_RUNS: usize = MAX_RUNS;

    /// Creates a query for these runs.
    #[must_use]
    pub fn of(runs: impl IntoIterator<Item = RunId>) -> Self {
        Self { runs: runs.into_iter().collect(), ..Self::default() }
    }

    /// Parses the query.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let lists = fields.repeated("runs")?;
        let baseline = fields.text("baseline")?.filter(|text| !text.is_empty());
        let mut query = Self {
            runs: Vec::new(),
            metric: fields.text("metric")?,
            goal: fields.finite("goal")?,
            direction: fields.one_of("direction", &Direction::WORDS)?,
            baseline: baseline.map(|text| run_id("baseline", &text)).transpose()?,
        };
        fields.finish()?;
        query.runs = run_ids(&lists)?;
        if query.runs.is_empty() {
            return Err(no_run());
        }
        if let Some(metric) = &query.metric {
            MetricName::new(metric).map_err(|error| Error::invalid("metric", error.detail()))?;
        }
        if let Some(baseline) = query.baseline.filter(|baseline| !query.runs.contains(baseline)) {
            let problem = format_args!("run {baseline} is not compared; add it to runs, or name one of them");
            return Err(Error::invalid("baseline", problem));
        }
        Ok(query)
    }

    /// Returns the pairs of the query string.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("runs", ids_text(&self.runs))];
        pairs.extend(self.metric.iter().map(|metric| ("metric", metric.clone())));
        pairs.extend(self.goal.map(|goal| ("goal", goal.to_string())));
        pairs.extend(self.direction.map(|direction| ("direction", direction.as_str().to_owned())));
        pairs.extend(self.baseline.map(|id| ("baseline", id.to_string())));
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn read(pairs: &[(&str, &str)]) -> Result<ComparisonQuery> {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        ComparisonQuery::from_fields(Fields::from_pairs(pairs))
    }

    #[test]
    fn ids_have_every_spelling_of_a_number() {
        assert_eq!(
            read(&[("runs", "1"), ("baseline", ""), ("goal", "")]).unwrap(),
            read(&[("runs", "1")]).unwrap()
        );
        let query = read(&[("runs", "1.0,2e0,3"), ("baseline", "2.0")]).unwrap();
        assert_eq!(query.to_pairs(), read(&[("runs", "1,2,3"), ("baseline", "2")]).unwrap().to_pairs());
    }

    #[test]
    fn a_query_reads_back_from_its_pairs() {
        let query = ComparisonQuery {
            runs: [1, 2, 30].into_iter().filter_map(RunId::new).collect(),
            metric: Some("val_global_Prec@1 @ 0".to_owned()),
            goal: Some(-0.5),
            direction: Some(Direction::AtMost),
            baseline: RunId::new(2),
        };
        let pairs = query.to_pairs();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(pairs[0], ("runs", "1,2,30"));
        assert_eq!(read(&pairs).unwrap(), query);
    }

    #[test]
    fn each_run_counts_once_in_any_notation() {
        let query = read(&[("runs", "3, 1,,3"), ("runs", "2")]).unwrap();
        assert_eq!(query, ComparisonQuery::of([1, 2, 3].into_iter().filter_map(RunId::new)));
        let all: Vec<String> = (1..=1_000).map(|id| id.to_string()).collect();
        assert_eq!(read(&[("runs", &all.join(","))]).unwrap().runs.len(), 1_000);
    }

    #[test]
    fn invalid_parameters_are_named() {
        let many: Vec<String> = (1..=1_001).map(|id| id.to_string()).collect();
        for (pairs, problem) in [
            (&[][..], "runs: missing; send the ids of runs"),
            (&[("runs", ",")], "runs: missing"),
            (&[("runs", "1,x")], "runs: \"x\" is not a run id; ids are whole numbers from 1"),
            (&[("runs", "0")], "runs: \"0\" is not a run id"),
            (&[("runs", &many.join(","))], "runs: 1001 runs requested; send at most 1000"),
            (&[("runs", "1"), ("goal", "NaN")], "goal: must be a number"),
            (&[("runs", "1"), ("metric", "")], "metric: "),
            (&[("runs", "1"), ("direction", "up")], "direction: must be at_least or at_most, not \"up\""),
            (&[("runs", "1"), ("baseline", "2")], "baseline: run 2 is not compared; add it to runs"),
            (&[("runs", "1"), ("baseline", "first")], "baseline: \"first\" is not a run id"),
        ] {
            let error = read(pairs).unwrap_err();
            assert!(error.detail().starts_with(problem), "{pairs:?}: {error}");
            assert_eq!(error.code(), ErrorCode::InvalidField);
        }
        let error = read(&[("run", "1")]).unwrap_err();
        assert!(error.detail().ends_with("did you mean runs?"), "{error}");
        let error = read(&[("runs", "1"), ("goals", "1")]).unwrap_err();
        assert!(error.detail().ends_with("did you mean goal?"), "{error}");
    }
}
