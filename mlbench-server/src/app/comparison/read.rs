//! Reads the metrics of one run, page by page.

use std::collections::BTreeMap;

use mlbench_core::comparison::{
    AllReduce, AllReduceScan, Choice, EndValue, GoalScan, MeasuredRun, STEPS, StepScan, total_metric,
};
use mlbench_core::goal::{Direction, Goal, split_rank};
use mlbench_core::metric::Series;
use mlbench_core::run::Run;
use mlbench_core::storage::{PointSink, PointsQuery, Storage, collect_points, read_page};
use mlbench_core::{MetricName, MetricValue, Owner, Result, RunId, Timestamp};

use super::sinks::{AllReduceSink, GoalSink, StepSink};

/// How the names of the metrics begin whose last and best values are of interest.
const END_VALUES: [&str; 2] = ["train_", "val_"];
/// The most of each prefix that a comparison shows of a run.
const MAX_END_VALUES: usize = 100;
/// The most series of a prefix that are looked at: every rank has its own.
const MAX_SERIES: usize = 2_000;
const SERIES_PER_PAGE: u32 = 500;
/// The most times of trainings that are read.
const MAX_TIMES: u32 = 1_000;

/// Metrics in which programs report the training time to their own goals.
///
/// The first has a point for each training, the second the time of the only one.
const OWN_TIMES: [&str; 2] = ["time_to_accuracy @ 0", "TotalCumulativeTrainTime @ 0"];
const RESULT: &str = "TaskResult @ 0";

/// Measures a run.
pub(super) async fn measure(
    storage: &dyn Storage,
    run: Run,
    own_goal: Option<Goal>,
    choice: &Choice,
) -> Result<MeasuredRun> {
    let reader = RunReader { storage, id: run.id };
    let (metric, scan) = reader.goal(choice).await?;
    let mut last = reader.last_values(metric.as_ref()).await?;
    let mut end_values = reader.end_values().await?;
    if let Some(name) = metric.filter(|name| end_values.iter().all(|value| value.name != name.as_str()))
        && let Some(last_by_date) = last.remove(&name)
    {
        let last = reader.one_series(&name).await?.map_or(last_by_date, |series| series.last_value);
        let (count, best, direction) = (scan.points(), scan.best(), choice.direction);
        end_values.push(EndValue { name: name.to_string(), count, last, best, direction });
    }
    let workers = run.spec.num_workers;
    let number = |name: &str| MetricName::new(name).ok().and_then(|name| last.get(&name)?.as_finite());
    let totals = STEPS.iter().filter_map(|step| Some(((*step).to_owned(), number(&total_metric(step))?)));
    let mut measured = MeasuredRun {
        totals: totals.collect(),
        result: last.get(&MetricName::new(RESULT)?).map(ToString::to_string),
        own_times: reader.own_times().await?,
        all_reduce: reader.all_reduce(workers).await?,
        steps: StepScan::default(),
        own_goal,
        scan,
        end_values,
        run,
    };
    if let Some((steps, until)) = measured.steps_to_read(choice) {
        measured.steps = reader.steps(steps, until).await?;
    }
    Ok(measured)
}

struct RunReader<'a> {
    storage: &'a dyn Storage,
    id: RunId,
}

impl RunReader<'_> {
    fn query<T: AsRef<str>>(&self, names: impl IntoIterator<Item = T>) -> Result<PointsQuery> {
        let names = names.into_iter().map(|name| MetricName::new(name.as_ref())).collect::<Result<_>>()?;
        Ok(PointsQuery { names, ..PointsQuery::all(Owner::Run(self.id)) })
    }

    async fn read<S: PointSink>(&self, query: &PointsQuery, mut sink: S) -> Result<S> {
        let mut after = None;
        loop {
            (sink, _, after) = read_page(self.storage, query, after, sink).await?;
            if after.is_none() {
                return Ok(sink);
            }
        }
    }

    /// Scans the metric of the comparison, and returns its name: as it was sent, else that of rank 0.
    async fn goal(&self, choice: &Choice) -> Result<(Option<MetricName>, GoalScan)> {
        let exact = MetricName::new(&choice.metric)?;
        let of_first_rank = MetricName::new(format!("{exact} @ 0")).ok();
        let names: Vec<MetricName> = [Some(exact), of_first_rank].into_iter().flatten().collect();
        let query = PointsQuery {
            names: names.clone().into(),
            // The metadata say which training a point belongs to.
            details: true,
            ..PointsQuery::all(Owner::Run(self.id))
        };
        let sink = GoalSink::new(GoalScan::new(choice.direction, choice.goal));
        Ok(self.read(&query, sink).await?.finish(&names))
    }

    /// Returns the last values of the totals, of the result and of one more metric.
    async fn last_values(&self, metric: Option<&MetricName>) -> Result<BTreeMap<MetricName, MetricValue>> {
        let totals = STEPS.iter().map(|step| total_metric(step));
        let others = [RESULT.to_owned()].into_iter().chain(metric.map(ToString::to_string));
        let query = PointsQuery { last_n: Some(1), ..self.query(totals.chain(others))? };
        let points = collect_points(self.storage, &query).await?;
        let last =
            points.into_iter().filter_map(|(name, points)| Some((name, points.into_iter().last()?.value)));
        Ok(last.collect())
    }

    async fn own_times(&self) -> Result<Vec<f64>> {
        let query = PointsQuery { last_n: Some(MAX_TIMES), ..self.query(OWN_TIMES)? };
        let mut points = collect_points(self.storage, &query).await?;
        for name in OWN_TIMES {
            if let Some(points) = points.remove(&MetricName::new(name)?) {
                return Ok(points.iter().filter_map(|point| point.value.as_finite()).collect());
            }
        }
        Ok(Vec::new())
    }

    async fn steps(&self, scan: StepScan, until: Timestamp) -> Result<StepScan> {
        let query = PointsQuery { until, ..self.query(StepScan::metrics())? };
        Ok(self.read(&query, StepSink(scan)).await?.0)
    }

    /// Returns the last and best values of rank 0, which reports the metrics of all.
    async fn end_values(&self) -> Result<Vec<EndValue>> {
        let mut values = Vec::new();
        for prefix in END_VALUES {
            let series = self.series(prefix).await?.into_iter();
            values.extend(series.filter(is_of_first_rank).map(end_value).take(MAX_END_VALUES));
        }
        Ok(values)
    }

    async fn all_reduce(&self, workers: u32) -> Result<Vec<AllReduce>> {
        let series = self.series(AllReduce::PREFIX).await?;
        let own = series.iter().filter_map(|series| {
            AllReduce::from_metric(series.name.as_str(), series.last_value.as_finite()?, workers)
        });
        let mut all: Vec<AllReduce> = own.collect();
        let last_n = Some(AllReduceScan::MAX_POINTS);
        let query = PointsQuery { last_n, ..self.query(AllReduceScan::METRICS)? };
        all.extend(self.read(&query, AllReduceSink::default()).await?.scan.finish(workers));
        Ok(all)
    }

    /// Returns the series of this name, without its points.
    async fn one_series(&self, name: &MetricName) -> Result<Option<Series>> {
        let page = self.storage.series(&Owner::Run(self.id), just_before(name).as_ref(), 1).await?;
        Ok(page.into_iter().next().filter(|series| series.name == *name))
    }

    /// Returns the series whose names begin like this, without their points.
    async fn series(&self, prefix: &str) -> Result<Vec<Series>> {
        let (owner, mut all) = (Owner::Run(self.id), Vec::<Series>::new());
        let mut after = MetricName::new(prefix)?;
        loop {
            let page = self.storage.series(&owner, Some(&after), SERIES_PER_PAGE).await?;
            let full = page.len() == SERIES_PER_PAGE as usize;
            let before = all.len();
            all.extend(page.into_iter().take_while(|series| series.name.as_str().starts_with(prefix)));
            let more = full && all.len() == before + SERIES_PER_PAGE as usize && all.len() < MAX_SERIES;
            match all.last().filter(|_| more) {
                Some(last) => after = last.name.clone(),
                None => return Ok(all),
            }
        }
    }
}

/// Returns a name that comes before this one and after all that metrics may have before it.
fn just_before(name: &MetricName) -> Option<MetricName> {
    let mut chars = name.as_str().chars();
    let last = chars.next_back()?;
    let before = ('\0'..last).next_back().map_or_else(String::new, |before| format!("{before}{}", char::MAX));
    MetricName::new(format!("{}{before}", chars.as_str())).ok()
}

fn is_of_first_rank(series: &Series) -> bool {
    split_rank(series.name.as_str()).1.is_none_or(|rank| rank == "0")
}

fn end_value(series: Series) -> EndValue {
    let direction = Direction::of_metric(series.name.as_str());
    let best = match direction {
        Direction::AtLeast => series.max,
        Direction::AtMost => series.min,
        Direction::Unknown => None,
    };
    let Series { name, count, last_value: last, .. } = series;
    EndValue { name: name.to_string(), count, last, best, direction }
}
