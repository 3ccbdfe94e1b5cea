//! The mlbench server.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use mlbench_core::quote::shorten_message;
use mlbench_server::clock::Clock;
use mlbench_server::cluster::local::supervise::run_if_requested;
use mlbench_server::log_queue::LogQueue;
use mlbench_server::server::{Server, adopt_orphans};
use mlbench_server::settings::Settings;
use mlbench_server::{telemetry, upkeep};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Error when a second signal ends the shutdown.
const SECOND_SIGNAL: &str = "stopped by a second signal; requests in progress were aborted";
/// Longest time to write the end of the log.
const LOG_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    if let Some(code) = run_if_requested() {
        return code;
    }
    let settings = Settings::from_command_line();
    let log = match LogQueue::start(std::io::stderr()) {
        Ok(log) => log,
        Err(error) => {
            // If this line cannot be written, the exit code has to do.
            let _ =
                writeln!(std::io::stderr(), "mlbench-server: cannot start the thread of the log: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = run(&settings, &log);
    if let Err(error) = &ended {
        log.line(&format!("mlbench-server: {}", shorten_message(error)));
    }
    log.flush(LOG_TIMEOUT);
    ended.unwrap_or(ExitCode::FAILURE)
}

fn run(settings: &Settings, log: &LogQueue) -> Result<ExitCode, String> {
    if let Some(command) = &settings.upkeep {
        return upkeep::run(settings, command, Clock::System.now());
    }
    serve(settings, log).map(|()| ExitCode::SUCCESS)
}

fn serve(settings: &Settings, log: &LogQueue) -> Result<(), String> {
    telemetry::init(settings, log.clone())?;
    adopt_orphans();
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| format!("cannot start the tokio runtime: {error}"))?;
    let ended = runtime.block_on(async {
        // A write beyond `ulimit -f` fails, instead of ending the server without a word.
        drop(listen(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?);
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let server = Server::start(settings).await?;
        let failure = tokio::select! {
            () = first_of(&mut interrupt, &mut terminate) => None,
            failure = server.failure() => Some(failure),
        };
        let stopped = tokio::select! {
            stopped = server.stop() => stopped,
            // A second signal does not wait for the requests in progress.
            () = first_of(&mut interrupt, &mut terminate) => Err(SECOND_SIGNAL.to_owned()),
        };
        failure.map_or(stopped, Err)
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
