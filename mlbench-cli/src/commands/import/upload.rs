//! Stores batches in a run.

use std::collections::BTreeMap;

use mlbench_client::{
    Client, Error, ErrorCode, LabelFilter, NewMetric, NewSeries, Owner, Params, Run, RunPatch, RunRequest,
    RunSearch, Tags,
};

use super::batch::{Batch, Point, Position};
use super::discover::Group;
use super::journal::{self, Mark, Positions};
use crate::args::LabelArgs;
use crate::failure::Failure;

/// Tag of a run with the machine and the directory, or the file, that it was imported from.
const ORIGIN: &str = "imported_from";

/// Finds the run that an earlier import of these files has created.
pub(super) async fn earlier_run(client: &Client, group: &Group) -> Result<Option<Run>, Failure> {
    let mut search = RunSearch {
        name: Some(format!("\"{}\"", group.name)),
        tags: vec![LabelFilter { name: ORIGIN.to_owned(), value: Some(journal::origin(&group.from)) }],
        order: "-id".parse().ok(),
        ..RunSearch::default()
    };
    loop {
        let page = client.with_retries(|| client.runs().search(&search)).await?;
        if let Some(run) = page.runs.into_iter().next() {
            return Ok(Some(run));
        }
        match page.next {
            Some(next) => search.cursor = Some(next),
            None => return Ok(None),
        }
    }
}

/// Creates the run of a group.
pub(super) async fn create_run(client: &Client, group: &Group, labels: &LabelArgs) -> Result<Run, Failure> {
    Ok(client.runs().start(&request(group, labels)?).await?)
}

fn request(group: &Group, labels: &LabelArgs) -> mlbench_client::Result<RunRequest> {
    let mut request = RunRequest::named(group.name.clone());
    request.external = true;
    request.num_workers = Some(1);
    request.params = Params::new(labels.params.iter().cloned())?;
    request.tags = Tags::new(labels.tags.iter().cloned())?;
    Ok(request.tag(ORIGIN, journal::origin(&group.from))?)
}

/// Adds parameters and tags of the command line to a run that is there.
pub(super) async fn label(client: &Client, run: &Run, labels: &LabelArgs) -> Result<(), Failure> {
    let patch = patch(labels)?;
    if patch != RunPatch::default() {
        client.runs().update(run.id, &patch).await?;
    }
    Ok(())
}

fn patch(labels: &LabelArgs) -> mlbench_client::Result<RunPatch> {
    let params = Params::new(labels.params.iter().cloned())?;
    let mut patch = RunPatch { params, ..RunPatch::default() };
    for (name, text) in &labels.tags {
        patch = patch.tag(name, text)?;
    }
    Ok(patch)
}

/// Whether a batch is stored.
pub(super) enum Stored {
    /// It is stored.
    All,
    /// Another import has stored something there before. These are the positions now.
    Elsewhere(Positions),
}

/// Stores the points of a batch in one transaction, with the position behind it.
pub(super) async fn store(
    client: &Client,
    run: &Run,
    file: &str,
    (begin, end): (Position, Mark),
    batch: &mut Batch,
) -> Result<Stored, Failure> {
    let mark = journal::entry(end)?;
    let owner = Owner::Run(run.id);
    let metric = |point: Point, metadata: String| NewMetric {
        owner: owner.clone(),
        name: point.name,
        date: point.date,
        value: point.value,
        cumulative: false,
        metadata,
        step: point.step,
        epoch: point.epoch,
    };
    let mut metrics: Vec<NewMetric> =
        batch.points.drain(..).map(|point| metric(point, String::new())).collect();
    metrics.push(metric(mark, file.to_owned()));
    let mut by_name: BTreeMap<&str, Vec<&NewMetric>> = BTreeMap::new();
    for metric in &metrics {
        by_name.entry(metric.name.as_str()).or_default().push(metric);
    }
    let series: Vec<NewSeries<'_>> = by_name.values().filter_map(|metrics| NewSeries::new(metrics)).collect();
    let key = journal::key(run.id, file, begin);
    match client.metrics().post_series(&series, &key).await {
        Ok(result) => match result.rejected.into_iter().next() {
            None => Ok(Stored::All),
            Some(rejected) => Err(Failure::Failed(format!("run {}: {}", run.id, rejected.message))),
        },
        Err(error) if error.code() == Some(ErrorCode::IdempotencyKeyReused) => {
            let positions = journal::positions(client, run.id).await?;
            match positions.get(file) {
                Some(now) if now.end > begin => Ok(Stored::Elsewhere(positions)),
                _ => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Adds hyperparameters to a run. Returns why some of them are left out.
///
/// The others are stored.
pub(super) async fn add_params(
    client: &Client,
    run: &Run,
    batch: &mut Batch,
) -> Result<Vec<String>, Failure> {
    let (mut params, mut single, mut problems) = (Params::default(), Vec::new(), Vec::new());
    for (name, value) in batch.params.drain(..) {
        let one = match Params::new([(name, value)]) {
            Ok(one) => one,
            Err(error) => {
                problems.push(error.detail().to_owned());
                continue;
            }
        };
        match params.with(&one) {
            Ok(with) => params = with,
            Err(error) => {
                problems.push(error.detail().to_owned());
                continue;
            }
        }
        single.push(one);
    }
    if params.is_empty() || set_params(client, run, params).await?.is_none() {
        return Ok(problems);
    }
    for one in single {
        problems.extend(set_params(client, run, one).await?);
    }
    Ok(problems)
}

/// Sets parameters of a run. Returns why the server refuses them.
async fn set_params(client: &Client, run: &Run, params: Params) -> Result<Option<String>, Failure> {
    match client.runs().update(run.id, &RunPatch { params, ..RunPatch::default() }).await {
        Ok(_) => Ok(None),
        Err(Error::Problem { problem, .. })
            if problem.status < 500 && problem.code != ErrorCode::NotFound =>
        {
            Ok(Some(problem.detail))
        }
        Err(error) => Err(error.into()),
    }
}
