//! The speed of comparing runs.

use std::path::Path;

use serde_json::Value;

use crate::client::get;
use crate::databases::{COMPARED_SERIES, COMPARED_STEPS, prepare_compared};
use crate::error::Result;
use crate::load::sequential;
use crate::options::Options;
use crate::report::Measurement;
use crate::server::Server;

/// No random value reaches it, so that the server reads every point of the metric and of the steps.
const GOAL: &str = "2";
/// Number of comparisons.
const ROUNDS: usize = 5;

/// Compares runs that report the times of their steps.
pub(crate) async fn compare(options: &Options, folder: &Path) -> Result<Vec<Measurement>> {
    if !options.wants("compare") {
        return Ok(Vec::new());
    }
    let (database, runs) = prepare_compared(options, folder).await?;
    let server = Server::start(&options.server, &database).await?;
    let ids: Vec<String> = (1..=runs).map(|id| id.to_string()).collect();
    let path = format!("/api/comparison/?runs={}&metric=val_global_Prec%401&goal={GOAL}", ids.join(","));
    let request = get(&path);
    let response: Value = serde_json::from_slice(&server.connect().await?.body(&request).await?)?;
    if response["groups"][0]["n"].as_u64() != Some(runs) {
        return Err(format!("the comparison does not have {runs} trainings").into());
    }
    let before = server.reset_peak()?;
    let times = sequential(server.address(), &[request], ROUNDS).await?;
    let growth = server.peak()? - before;
    server.stop()?;
    let what = format!("comparison of {runs} runs × {COMPARED_SERIES} metrics × {COMPARED_STEPS} points");
    Ok(vec![
        Measurement::new("compare", what, times.percentile(50.0), "ms")
            .note("memory grows MiB", growth)
            .at_most(1_000.0)
            .note_below("memory grows MiB", 16.0),
    ])
}
