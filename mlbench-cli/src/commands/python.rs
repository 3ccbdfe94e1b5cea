//! The commands of the `mlbench` Python CLI, by those of this one.
//!
//! Their output keeps the lines that scripts read.

use mlbench_client::{
    Client, ComparisonQuery, ErrorCode, MetricsQuery, Owner, PointsByMetric, RunName, RunRequest, RunSearch,
    RunState,
};

use super::resolve::resolve_run;
use super::runs;
use crate::args::PythonStatusArgs;
use crate::args::{
    Cli, DownloadArgs, MeasureArgs, PythonChartsArgs, PythonCommand, PythonRunArgs, SettingArgs,
};
use crate::failure::Failure;
use crate::output::{List, ListOptions, Printer, eprint_message};

/// Carries out a command of the Python CLI.
pub(super) async fn run(client: &Client, command: &PythonCommand) -> Result<(), Failure> {
    match command {
        PythonCommand::Run(args) => start(client, args).await,
        PythonCommand::Status(args) => status(client, args).await,
        PythonCommand::Charts(args) => charts(client, args).await,
        PythonCommand::Delete { name, .. } => runs::delete(client, name).await,
        PythonCommand::Download { name, output, .. } => {
            let args = DownloadArgs { run: Some(name.clone()), output_file: Some(output.clone()) };
            runs::download(client, &args).await
        }
        // `main` prints the URL, and the others are refused before.
        PythonCommand::GetDashboardUrl
        | PythonCommand::CreateCluster(_)
        | PythonCommand::DeleteCluster(_)
        | PythonCommand::SetCluster(_)
        | PythonCommand::ListClusters(_) => Ok(()),
    }
}

/// `mlbench get-dashboard-url`
pub(crate) fn print_dashboard_url(cli: &Cli) -> Result<(), Failure> {
    let url = cli.choice().server()?.url;
    let mut printer = Printer::stdout(None);
    printer.line(format_args!("{}/", url.trim_end_matches('/')))?;
    Ok(printer.flush()?)
}

async fn start(client: &Client, args: &PythonRunArgs) -> Result<(), Failure> {
    let settings = SettingArgs {
        cpus: args.num_cpus.map(|cpus| f64::from(cpus - 1)),
        image: args.image.clone(),
        command: args.command.clone(),
        first_worker_only: args.first_worker_only,
        gpu: args.gpu,
        light: args.light,
        ..SettingArgs::default()
    };
    let request = |workers: &u32| {
        let name = RunName::new(format!("{}-{workers}", args.name))?;
        runs::with_flags(RunRequest::named(name), &settings, Some(*workers), args.backend.as_deref())
    };
    let requests = args.num_workers.iter().map(request).collect::<mlbench_client::Result<Vec<_>>>()?;
    if args.image.is_none() && args.command.is_none() {
        eprint_message("using the benchmark of the server; choose another one with --image or --command");
    }
    let mut printer = Printer::stdout(None);
    for (index, request) in requests.iter().enumerate() {
        let started = client.runs().start(request).await;
        if index > 0 && started.as_ref().is_err_and(|error| error.code() == Some(ErrorCode::RunActive)) {
            eprint_message("one run at a time may be active here; use `mlbench runs sweep` for several");
        }
        printer.line(format_args!("Run started with name {}", started?.name))?;
        printer.flush()?;
    }
    Ok(())
}

async fn status(client: &Client, args: &PythonStatusArgs) -> Result<(), Failure> {
    let Some(name) = &args.name else {
        let list = List::new(&ListOptions::default(), &runs::columns())?;
        return Ok(list.print(&mut Printer::paged(None), client.runs().list().await?)?);
    };
    let run = resolve_run(client, name).await?;
    let (loss, accuracy) = ("val_global_loss @ 0".to_owned(), format!("val_global_{} @ 0", args.metric));
    let query = MetricsQuery {
        metric_filter: vec![loss.clone(), accuracy.clone()],
        last_n: Some(1),
        ..MetricsQuery::default()
    };
    let points = client.metrics().get(&Owner::Run(run.id), &query).await?;
    let mut printer = Printer::stdout(None);
    runs::print_one(&mut printer, &run)?;
    let line =
        |name: &str, metric: &str, none: &str| newest(&points, name, metric).unwrap_or(none.to_owned());
    printer.line(line("Loss", &loss, "No Validation Loss Data yet"))?;
    printer.line(line(&args.metric, &accuracy, "No Validation Precision Data yet"))?;
    Ok(printer.flush()?)
}

/// Returns the line about the newest value of a metric, if it has one.
fn newest(points: &PointsByMetric, name: &str, metric: &str) -> Option<String> {
    let (_, points) = points.iter().find(|(name, _)| name.as_str() == metric)?;
    let point = points.last()?;
    let value = match point.value.as_str().parse::<f64>() {
        Ok(number) => format!("{number:.2}"),
        Err(_) => point.value.to_string(),
    };
    Some(format!("Current Global {name}: {value} ({})", point.date))
}

async fn charts(client: &Client, args: &PythonChartsArgs) -> Result<(), Failure> {
    let mut ids = Vec::new();
    for text in &args.runs {
        ids.push(resolve_run(client, text).await?.id);
    }
    if args.runs.is_empty() {
        let finished = RunSearch { states: vec![RunState::Finished], ..RunSearch::default() };
        let has_text = |name: &str| args.filter.as_ref().is_none_or(|text| name.contains(text.as_str()));
        let runs = runs::find(client, finished).await?;
        ids.extend(runs.iter().filter(|run| has_text(run.name.as_str())).map(|run| run.id));
    }
    let (count, most) = (ids.len(), ComparisonQuery::MAX_RUNS);
    if !(2..=most).contains(&count) {
        let rule =
            format!("charts: needs 2 to {most} finished runs, not {count}; name them, or use --filter");
        return Err(Failure::Failed(rule));
    }
    let comparison = runs::fetch_runs(client, ids, &MeasureArgs::default(), None).await?;
    runs::write_report(&comparison, &args.folder)?;
    let mut printer = Printer::stdout(None);
    printer.line(format_args!("Summary created in {}", args.folder.display()))?;
    Ok(printer.flush()?)
}
