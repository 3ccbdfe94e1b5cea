//! The query of both `GET /api/metrics/…`.

use crate::api::{Fields, PointField};
use crate::error::{Error, Result};
use crate::metric::{MetricName, MetricType, Owner};
use crate::storage::{Downsampling, DownsamplingMethod, PointsQuery};
use crate::time::Timestamp;

/// The header of an answer that says from where on the next one is asked for: the next `cursor`.
pub const CURSOR_HEADER: &str = "mlbench-cursor";

/// The form of an answer, when `format=` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON, whatever `Accept` says.
    Json,
    /// A JSON object per line, each a point with its owner and its name, as `POST /api/metrics/` takes it.
    NdJson,
    /// A table with a header row (RFC 4180).
    Csv,
    /// A zip archive with a file per metric.
    Zip,
}

impl Format {
    const WORDS: [(&'static str, Self); 4] =
        [("json", Self::Json), ("ndjson", Self::NdJson), ("csv", Self::Csv), ("zip", Self::Zip)];

    /// The wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::NdJson => "ndjson",
            Self::Csv => "csv",
            Self::Zip => "zip",
        }
    }
}

/// How `points=N` are made of a series; see [`crate::downsample`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downsample {
    /// Buckets `{start, end, count, first, last, min, max}`: no extreme is lost.
    MinMax,
    /// The points an eye would keep (Largest-Triangle-Three-Buckets).
    Lttb,
    /// Means between both ends.
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

/// Which metrics, and how many points of them. Applied in the order `cursor`, `since` and `until`, `metric_filter`,
/// `summarize` or `downsample`, `last_n`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricsQuery {
    /// What the path names, or the keys of the answer are.
    pub metric_type: MetricType,
    /// Points at or after this date.
    pub since: Option<Timestamp>,
    /// Points at or before this date.
    pub until: Option<Timestamp>,
    /// Only the metrics of exactly these names; all when there are none.
    pub metric_filter: Vec<String>,
    /// What is told of each point, in this order; date and value when empty.
    pub fields: Vec<PointField>,
    /// Only points that arrived after the answer that bore this [`CURSOR_HEADER`]. Not with a parameter that leaves
    /// points out by their number.
    pub cursor: Option<u64>,
    /// At most so many points per metric, by averaging consecutive ones; at least 1.
    pub summarize: Option<u32>,
    /// At most [`points`](Self::points) points or buckets per metric. Instead of `summarize`, and without `last_n`.
    pub downsample: Option<Downsample>,
    /// How many points `downsample` leaves: 1 to [`MAX_POINTS`](Self::MAX_POINTS).
    pub points: Option<u32>,
    /// The newest so many points per metric; at least 1.
    pub last_n: Option<u32>,
    /// The form of the answer.
    pub format: Option<Format>,
}

impl MetricsQuery {
    /// The most points per metric that `downsample` makes.
    pub const MAX_POINTS: u32 = 100_000;

    /// Reads the query.
    ///
    /// # Errors
    /// Naming the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let types = [("pod", MetricType::Pod), ("run", MetricType::Run)];
        let query = Self {
            metric_type: fields.one_of("metric_type", &types)?.unwrap_or_default(),
            since: fields.parsed("since")?,
            until: fields.parsed("until")?,
            metric_filter: fields.repeated("metric_filter")?,
            fields: fields.text("fields")?.map_or(Ok(Vec::new()), |list| PointField::list(&list))?,
            cursor: fields
                .signed_integer("cursor")?
                .map(|seq| u64::try_from(seq).map_err(|_| negative(seq)))
                .transpose()?,
            summarize: fields.integer("summarize", 1, u32::MAX)?,
            downsample: fields.one_of("downsample", &Downsample::WORDS)?,
            points: fields.integer("points", 1, Self::MAX_POINTS)?,
            last_n: fields.integer("last_n", 1, u32::MAX)?,
            format: fields.one_of("format", &Format::WORDS)?,
        };
        fields.finish()?;
        query.check()?;
        Ok(query)
    }

    /// Refuses parameters that contradict each other, so that none is silently without effect.
    fn check(&self) -> Result<()> {
        let refuse = |field: &str, why: &str| Err(Error::invalid(field, why));
        match (self.downsample, self.points) {
            (Some(_), None) => {
                return refuse("points", "missing; downsample needs to know how many are wanted");
            }
            (None, Some(_)) => return refuse("points", "is for downsample only, which is missing"),
            _ => {}
        }
        if self.downsample.is_some() && self.summarize.is_some() {
            return refuse("downsample", "summarize asks for the same in another way; send one of the two");
        }
        if self.downsample.is_some() && self.last_n.is_some() {
            return refuse(
                "last_n",
                "not with downsample, whose points stand for all there are; cut with since",
            );
        }
        let downsampled = self.downsample.is_some() || self.summarize.is_some();
        if self.cursor.is_some() && (downsampled || self.last_n.is_some()) {
            return refuse(
                "cursor",
                "not with summarize, downsample or last_n, which would leave out what arrived",
            );
        }
        if self.cursor.is_some() && self.format == Some(Format::Zip) {
            return refuse("cursor", "not with format=zip; an archive is complete");
        }
        if self.downsample == Some(Downsample::MinMax) && !self.fields.is_empty() {
            return refuse("fields", "not with downsample=minmax, whose buckets have fields of their own");
        }
        if downsampled && self.details() {
            return refuse("fields", "only date and value with summarize and downsample");
        }
        Ok(())
    }

    /// Whether more is told of a point than its date and its value.
    fn details(&self) -> bool {
        self.fields.iter().any(|field| !PointField::DEFAULT.contains(field))
    }

    /// What is told of each point.
    #[must_use]
    pub fn fields(&self) -> &[PointField] {
        if self.fields.is_empty() { &PointField::DEFAULT } else { &self.fields }
    }

    /// The pairs of the query string.
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

    /// What the store is asked for, for one owner.
    ///
    /// # Errors
    /// When a filter is no name of a metric.
    pub fn to_storage(&self, owner: Owner) -> Result<PointsQuery> {
        let names: Result<Vec<MetricName>> = self.metric_filter.iter().map(MetricName::new).collect();
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
    Error::invalid("cursor", format_args!("must be the {CURSOR_HEADER} of an earlier answer, not {seq}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<MetricsQuery> {
        let pairs = pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        MetricsQuery::from_fields(Fields::from_pairs(pairs))
    }

    #[test]
    fn a_query_reads_back_what_it_writes() {
        for pairs in [
            &[
                ("metric_type", "run"),
                ("since", "10"),
                ("until", "20"),
                ("metric_filter", "a"),
                ("metric_filter", "b"),
            ] as &[_],
            &[("fields", "value,step,epoch"), ("cursor", "7"), ("format", "ndjson")],
            &[("downsample", "lttb"), ("points", "100"), ("fields", "date")],
            &[("summarize", "5"), ("last_n", "2"), ("format", "csv")],
        ] {
            let query = read(pairs).unwrap();
            let written = query.to_pairs();
            let again: Vec<_> = written.iter().map(|(key, text)| (*key, text.as_str())).collect();
            assert_eq!(read(&again).unwrap(), query, "{pairs:?}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused_naming_the_parameter() {
        for (pairs, field) in [
            (&[("downsample", "lttb")] as &[_], "points: missing"),
            (&[("points", "5")], "points: is for downsample"),
            (
                &[("downsample", "mean"), ("points", "100001")],
                "points: must be a whole number from 1 to 100000",
            ),
            (&[("downsample", "max"), ("points", "1")], "downsample: must be minmax or lttb or mean"),
            (&[("downsample", "mean"), ("points", "1"), ("summarize", "1")], "downsample: summarize"),
            (&[("downsample", "mean"), ("points", "1"), ("last_n", "1")], "last_n: not with downsample"),
            (&[("downsample", "minmax"), ("points", "1"), ("fields", "date")], "fields: not with"),
            (&[("summarize", "1"), ("fields", "date,step")], "fields: only date and value"),
            (&[("cursor", "1"), ("last_n", "1")], "cursor: not with"),
            (&[("cursor", "1"), ("format", "zip")], "cursor: not with format=zip"),
            (&[("cursor", "-1")], "cursor: must be the mlbench-cursor"),
            (&[("cursor", "x")], "cursor: must be a whole number"),
            (&[("fields", "date,x")], "fields: a point has no field \"x\""),
            (&[("format", "xml")], "format: must be json or ndjson or csv or zip"),
        ] {
            let error = read(pairs).unwrap_err();
            assert!(error.detail().starts_with(field), "{pairs:?}: {error}");
        }
    }
}
