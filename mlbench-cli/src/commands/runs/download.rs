use mlbench_client::{Client, MetricsQuery, Owner};
use mlbench_core::metric::file_name;

use crate::args::DownloadArgs;
use crate::commands::resolve::{newest_run, resolve_run};
use crate::commands::target::write_to;
use crate::failure::Failure;

/// `mlbench runs download`
pub(crate) async fn download(client: &Client, args: &DownloadArgs) -> Result<(), Failure> {
    let run = match &args.run {
        Some(text) => resolve_run(client, text).await?,
        None => newest_run(client).await?,
    };
    let path = match &args.output_file {
        Some(path) => path.clone(),
        None => file_name(&format!("metrics_{}", run.name), ".zip").into(),
    };
    let (owner, query) = (Owner::Run(run.id), MetricsQuery::default());
    write_to(&path, async |to| client.metrics().download(&owner, &query, to).await).await
}
