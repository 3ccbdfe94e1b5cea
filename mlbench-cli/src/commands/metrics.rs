use std::io::Write;

use mlbench_client::{
    Client, Metric, MetricType, MetricsQuery, NewMetric, Owner, PodName, PointsByMetric, PointsByOwner, now,
};

use super::resolve::resolve_run_id;
use crate::args::{MetricsArgs, MetricsCommand, PostArgs, ShowArgs};
use crate::failure::Failure;
use crate::output::Printer;

/// `mlbench metrics`
pub(crate) async fn run(client: &Client, args: &MetricsArgs) -> Result<(), Failure> {
    match &args.command {
        Some(MetricsCommand::Post(args)) => post(client, args).await,
        None => show(client, &args.show).await,
    }
}

async fn show(client: &Client, args: &ShowArgs) -> Result<(), Failure> {
    let query = MetricsQuery {
        metric_type: MetricType::Pod,
        since: args.since.map(|time| time.resolve(now())),
        until: args.until.map(|time| time.resolve(now())),
        metric_filter: args.metric.iter().map(|name| name.as_str().to_owned()).collect(),
        summarize: args.summarize,
        last_n: args.last,
        ..MetricsQuery::default()
    };
    let mut printer = Printer::stdout(args.output.output);
    match owner(client, args.run.as_deref(), args.pod.as_ref()).await? {
        Some(owner) => print_one(&mut printer, &client.metrics().get(&owner, &query).await?),
        None => print_all(&mut printer, &client.metrics().all(&query).await?),
    }
}

async fn post(client: &Client, args: &PostArgs) -> Result<(), Failure> {
    // The argument group requires one of the two.
    let Some(owner) = owner(client, args.run.as_deref(), args.pod.as_ref()).await? else { return Ok(()) };
    let metric = NewMetric {
        owner,
        name: args.name.clone(),
        date: Some(args.date.map_or_else(now, |time| time.resolve(now()))),
        value: args.value.as_str().into(),
        cumulative: args.cumulative,
        step: None,
        epoch: None,
        metadata: args.metadata.clone(),
    };
    let stored = client.metrics().post(&metric).await?;
    print_stored(&mut Printer::stdout(args.output.output), &stored)
}

async fn owner(client: &Client, run: Option<&str>, pod: Option<&PodName>) -> Result<Option<Owner>, Failure> {
    Ok(match (run, pod) {
        (Some(run), _) => Some(Owner::Run(resolve_run_id(client, run).await?)),
        (None, Some(pod)) => Some(Owner::Pod(pod.clone())),
        (None, None) => None,
    })
}

fn print_one(printer: &mut Printer<impl Write>, metrics: &PointsByMetric) -> Result<(), Failure> {
    let rows = metrics.iter().flat_map(|(name, points)| {
        points.iter().map(move |point| [name.clone(), point.date.to_string(), point.value.to_string()])
    });
    Ok(printer.print(metrics, ["metric", "date", "value"], rows)?)
}

fn print_all(printer: &mut Printer<impl Write>, metrics: &PointsByOwner) -> Result<(), Failure> {
    let rows = metrics.iter().flat_map(|(pod, metrics)| {
        metrics.iter().flat_map(move |(name, points)| {
            points.iter().map(move |point| {
                [pod.clone(), name.clone(), point.date.to_string(), point.value.to_string()]
            })
        })
    });
    Ok(printer.print(metrics, ["pod", "metric", "date", "value"], rows)?)
}

fn print_stored(printer: &mut Printer<impl Write>, metric: &Metric) -> Result<(), Failure> {
    let row = [
        metric.owner.to_string(),
        metric.name.to_string(),
        metric.date.to_string(),
        metric.value.to_string(),
        metric.cumulative.to_string(),
        metric.metadata.clone(),
    ];
    Ok(printer.print(metric, ["owner", "metric", "date", "value", "cumulative", "metadata"], [row])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Layout;
    use mlbench_client::{Point, Timestamp};

    fn printed(
        print: impl FnOnce(&mut Printer<&mut Vec<u8>>) -> Result<(), Failure>,
        layout: Layout,
    ) -> String {
        let mut to = Vec::new();
        print(&mut Printer::new(layout, &mut to)).unwrap();
        String::from_utf8(to).unwrap()
    }

    fn metrics() -> PointsByMetric {
        let points = ["0.5", "80% Top 1"].map(|value| Point::new(Timestamp::EPOCH, value));
        [("loss @ 0".to_owned(), points.to_vec())].into()
    }

    #[test]
    fn each_point_is_a_row() {
        let metrics = metrics();
        assert_eq!(
            printed(|printer| print_one(printer, &metrics), Layout::Csv),
            "metric,date,value\nloss @ 0,1970-01-01T00:00:00.000000Z,0.5\n\
             loss @ 0,1970-01-01T00:00:00.000000Z,80% Top 1\n"
        );
        let all = [("w-0".to_owned(), metrics.clone())].into();
        let text = printed(|printer| print_all(printer, &all), Layout::Tabs);
        assert_eq!(text.lines().nth(1), Some("w-0\tloss @ 0\t1970-01-01T00:00:00.000000Z\t0.5"));
    }

    #[test]
    fn json_is_the_response_of_the_api() {
        let metrics = metrics();
        let json = printed(|printer| print_one(printer, &metrics), Layout::Json);
        assert_eq!(serde_json::from_str::<PointsByMetric>(&json).unwrap(), metrics);
    }
}
