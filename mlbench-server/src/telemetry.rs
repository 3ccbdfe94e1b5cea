//! The server log, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::FormatTime;

use crate::clock::Clock;
use crate::settings::{LogFormat, Settings};

/// Starts logging as configured by the settings.
///
/// # Errors
/// A message for the operator when the filter of `--log` is invalid.
pub fn init(settings: &Settings) -> Result<(), String> {
    // kube logs each refused connection as an error. The cluster module reports an outage itself, once.
    let quiet = if settings.log.contains("kube_client") { "" } else { ",kube_client=off" };
    let filter = EnvFilter::try_new(format!("{}{quiet}", settings.log))
        .map_err(|error| format!("--log {}: {error}", settings.log))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_timer(WireTime);
    match settings.log_format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

/// Writes dates in the format of the API, so that log lines and API responses can be matched.
struct WireTime;

impl FormatTime for WireTime {
    fn format_time(&self, writer: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", Clock::System.now())
    }
}
