//! The query of `GET /api/metrics/` and `GET /api/metrics/{pod_name_or_run_id}/`.

use std::sync::Arc;

use super::fields::Fields;
use super::point_field::PointField;
use crate::error::{Error, Result};
use crate::metric::{MetricName, MetricType, Owner};
use crate::storage::{Downsampling, DownsamplingMethod, PointsQuery};
use crate::time::Timestamp;

/// The response header with the `cursor` of the next request.
pub const CURSOR_HEADER: &str = "mlbench-cursor";

/// Response format, which takes precedence over `Accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// One JSON object per line: a point with its owner and its name, as `POST /api/metrics/` accepts it.
    NdJson,
    /// CSV with a header row (RFC 4180).
    Csv,
    /// An Apache Arrow IPC stream.
    Arrow,
    /// An Apache Parquet file.
    Parquet,
    /// A zip archive with one file per metric.
    Zip,
}

impl Format {
    const WORDS: [(&'static str, Self); 6] = [
        ("json", Self::Json),
        ("ndjson", Self::NdJson),
        ("csv", Self::Csv),
        ("arrow", Self::Arrow),
        ("parquet", Self::Parquet),
        ("zip", Self::Zip),
    ];

    /// The wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::NdJson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
            Self::Zip => "zip",
        }
    }
}

/// Method of [downsampling](crate::downsample) a series to `points=N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downsample {
    /// Buckets `{start, end, count, first, last, min, max, sum, step, epoch}`, which preserve all extremes.
    MinMax,
    /// The points that shape a chart (Largest-Triangle-Three-Buckets).
    Lttb,
    /// Means between the first and the last point.
    Mean,
}

impl Downsample {
    const WORDS: [(&'static str, Self); 3] =
        [("minmax", Self::MinMax), ("lttb", Self::Lttb), ("mean", Self::Mean)];

    /// The wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MinMax => "minmax",
            Self::Lttb => "lttb",
            Self::Mean => "mean",
        }
    }

    const fn method(self) -> DownsamplingMethod {
        match self {
            Self::MinMax => DownsamplingMethod::MinMax,
            Self::Lttb => DownsamplingMethod::Lttb,
            Self::Mean => DownsamplingMethod::Mean,
        }
    }
}

/// A query for metrics.
///
/// Filters apply in this order: `cursor`, `since` and `until`, `metric_filter`, `summarize` or `downsample`, `last_n`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricsQuery {
    /// Whether the path segment, or the keys of the response, are pods or runs.
    pub metric_type: MetricType,
    /// Only points at or after this date.
    pub since: Option<Timestamp>,
    /// Only points at or before this date.
    pub until: Option<Timestamp>,
    /// Only metrics with exactly these names. Empty for all metrics.
    pub metric_filter: Vec<String>,
    /// Fields of each point in the response, in this order. Empty for date and value.
    pub fields: Vec<PointField>,
    /// Only points that arrived after the response with this [`CURSOR_HEADER`].
    ///
    /// Excludes `summarize`, `downsample` and `last_n`.
    pub cursor: Option<u64>,
    /// Maximum number of points per metric, as means of consecutive points. At least 1.
    pub summarize: Option<u32>,
    /// How to reduce each metric to [`points`](Self::points) points or buckets.
    ///
    /// Excludes `summarize` and `last_n`.
    pub downsample: Option<Downsample>,
    /// Maximum number of points after `downsample`, 1 to [`MAX_POINTS`](Self::MAX_POINTS).
    pub points: Option<u32>,
    /// Only the newest points per metric. At least 1.
    pub last_n: Option<u32>,
    /// Response format.
    pub format: Option<Format>,
}

impl MetricsQuery {
    /// Maximum of `points`.
    pub const MAX_POINTS: u32 = 100_000;

    /// Parses the query.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let types = [("pod", MetricType::Pod), ("run", MetricType::Run)];
        let query = Self {
            metric_type: fields.one_of("metric_type", &types)?.unwrap_or_default(),
            since: fields.parsed("since")?,
            until: fields.parsed("until")?,
            metric_filter: fields.repeated("metric_filter")?,
            fields: match &fields.repeated("fields")?[..] {
                [] => Vec::new(),
                lists => PointField::list(&lists.join(","))?,
            },
            cursor: fields
                .signed_integer("cursor")?
                .map(|seq| u64::try_from(seq).map_err(|_| negative(seq)))
                .transpose()?,
            summarize: fields.count("summarize", 1)?,
            downsample: fields.one_of("downsample", &Downsample::WORDS)?,
            points: fields.integer("points", 1, Self::MAX_POINTS)?,
            last_n: fields.count("last_n", 1)?,
            format: fields.one_of("format", &Format::WORDS)?,
        };
        fields.finish()?;
        query.check()?;
        Ok(query)
    }

    /// Refuses contradictory parameters, so that none is ignored.
    fn check(&self) -> Result<()> {
        let refuse = |field: &str, why: &str| Err(Error::invalid(field, why));
        match (self.downsample, self.points) {
            (Some(_), None) => {
                return refuse("points", "missing; required with downsample");
            }
            (None, Some(_)) => {
                return refuse("points", "requires downsample; add downsample or remove points");
            }
            _ => {}
        }
        if self.downsample.is_some() && self.summarize.is_some() {
            return refuse("downsample", "cannot be combined with summarize; send only one of them");
        }
        if self.downsample.is_some() && self.last_n.is_some() {
            return refuse("last_n", "cannot be combined with downsample; limit the range with since");
        }
        let downsampled = self.downsample.is_some() || self.summarize.is_some();
        if self.cursor.is_some() && (downsampled || self.last_n.is_some()) {
            return refuse(
                "cursor",
                "cannot be combined with summarize, downsample or last_n; they would skip new points",
            );
        }
        if self.cursor.is_some() && self.format == Some(Format::Zip) {
            return refuse(
                "cursor",
                "cannot be combined with format=zip; remove cursor to download the whole archive",
            );
        }
        if self.downsample == Some(Downsample::MinMax) && !self.fields.is_empty() {
            return refuse("fields", "cannot be combined with downsample=minmax; buckets have fixed fields");
        }
        if downsampled && self.details() && self.downsample != Some(Downsample::Lttb) {
            return refuse(
                "fields",
                "summarize and downsample return only date and value, but for lttb; remove the other fields",
            );
        }
        Ok(())
    }

    /// Returns whether the response needs more than date and value.
    fn details(&self) -> bool {
        self.fields.iter().any(|field| !PointField::DEFAULT.contains(field))
    }

    /// Returns the fields of each point in the response.
    #[must_use]
    pub fn fields(&self) -> &[PointField] {
        if self.fields.is_empty() { &PointField::DEFAULT } else { &self.fields }
    }

    /// Returns the pairs of the query string.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("metric_type", self.metric_type.as_str().to_owned())];
        pairs.extend(self.since.map(|date| ("since", date.to_string())));
        pairs.extend(self.until.map(|date| ("until", date.to_string())));
        pairs.extend(self.metric_filter.iter().map(|name| ("metric_filter", name.clone())));
        if !self.fields.is_empty() {
            let names: Vec<&str> = self.fields.iter().map(|field| field.as_str()).collect();
            pairs.push(("fields", names.join(",")));
        }
        pairs.extend(self.cursor.map(|seq| ("cursor", seq.to_string())));
        pairs.extend(self.summarize.map(|n| ("summarize", n.to_string())));
        pairs.extend(self.downsample.map(|method| ("downsample", method.as_str().to_owned())));
        pairs.extend(self.points.map(|n| ("points", n.to_string())));
        pairs.extend(self.last_n.map(|n| ("last_n", n.to_string())));
        pairs.extend(self.format.map(|format| ("format", format.as_str().to_owned())));
        pairs
    }

    /// Converts to the query of the store for one owner.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) if `metric_filter` has an invalid metric name.
    pub fn to_storage(&self, owner: Owner) -> Result<PointsQuery> {
        let names: Result<Arc<[MetricName]>> = self.metric_filter.iter().map(MetricName::new).collect();
        let downsample = self.downsample.zip(self.points);
        let downsample =
            downsample.map(|(how, max_points)| Downsampling { method: how.method(), max_points });
        let summary =
            self.summarize.map(|max_points| Downsampling { method: DownsamplingMethod::Summary, max_points });
        Ok(PointsQuery {
            arrived_after: self.cursor.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX)),
            since: self.since.unwrap_or_default(),
            until: self.until.unwrap_or(Timestamp::MAX),
            names: names.map_err(|error| Error::invalid("metric_filter", error.detail()))?,
            downsampling: downsample.or(summary),
            last_n: self.last_n,
            details: self.details(),
            ..PointsQuery::all(owner)
        })
    }
}

fn negative(seq: i64) -> Error {
    Error::invalid("cursor", format_args!("must be the {CURSOR_HEADER} of an earlier response, not {seq}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<MetricsQuery> {
        let pairs = pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        MetricsQuery::from_fields(Fields::from_pairs(pairs))
    }

    #[test]
    fn query_strings_parse_back() {
        for pairs in [
            &[
                ("metric_type", "run"),
                ("since", "10"),
                ("until", "20"),
                ("metric_filter", "a"),
                ("metric_filter", "b"),
            ] as &[_],
            &[("fields", "value,step,epoch"), ("cursor", "7"), ("format", "ndjson")],
            &[("fields", "value"), ("fields", "step,epoch")],
            &[("downsample", "lttb"), ("points", "100"), ("fields", "date,step,metadata")],
            &[("summarize", "5"), ("last_n", "2"), ("format", "csv")],
        ] {
            let query = read(pairs).unwrap();
            let written = query.to_pairs();
            let again: Vec<_> = written.iter().map(|(key, text)| (*key, text.as_str())).collect();
            assert_eq!(read(&again).unwrap(), query, "{pairs:?}");
        }
    }

    #[test]
    fn contradictory_parameters_are_refused() {
        for (pairs, field) in [
            (&[("downsample", "lttb")] as &[_], "points: missing"),
            (&[("points", "5")], "points: requires downsample"),
            (
                &[("downsample", "mean"), ("points", "100001")],
                "points: must be a whole number from 1 to 100000",
            ),
            (&[("downsample", "max"), ("points", "1")], "downsample: must be minmax, lttb or mean"),
            (
                &[("downsample", "mean"), ("points", "1"), ("summarize", "1")],
                "downsample: cannot be combined with summarize",
            ),
            (
                &[("downsample", "mean"), ("points", "1"), ("last_n", "1")],
                "last_n: cannot be combined with downsample",
            ),
            (
                &[("downsample", "minmax"), ("points", "1"), ("fields", "date")],
                "fields: cannot be combined with",
            ),
            (
                &[("summarize", "1"), ("fields", "date,step")],
                "fields: summarize and downsample return only date and value",
            ),
            (&[("cursor", "1"), ("last_n", "1")], "cursor: cannot be combined with"),
            (&[("cursor", "1"), ("format", "zip")], "cursor: cannot be combined with format=zip"),
            (&[("cursor", "-1")], "cursor: must be the mlbench-cursor"),
            (&[("cursor", "x")], "cursor: must be a whole number"),
            (&[("fields", "date,x")], "fields: unknown field \"x\""),
            (&[("fields", "date"), ("fields", "date")], "fields: date is listed more than once"),
            (&[("format", "xml")], "format: must be json, ndjson, csv, arrow, parquet or zip"),
        ] {
            let error = read(pairs).unwrap_err();
            assert!(error.detail().starts_with(field), "{pairs:?}: {error}");
        }
    }
}
