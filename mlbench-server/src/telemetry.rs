//! The server log, on standard error.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::FormatTime;

use crate::clock::Clock;
use crate::log_queue::LogQueue;
use crate::settings::{LogFormat, Settings};

/// Starts logging to `queue` as configured by the settings. Panics are logged too.
///
/// # Errors
/// A message for the operator when the filter of `--log` is invalid.
pub fn init(settings: &Settings, queue: LogQueue) -> Result<(), String> {
    // kube logs each refused connection as an error. The cluster module reports an outage itself, once.
    let quiet = if settings.log.contains("kube_client") { "" } else { ",kube_client=off" };
    let filter = EnvFilter::try_new(format!("{}{quiet}", settings.log))
        .map_err(|error| format!("--log {}: {error}", settings.log))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(queue)
        // Otherwise a line that cannot be formatted panics where standard error cannot be written.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_timer(WireTime);
    match settings.log_format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Logs a panic, with a backtrace where `RUST_BACKTRACE` requests one.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("without a message");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(location, "panicked: {message}\n{backtrace}");
    } else {
        tracing::error!(location, "panicked: {message}");
    }
}

/// Writes dates in the format of the API, so that log lines and API responses can be matched.
struct WireTime;

impl FormatTime for WireTime {
    fn format_time(&self, writer: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", Clock::System.now())
    }
}
