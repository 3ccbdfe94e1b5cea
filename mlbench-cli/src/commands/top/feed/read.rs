//! What is read at once: the overview, and a run.

use std::collections::BTreeMap;

use mlbench_client::{
    ComparisonQuery, Downsample, LogLine, LogsQuery, MetricType, MetricsQuery, Owner, PointField,
    PointRecord, Result, RunId, RunOrder, RunSearch, RunState, Series, SortKey, ValuesQuery,
};

use super::source::Source;
use crate::commands::top::state::{CPU, Detail, Focus, MEMORY, Overview, Target, chart_order};

/// Runs that the overview reads, the newest first.
const RUNS: u32 = 500;
/// Measurements of each pod that the overview reads.
const MEASUREMENTS: u32 = 120;
/// Points of each curve that are read: a terminal has few dots.
const POINTS: u32 = 400;
/// Last lines that are read.
const LINES: u32 = 500;
/// Most bytes of names of metrics in a request.
const NAMES: usize = 2_000;

impl Source {
    /// Reads runs, their newest values, pods and what these use.
    pub(super) async fn overview(&self) -> Result<Overview> {
        let client = &self.client;
        let newest = RunOrder { key: SortKey::Id, descending: true };
        let newest = RunSearch { order: Some(newest), limit: Some(RUNS), ..RunSearch::default() };
        let active = RunSearch { states: vec![RunState::Initialized, RunState::Started], ..newest.clone() };
        let mut runs = BTreeMap::new();
        for query in [newest, active] {
            let page = self.read(|| client.runs().search(&query)).await?;
            runs.extend(page.runs.into_iter().map(|run| (run.id, run)));
        }
        let oldest = runs.keys().next().and_then(|id: &RunId| RunId::new(id.get() - 1));
        let query = ValuesQuery { after: oldest, ..ValuesQuery::default() };
        let values = self.read(|| client.runs().values(&query)).await?.runs;
        let pods = self.read(|| client.pods().list()).await?;
        let query = MetricsQuery {
            metric_type: MetricType::Pod,
            metric_filter: vec![CPU.to_owned(), MEMORY.to_owned()],
            last_n: Some(MEASUREMENTS),
            ..MetricsQuery::default()
        };
        let usage = self.read(|| client.metrics().all(&query)).await?;
        Ok(Overview { runs: runs.into_values().collect(), values, pods, usage })
    }

    /// Reads a run with its curves and its last lines.
    pub(super) async fn detail(&self, id: RunId) -> Result<Detail> {
        let (client, owner) = (&self.client, Owner::Run(id));
        let run = self.read(|| client.runs().get(id)).await?;
        let series = self.read(|| client.runs().series(id)).await?;
        let names = chosen(&series);
        let has_more_metrics = names.len() < series.len();
        let points = if names.is_empty() {
            BTreeMap::new()
        } else {
            let query = MetricsQuery {
                metric_filter: names.clone(),
                downsample: Some(Downsample::Lttb),
                points: Some(POINTS),
                ..MetricsQuery::default()
            };
            self.read(|| client.metrics().get(&owner, &query)).await?
        };
        let newest = self.newest(id, names.into_iter().take(2).collect()).await?;
        let query = LogsQuery { before: Some(LogsQuery::END), limit: Some(LINES), ..LogsQuery::default() };
        let mut logs = self.read(|| client.runs().logs(id, &query)).await?;
        if run.is_active() {
            logs.unfinished = self.unfinished(id, logs.next).await?;
        }
        Ok(Detail { run, points, has_more_metrics, logs, newest })
    }

    /// Reads the newest state of lines without an end.
    pub(super) async fn unfinished(&self, id: RunId, after: i64) -> Result<Vec<LogLine>> {
        let query = LogsQuery { after: Some(after), limit: Some(1), ..LogsQuery::default() };
        Ok(self.read(|| self.client.runs().logs(id, &query)).await?.unfinished)
    }

    /// Reads the newest points of metrics, with the progress of the training.
    pub(super) async fn newest(
        &self,
        id: RunId,
        metric_filter: Vec<String>,
    ) -> Result<Vec<(String, PointRecord)>> {
        if metric_filter.is_empty() {
            return Ok(Vec::new());
        }
        let fields = vec![PointField::Value, PointField::Step, PointField::Epoch];
        let query = MetricsQuery { metric_filter, last_n: Some(1), fields, ..MetricsQuery::default() };
        let owner = Owner::Run(id);
        let newest = self.read(|| self.client.metrics().records(&owner, &query)).await?;
        Ok(newest.into_iter().filter_map(|(name, points)| Some((name, points.into_iter().last()?))).collect())
    }

    /// Reads the newest loss and accuracy of a run, with the progress of the training.
    pub(super) async fn newest_values(&self, id: RunId) -> Result<Vec<(String, PointRecord)>> {
        let query = ValuesQuery { after: RunId::new(id.get() - 1), limit: Some(1), ..ValuesQuery::default() };
        let values = self.read(|| self.client.runs().values(&query)).await?.runs;
        let values = values.into_iter().filter(|values| values.run_id == id);
        let names = values.flat_map(|values| [values.accuracy, values.loss]).flatten();
        self.newest(id, names.map(|measured| measured.name.as_str().to_owned()).collect()).await
    }

    /// Reads what a run trains to.
    pub(super) async fn target(&self, id: RunId) -> Result<Option<Target>> {
        let query = ComparisonQuery::of([id]);
        let comparison = self.read(|| self.client.runs().compare(&query)).await?;
        Ok(Target::of(&comparison))
    }
}

/// Returns the metrics whose curves are read, the most important ones first.
fn chosen(series: &[Series]) -> Vec<String> {
    let mut names: Vec<&str> = series.iter().map(|series| series.name.as_str()).collect();
    names.sort_by_cached_key(|name| chart_order(name));
    let mut left = NAMES;
    let fits = |name: &&str| {
        left = left.saturating_sub(name.len());
        left > 0
    };
    names.into_iter().take(Focus::MAX_METRICS).take_while(fits).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str) -> Series {
        let date = "1970-01-01T00:00:00.000000Z";
        let series = serde_json::json!({
            "name": name, "count": 1, "first_date": date, "last_date": date, "min": 1, "max": 1, "last_value": "1"
        });
        serde_json::from_value(series).unwrap()
    }

    #[test]
    fn the_most_important_metrics_of_many_are_read() {
        let many: Vec<Series> =
            (0..500).map(|number| series(&format!("m{number}"))).chain([series("loss @ 0")]).collect();
        let names = chosen(&many);
        assert_eq!((names.len(), names[0].as_str()), (Focus::MAX_METRICS, "loss @ 0"));
        let long: Vec<Series> =
            (10..40).map(|number| series(&format!("{number}{}", "x".repeat(500)))).collect();
        assert_eq!(chosen(&long).len(), 3);
    }
}
