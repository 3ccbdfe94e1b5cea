//! The mlbench server.

use std::process::ExitCode;

use mlbench_server::cluster::local::supervise::run_if_requested;
use mlbench_server::server::Server;
use mlbench_server::settings::Settings;
use mlbench_server::telemetry;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Error when a second signal ends the shutdown.
const SECOND_SIGNAL: &str = "stopped by a second signal; requests in progress were aborted";

fn main() -> ExitCode {
    if let Some(code) = run_if_requested() {
        return code;
    }
    let settings = Settings::from_command_line();
    match run(&settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mlbench-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(settings: &Settings) -> Result<(), String> {
    telemetry::init(settings)?;
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| format!("cannot start the tokio runtime: {error}"))?;
    let ended = runtime.block_on(async {
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let server = Server::start(settings).await?;
        first_of(&mut interrupt, &mut terminate).await;
        tokio::select! {
            ended = server.stop() => ended,
            // A second signal does not wait for the requests in progress.
            () = first_of(&mut interrupt, &mut terminate) => Err(SECOND_SIGNAL.to_owned()),
        }
    });
    runtime.shutdown_background();
    ended
}

fn listen(kind: SignalKind) -> Result<Signal, String> {
    signal(kind).map_err(|error| format!("cannot listen for signals: {error}"))
}

async fn first_of(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
