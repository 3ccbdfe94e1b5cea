use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use mlbench_client::{
    Client, Error, Format, Metric, MetricName, MetricType, MetricsQuery, NewMetric, Owner, PodName,
    PointsByMetric, PointsByOwner, Series, now,
};
use serde::Serialize;

use super::row::{Row, columns, newest_columns, rows};
use super::watch::{self, Watched, watch};
use crate::args::{MetricsArgs, MetricsCommand, PointsFormat, PostArgs, ShowArgs};
use crate::commands::resolve::{resolve_run, with_run_id};
use crate::commands::target::write_to;
use crate::failure::Failure;
use crate::output::{self, Layout, List, ListOptions, Printer, stdout_is_terminal};
use crate::unknown_name::UnknownName;

/// `mlbench metrics`
pub(crate) async fn run(client: &Client, args: &MetricsArgs) -> Result<(), Failure> {
    match &args.command {
        Some(MetricsCommand::Post(args)) => post(client, args).await,
        None => show(client, &args.show).await,
    }
}

async fn show(client: &Client, args: &ShowArgs) -> Result<(), Failure> {
    let options = args.rows.options(args.output.and_then(PointsFormat::printed));
    if args.watch {
        return watch_all(client, args, &options).await;
    }
    let is_newest = shows_newest(args, &options);
    let query = MetricsQuery {
        metric_type: MetricType::Pod,
        since: args.since.map(|time| time.resolve(now())),
        until: args.until.map(|time| time.resolve(now())),
        metric_filter: args.metric.iter().map(|name| name.as_str().to_owned()).collect(),
        summarize: args.summarize,
        last_n: if is_newest { Some(1) } else { args.last },
        ..MetricsQuery::default()
    };
    if let Some(format) = args.output.and_then(PointsFormat::binary) {
        return write(client, args, &query, format).await;
    }
    let of_pods = args.run.is_none() && args.pod.is_none();
    let columns = if is_newest { newest_columns(of_pods) } else { columns(of_pods) };
    let list = List::new(&options, &columns)?;
    let mut printer = Printer::paged(options.format);
    if of_pods {
        return show_all(client, args, &query, &list, &mut printer).await;
    }
    let get = async |owner: Owner| Ok::<_, Error>((client.metrics().get(&owner, &query).await?, owner));
    let (metrics, owner) = match (&args.run, &args.pod) {
        (Some(run), _) => {
            let metrics = with_run_id(client, run, async |id| get(Owner::Run(id)).await).await;
            metrics.map_err(|failure| failure.of_option("--run"))?
        }
        (None, Some(pod)) => match get(Owner::Pod(pod.clone())).await {
            Ok(metrics) => metrics,
            Err(error) => return Err(pod_failure(client, pod, error).await),
        },
        (None, None) => return Ok(()),
    };
    let missing = missing(args, |name| metrics.contains_key(name));
    if !missing.is_empty() {
        check_exist(&missing, &owner.to_string(), &series(client, &owner).await?)?;
    }
    print_one(&list, &mut printer, &metrics)
}

/// `mlbench metrics --watch`
async fn watch_all(client: &Client, args: &ShowArgs, options: &ListOptions) -> Result<(), Failure> {
    let mut printer = Printer::stdout(options.format);
    let of_pods = args.run.is_none() && args.pod.is_none();
    let columns = if printer.is_screen() { newest_columns(of_pods) } else { columns(of_pods) };
    let list = List::new(options, &columns)?;
    let owner = match (&args.run, &args.pod) {
        (Some(run), _) => {
            let run = resolve_run(client, run).await;
            Some(Owner::Run(run.map_err(|failure| failure.of_option("--run"))?.id))
        }
        (None, Some(pod)) => {
            let owner = Owner::Pod(pod.clone());
            if let Err(error) = series(client, &owner).await {
                return Err(pod_failure(client, pod, error).await);
            }
            Some(owner)
        }
        (None, None) => None,
    };
    let query = watch::query(args.metric.iter().map(|name| name.as_str().to_owned()).collect());
    let watched = Watched { client: client.clone(), owner, query };
    watch(watched, &list, options.sort_by.is_some(), &mut printer).await
}

/// Returns whether the newest point of each metric is enough.
///
/// It is for people who do not ask for more, and for names.
fn shows_newest(args: &ShowArgs, options: &ListOptions) -> bool {
    let more = args.all || args.last.is_some() || args.summarize.is_some();
    let is_short = match options.format {
        None => stdout_is_terminal() && args.output.is_none(),
        Some(format) => matches!(format, output::Format::Table | output::Format::Wide | output::Format::Name),
    };
    is_short && !more
}

/// Writes the points in a format that no terminal shows.
async fn write(
    client: &Client,
    args: &ShowArgs,
    query: &MetricsQuery,
    format: Format,
) -> Result<(), Failure> {
    let path = target(args.output_file.as_deref(), format, stdout_is_terminal())?;
    let owner = match (&args.run, &args.pod) {
        (Some(run), _) => {
            let run = resolve_run(client, run).await;
            Some(Owner::Run(run.map_err(|failure| failure.of_option("--run"))?.id))
        }
        (None, pod) => pod.clone().map(Owner::Pod),
    };
    if let (Some(owner), false) = (&owner, args.metric.is_empty()) {
        let series = series(client, owner).await?;
        check_exist(&args.metric.iter().collect::<Vec<_>>(), &owner.to_string(), &series)?;
    }
    write_to(path, async |to| client.metrics().write(owner.as_ref(), query, format, to).await).await
}

/// Returns the file to write, or `-` for standard output.
fn target(file: Option<&Path>, format: Format, stdout_is_terminal: bool) -> Result<&Path, Failure> {
    match file {
        Some(path) => Ok(path),
        None if stdout_is_terminal => Err(Failure::BinaryOnTerminal(format.as_str())),
        None => Ok(Path::new("-")),
    }
}

async fn show_all(
    client: &Client,
    args: &ShowArgs,
    query: &MetricsQuery,
    list: &List<Row>,
    printer: &mut Printer<impl Write>,
) -> Result<(), Failure> {
    let metrics = client.metrics().all(query).await?;
    let missing = missing(args, |name| metrics.values().any(|pod| pod.contains_key(name)));
    if !missing.is_empty() {
        let mut all = Vec::new();
        for pod in client.pods().list().await? {
            all.extend(client.pods().series(&pod.name).await?);
        }
        check_exist(&missing, "the cluster", &all)?;
    }
    print_all(list, printer, &metrics)
}

async fn series(client: &Client, owner: &Owner) -> Result<Vec<Series>, Error> {
    match owner {
        Owner::Run(id) => client.runs().series(*id).await,
        Owner::Pod(name) => client.pods().series(name).await,
    }
}

/// Returns the metrics that the user selected and the response does not have.
fn missing(args: &ShowArgs, is_in_response: impl Fn(&str) -> bool) -> Vec<&MetricName> {
    args.metric.iter().filter(|name| !is_in_response(name.as_str())).collect()
}

/// Checks that metrics without points in a response exist: `--since` may have left out all their points.
fn check_exist(names: &[&MetricName], owner: &str, series: &[Series]) -> Result<(), Failure> {
    let is_known = |name: &MetricName| series.iter().any(|series| series.name == *name);
    let Some(unknown) = names.iter().find(|name| !is_known(name)) else { return Ok(()) };
    let known = series.iter().map(|series| series.name.as_str().to_owned()).collect();
    Err(Failure::UnknownName(UnknownName::metric(unknown.as_str(), owner, known)))
}

/// Returns why a request failed that names a pod, with the pods in the cluster if it does not exist.
async fn pod_failure(client: &Client, pod: &PodName, error: Error) -> Failure {
    let pods = match error.status() {
        Some(404) => client.pods().list().await,
        _ => return error.into(),
    };
    let known = pods.map(|pods| pods.iter().map(|pod| pod.name.as_str().to_owned()).collect());
    known.map_or(error.into(), |known| Failure::UnknownName(UnknownName::pod(pod.as_str(), known)))
}

async fn post(client: &Client, args: &PostArgs) -> Result<(), Failure> {
    let date = args.date.map_or_else(now, |time| time.resolve(now()));
    let post = async |owner| {
        let metric = NewMetric {
            owner,
            name: args.name.clone(),
            date: Some(date),
            value: args.value.as_str().into(),
            cumulative: args.cumulative,
            step: None,
            epoch: None,
            metadata: args.metadata.clone(),
        };
        client.metrics().post(&metric).await
    };
    let stored = match (&args.run, &args.pod) {
        (Some(run), _) => {
            let stored = with_run_id(client, run, async |id| post(Owner::Run(id)).await).await;
            stored.map_err(|failure| failure.of_option("--run"))?
        }
        (None, Some(pod)) => match post(Owner::Pod(pod.clone())).await {
            Ok(stored) => stored,
            Err(error) => return Err(pod_failure(client, pod, error).await),
        },
        // The argument group requires one of the two.
        (None, None) => return Ok(()),
    };
    print_stored(&mut Printer::stdout(args.output.output), &stored)
}

fn print_one(
    list: &List<Row>,
    printer: &mut Printer<impl Write>,
    metrics: &PointsByMetric,
) -> Result<(), Failure> {
    print_rows(list, printer, metrics, rows(None, metrics))
}

fn print_all(
    list: &List<Row>,
    printer: &mut Printer<impl Write>,
    metrics: &PointsByOwner,
) -> Result<(), Failure> {
    let rows = metrics.iter().flat_map(|(pod, metrics)| rows(Some(pod), metrics)).collect();
    print_rows(list, printer, metrics, rows)
}

fn print_rows(
    list: &List<Row>,
    printer: &mut Printer<impl Write>,
    metrics: &impl Serialize,
    mut rows: Vec<Row>,
) -> Result<(), Failure> {
    if printer.layout() == Layout::Name {
        let mut seen = HashSet::new();
        rows.retain(|row| seen.insert(row.metric.clone()));
    }
    Ok(list.print_of(printer, metrics, rows)?)
}

fn print_stored(printer: &mut Printer<impl Write>, metric: &Metric) -> Result<(), Failure> {
    if printer.layout() == Layout::Name {
        return Ok(printer.names([metric.name.to_string()])?);
    }
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
    use mlbench_client::{Point, Timestamp};

    fn series(names: &[&str]) -> Vec<Series> {
        let series = |name: &&str| {
            serde_json::from_value(serde_json::json!({
                "name": name, "count": 1, "first_date": "2018-08-03T09:21:44Z",
                "last_date": "2018-08-03T09:21:44Z", "min": 1.0, "max": 1.0, "last_value": "1"
            }))
            .unwrap()
        };
        names.iter().map(series).collect()
    }

    #[test]
    fn a_mistyped_metric_is_reported_with_a_hint() {
        let check = |selected: &[&str], names: &[&str]| {
            let selected: Vec<MetricName> =
                selected.iter().map(|name| MetricName::new(*name).unwrap()).collect();
            check_exist(&selected.iter().collect::<Vec<_>>(), "run 1", &series(names))
                .map_err(|failure| (failure.exit_code(), failure.to_string()))
        };
        assert_eq!(check(&["loss", "acc"], &["acc", "loss"]), Ok(()));
        let text = "--metric \"los\": run 1 has no such metric; did you mean \"loss\"?";
        assert_eq!(check(&["los"], &["acc", "loss"]), Err((3, text.to_owned())));
        assert_eq!(
            check(&["acc", "los"], &["acc", "loss"]),
            Err((3, text.to_owned())),
            "every name is checked"
        );
    }

    fn printed(
        print: impl FnOnce(&mut Printer<&mut Vec<u8>>) -> Result<(), Failure>,
        layout: Layout,
    ) -> String {
        let mut to = Vec::new();
        print(&mut Printer::new(layout, &mut to)).unwrap();
        String::from_utf8(to).unwrap()
    }

    fn list(of_pods: bool) -> List<Row> {
        List::new(&ListOptions::default(), &columns(of_pods)).unwrap()
    }

    fn metrics() -> PointsByMetric {
        let points = ["0.5", "80% Top 1"].map(|value| Point::new(Timestamp::EPOCH, value));
        [("loss @ 0".to_owned(), points.to_vec())].into()
    }

    #[test]
    fn a_terminal_gets_no_binary_format() {
        let file = Path::new("points.parquet");
        for is_terminal in [false, true] {
            assert_eq!(target(Some(file), Format::Parquet, is_terminal).unwrap(), file);
        }
        assert_eq!(target(None, Format::Parquet, false).unwrap(), Path::new("-"));
        let refused = target(None, Format::Arrow, true).unwrap_err();
        let text = "--output arrow: is binary, and standard output is a terminal; use --output-file FILE, or redirect it";
        assert_eq!((refused.exit_code(), refused.to_string()), (2, text.to_owned()));
    }

    #[test]
    fn each_point_is_a_row() {
        let metrics = metrics();
        assert_eq!(
            printed(|printer| print_one(&list(false), printer, &metrics), Layout::Csv),
            "metric,date,value\nloss @ 0,1970-01-01T00:00:00.000000Z,0.5\n\
             loss @ 0,1970-01-01T00:00:00.000000Z,80% Top 1\n"
        );
        let all = [("w-0".to_owned(), metrics.clone())].into();
        let text = printed(|printer| print_all(&list(true), printer, &all), Layout::Tabs);
        assert_eq!(text.lines().nth(1), Some("w-0\tloss @ 0\t1970-01-01T00:00:00.000000Z\t0.5"));
    }

    #[test]
    fn json_is_the_response_of_the_api() {
        let metrics = metrics();
        let json = printed(|printer| print_one(&list(false), printer, &metrics), Layout::Json);
        assert_eq!(serde_json::from_str::<PointsByMetric>(&json).unwrap(), metrics);
    }
}
