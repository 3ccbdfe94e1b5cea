//! One file per resource; each command asks the server and prints the answer.

mod connect;
mod download;
mod find;
mod forward;
mod logs;
mod metrics;
mod pods;
mod runs;

use mlbench_client::Client;

use self::forward::Forward;
use crate::args::{Cli, Command, RunsCommand};
use crate::failure::Failure;
use crate::output::Printer;

/// Does what the command line says.
pub(crate) async fn run(cli: &Cli) -> Result<(), Failure> {
    if !cli.kube.kube {
        return carry_out(cli, &connect::connect(cli, cli.server())?).await;
    }
    let mut forward = Forward::open(&cli.kube).await?;
    let client = connect::connect(cli, forward.url())?;
    tokio::select! {
        biased;
        done = carry_out(cli, &client) => done,
        failure = forward.broken() => Err(failure),
    }
}

async fn carry_out(cli: &Cli, client: &Client) -> Result<(), Failure> {
    match &cli.command {
        Command::Pods(output) => pods::list(client, Printer::stdout(output.output)).await,
        Command::Metrics(args) => metrics::run(client, args).await,
        Command::Runs(command) => match command {
            RunsCommand::Start(args) => runs::start(client, args).await,
            RunsCommand::List(output) => runs::list(client, Printer::stdout(output.output)).await,
            RunsCommand::Show(args) => runs::show(client, args).await,
            RunsCommand::Wait(args) => runs::wait(client, args).await,
            RunsCommand::Stop(args) => runs::stop(client, args).await,
            RunsCommand::Delete(args) => runs::delete(client, &args.run).await,
            RunsCommand::Logs(args) => logs::logs(client, args).await,
            RunsCommand::Download(args) => download::download(client, args).await,
        },
        // Done by `main`, before there is a client.
        Command::Benchmark(_) => Ok(()),
    }
}
