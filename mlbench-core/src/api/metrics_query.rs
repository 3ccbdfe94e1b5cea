//! The query of both `GET /api/metrics/…`.

use crate::api::Fields;
use crate::error::Result;
use crate::metric::{MetricName, MetricType, Owner};
use crate::storage::PointsQuery;
use crate::time::Timestamp;

/// The form of an answer, when `format=` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON, whatever `Accept` says.
    Json,
    /// A zip archive with a file per metric.
    Zip,
}

impl Format {
    /// The wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Zip => "zip",
        }
    }
}

/// Which metrics, and how many points of them. Applied in the order `since`, `metric_filter`, `summarize`, `last_n`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricsQuery {
    /// What the path names, or the keys of the answer are.
    pub metric_type: MetricType,
    /// Points at or after this date.
    pub since: Option<Timestamp>,
    /// Only the metric of exactly this name.
    pub metric_filter: Option<String>,
    /// At most so many points per metric, by averaging consecutive ones; at least 1.
    pub summarize: Option<u32>,
    /// The newest so many points per metric; at least 1.
    pub last_n: Option<u32>,
    /// The form of the answer.
    pub format: Option<Format>,
}

impl MetricsQuery {
    /// Reads the query.
    ///
    /// # Errors
    /// Naming the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let types = [("pod", MetricType::Pod), ("run", MetricType::Run)];
        let formats = [("json", Format::Json), ("zip", Format::Zip)];
        let query = Self {
            metric_type: fields.one_of("metric_type", &types)?.unwrap_or_default(),
            since: fields.parsed("since")?,
            metric_filter: fields.text("metric_filter")?,
            summarize: fields.integer("summarize", 1, u32::MAX)?,
            last_n: fields.integer("last_n", 1, u32::MAX)?,
            format: fields.one_of("format", &formats)?,
        };
        fields.finish()?;
        Ok(query)
    }

    /// The pairs of the query string.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("metric_type", self.metric_type.as_str().to_owned())];
        pairs.extend(self.since.map(|date| ("since", date.to_string())));
        pairs.extend(self.metric_filter.clone().map(|name| ("metric_filter", name)));
        pairs.extend(self.summarize.map(|n| ("summarize", n.to_string())));
        pairs.extend(self.last_n.map(|n| ("last_n", n.to_string())));
        pairs.extend(self.format.map(|format| ("format", format.as_str().to_owned())));
        pairs
    }

    /// What the store is asked for, for one owner.
    ///
    /// # Errors
    /// When the filter is no name of a metric.
    pub fn to_storage(&self, owner: Owner) -> Result<PointsQuery> {
        let name = self.metric_filter.as_deref().map(MetricName::new).transpose();
        Ok(PointsQuery {
            since: self.since.unwrap_or_default(),
            name: name.map_err(|error| crate::Error::invalid("metric_filter", error.detail()))?,
            summarize: self.summarize,
            last_n: self.last_n,
            ..PointsQuery::all(owner)
        })
    }
}
