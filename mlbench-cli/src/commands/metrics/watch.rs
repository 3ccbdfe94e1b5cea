//! `mlbench metrics --watch`: the newest value of each metric, and then each point as it arrives.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use mlbench_client::{
    Change, Client, Error, Event, EventData, MetricType, MetricsFollower, MetricsQuery, NewPoints, Owner,
    PodName, Point, PointsByMetric, Result, Topic,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::row::{Row, rows};
use crate::commands::top::chart_order;
use crate::failure::Failure;
use crate::output::{List, Printer};

/// Shortest time between two tables on a terminal.
const FRAME: Duration = Duration::from_millis(100);
/// Pause before a request is repeated.
const PAUSE: Duration = Duration::from_secs(1);
/// Messages of the task that wait to be printed.
const WAITING: usize = 64;
/// Lines of a terminal that are not for rows: head, rule, what is left out, and the cursor.
const OTHER_LINES: usize = 4;

/// What is watched. Without an owner, all pods in the cluster are.
pub(super) struct Watched {
    pub(super) client: Client,
    pub(super) owner: Option<Owner>,
    pub(super) query: MetricsQuery,
}

/// Shows points until the run has ended, or else until the command is interrupted.
///
/// A terminal shows the newest point of each metric anew at every change. Elsewhere, each point is a line.
pub(super) async fn watch(
    watched: Watched,
    list: &List<Row>,
    is_sorted: bool,
    printer: &mut Printer<impl Write>,
) -> Result<(), Failure> {
    let (sender, mut arrived) = mpsc::channel(WAITING);
    // The task ends with this set.
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        if let Err(error) = watched.follow(&sender).await {
            // The receiver is there for as long as the task runs.
            let _ = sender.send(Err(error)).await;
        }
    });
    let is_screen = printer.is_screen();
    if !is_screen {
        list.print_head(printer)?;
        printer.flush()?;
    }
    let mut newest = BTreeMap::new();
    while let Some(rows) = arrived.recv().await {
        let rows = rows?;
        if !is_screen {
            rows.iter().try_for_each(|row| list.print_one(printer, row, |_, cell| cell))?;
            printer.flush()?;
            continue;
        }
        note(&mut newest, rows);
        let end = Instant::now() + FRAME;
        while let Ok(Some(rows)) = timeout_at(end, arrived.recv()).await {
            note(&mut newest, rows?);
        }
        draw(&newest, list, is_sorted, printer)?;
    }
    Ok(())
}

/// The last point of each metric that was shown.
#[derive(Default)]
struct Shown(BTreeMap<(Option<String>, String), Point>);

impl Shown {
    /// Removes what was shown before.
    ///
    /// A look reads the last points again, and an event may bring one that a look has read.
    fn retain_new(&mut self, rows: &mut Vec<Row>, is_look: bool) {
        rows.retain(|row| {
            let key = (row.pod.clone(), row.metric.clone());
            let is_known = self
                .0
                .get(&key)
                .is_some_and(|last| *last == row.point || is_look && row.point.date <= last.date);
            if !is_known {
                self.0.insert(key, row.point.clone());
            }
            !is_known
        });
    }
}

type Newest = BTreeMap<(Option<String>, String), Row>;

fn note(newest: &mut Newest, rows: Vec<Row>) {
    for row in rows {
        newest.insert((row.pod.clone(), row.metric.clone()), row);
    }
}

/// Shows the rows for which the terminal has room, the most important metrics first.
fn draw(
    newest: &Newest,
    list: &List<Row>,
    is_sorted: bool,
    printer: &mut Printer<impl Write>,
) -> Result<(), Failure> {
    let mut rows: Vec<Row> = newest.values().cloned().collect();
    rows.sort_by_cached_key(|row| (chart_order(&row.metric), row.pod.clone()));
    let room = printer.rows_of_screen().map_or(usize::MAX, |rows| rows.saturating_sub(OTHER_LINES).max(1));
    let left = if is_sorted { 0 } else { rows.len().saturating_sub(room) };
    rows.truncate(rows.len() - left);
    printer.clear()?;
    list.print(printer, rows)?;
    if left > 0 {
        printer.line(format_args!("… {left} more; choose some with --metric NAME"))?;
    }
    Ok(printer.flush()?)
}

impl Watched {
    async fn follow(&self, to: &mpsc::Sender<Result<Vec<Row>>>) -> Result<()> {
        match &self.owner {
            Some(owner) => self.follow_one(owner, to).await,
            None => self.follow_pods(to).await,
        }
    }

    /// Follows a run until it has ended, or a pod. No point is missing, and none comes twice.
    async fn follow_one(&self, owner: &Owner, to: &mpsc::Sender<Result<Vec<Row>>>) -> Result<()> {
        let topic = match owner {
            Owner::Run(id) => Topic::Run(*id),
            Owner::Pod(name) => Topic::Pod(name.clone()),
        };
        let mut changes = self.client.changes([topic]);
        let query = MetricsQuery { last_n: Some(1), ..self.query.clone() };
        let mut follower = self.client.metrics().follow(owner.clone(), query);
        let (mut is_first, mut has_ended) = (true, false);
        while !has_ended {
            match changes.next().await? {
                Change::Event(Event { data: EventData::Points(_), .. }) => {}
                // Read the state before the points: if the run had ended by then, these points are its last.
                Change::Event(Event { data: EventData::Runs(_), .. }) | Change::Look => {
                    if let Owner::Run(id) = owner {
                        let run = self.client.with_retries(|| self.client.runs().get(*id)).await?;
                        has_ended = !run.is_active();
                    }
                }
                Change::Event(_) => continue,
            }
            let points = next(&mut follower).await?;
            if is_first {
                let query = MetricsQuery { cursor: follower.cursor(), ..self.query.clone() };
                follower = self.client.metrics().follow(owner.clone(), query);
            }
            if is_first || !points.is_empty() {
                // The receiver is gone only when everything ends.
                let _ = to.send(Ok(rows(None, &points))).await;
            }
            is_first = false;
        }
        Ok(())
    }

    /// Follows all pods in the cluster.
    async fn follow_pods(&self, to: &mpsc::Sender<Result<Vec<Row>>>) -> Result<()> {
        let query = MetricsQuery { last_n: Some(1), ..self.query.clone() };
        let mut changes = self.client.changes([Topic::Usage]);
        let mut shown = Shown::default();
        loop {
            let (mut arrived, is_look): (Vec<Row>, _) = match changes.next().await? {
                Change::Look => {
                    let all = self.client.with_retries(|| self.client.metrics().all(&query)).await?;
                    (all.iter().flat_map(|(pod, metrics)| rows(Some(pod), metrics)).collect(), true)
                }
                Change::Event(Event { data: EventData::Points(new), .. }) => (self.rows_of(&new), false),
                Change::Event(_) => continue,
            };
            shown.retain_new(&mut arrived, is_look);
            // The receiver is gone only when everything ends.
            let _ = to.send(Ok(arrived)).await;
        }
    }

    fn rows_of(&self, new: &NewPoints) -> Vec<Row> {
        let names = &self.query.metric_filter;
        let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        let wanted = new.metrics.iter().filter(|(name, _)| is_wanted(name.as_str()));
        let point =
            |point: &mlbench_client::EventPoint| Point { date: point.date, value: point.value.clone() };
        let metrics: PointsByMetric = wanted
            .map(|(name, points)| (name.as_str().to_owned(), points.iter().map(point).collect()))
            .collect();
        rows(new.pod_name.as_ref().map(PodName::as_str), &metrics)
    }
}

/// Reads what has arrived, for as long as the server is away.
async fn next(follower: &mut MetricsFollower) -> Result<PointsByMetric, Error> {
    loop {
        match follower.next().await {
            Err(error) if error.retryable() => {
                sleep(error.retry_after().unwrap_or_default().max(PAUSE)).await;
            }
            response => return response,
        }
    }
}

/// Returns the query of what is watched: points by name, and nothing of the past.
pub(super) fn query(metric_filter: Vec<String>) -> MetricsQuery {
    MetricsQuery { metric_type: MetricType::Pod, metric_filter, ..MetricsQuery::default() }
}

#[cfg(test)]
mod tests {
    use mlbench_client::{MetricValue, Timestamp};

    use super::*;

    #[test]
    fn a_point_is_shown_once_whether_an_event_or_a_look_brings_it() {
        let row = |second: i64, value: &str| Row {
            pod: Some("worker-0".to_owned()),
            metric: "cpu".to_owned(),
            point: Point {
                date: Timestamp::from_micros(second * 1_000_000),
                value: serde_json::from_value::<MetricValue>(serde_json::json!(value)).unwrap(),
            },
        };
        let mut shown = Shown::default();
        let mut kept = |mut rows: Vec<Row>, is_look| {
            shown.retain_new(&mut rows, is_look);
            rows
        };
        assert_eq!(kept(vec![row(1, "5")], true), [row(1, "5")]);
        assert_eq!(kept(vec![row(1, "5")], true), [], "a second look");
        assert_eq!(kept(vec![row(1, "5"), row(2, "6"), row(2, "7")], false), [row(2, "6"), row(2, "7")]);
        assert_eq!(kept(vec![row(1, "9")], false), [row(1, "9")], "a late point");
        assert_eq!(kept(vec![row(2, "7")], true), [row(2, "7")], "the look is newer than the late point");
        assert_eq!(kept(vec![row(2, "7")], true), []);
    }
}
