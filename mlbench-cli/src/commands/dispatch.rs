//! Chooses the server and the function that carries out the command.

use mlbench_client::Client;
use tokio::sync::watch;

use super::connect::{connect, token};
use super::port_forward::PortForward;
use super::{import, log, metrics, pods, python, runs, top};
use crate::args::{Cli, Command, RunsCommand};
use crate::contexts::Server;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::version::report_difference;

/// Runs the command, through a port-forward if `--kube` is given.
pub(crate) async fn run(cli: &Cli, interrupt: &Interrupt) -> Result<(), Failure> {
    if let Command::Runs(RunsCommand::Start(args)) = &cli.command
        && args.dry_run
    {
        return runs::dry_run(args).await;
    }
    if let Command::Runs(RunsCommand::Sweep(args)) = &cli.command
        && args.dry_run
    {
        return runs::plan_only(args).await;
    }
    if !cli.kube.kube {
        return dispatch(cli, &connect(cli, cli.choice().server()?, || ())?, interrupt).await;
    }
    let mut forward = PortForward::open(&cli.kube).await?;
    let (unreachable, mut failures) = watch::channel(());
    let server = Server { url: forward.url(), token: token(cli)? };
    let client = connect(cli, server, move || unreachable.send_replace(()))?;
    let result = tokio::select! {
        biased;
        result = dispatch(cli, &client, interrupt) => result,
        never = forward.keep_open(&mut failures) => match never {},
    };
    match result {
        // The client only knows that its connection to the local port failed.
        Err(Failure::Client(error)) if error.is_unreachable() => {
            Err(forward.failure().unwrap_or(error.into()))
        }
        other => other,
    }
}

/// Runs the command, and says at its end whether the server has another version.
async fn dispatch(cli: &Cli, client: &Client, interrupt: &Interrupt) -> Result<(), Failure> {
    let result = carry_out(cli, client, interrupt).await;
    report_difference(client);
    result
}

async fn carry_out(cli: &Cli, client: &Client, interrupt: &Interrupt) -> Result<(), Failure> {
    match &cli.command {
        Command::Pods(args) => pods::list(client, args).await,
        Command::Metrics(args) => metrics::run(client, args).await,
        Command::Log(args) => log::log(client, cli, args, interrupt).await,
        Command::Import(args) => import::import(client, args, interrupt).await,
        Command::Top(_) => top::top(client, interrupt).await,
        Command::Python(command) => python::run(client, command).await,
        Command::Runs(command) => match command {
            RunsCommand::Start(args) => runs::start(client, args, interrupt).await,
            RunsCommand::Sweep(args) => runs::sweep(client, args, interrupt).await,
            RunsCommand::Record(args) => runs::record(client, cli, args, interrupt).await,
            RunsCommand::List(args) => runs::list(client, args).await,
            RunsCommand::Show(args) => runs::show(client, args).await,
            RunsCommand::Set(args) => runs::set(client, args).await,
            RunsCommand::Wait(args) => runs::wait(client, args, interrupt).await,
            RunsCommand::Stop(args) => runs::stop(client, args).await,
            RunsCommand::Delete(args) => runs::delete(client, &args.run).await,
            RunsCommand::Logs(args) => runs::logs(client, args).await,
            RunsCommand::Compare(args) => runs::compare(client, args).await,
            RunsCommand::Report(args) => runs::report(client, args).await,
            RunsCommand::Download(args) => runs::download(client, args).await,
            RunsCommand::Export(args) => runs::export(client, args).await,
            RunsCommand::Import(args) => runs::import(client, args).await,
        },
        // `main` runs what needs no client.
        Command::Benchmark(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Context(_)
        | Command::Login
        | Command::Logout => Ok(()),
    }
}
