//! The server's log, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::FormatTime;

use crate::clock::Clock;
use crate::settings::{LogFormat, Settings};

/// Starts logging as the settings say.
///
/// # Errors
/// When the filter is none, in one sentence.
pub fn init(settings: &Settings) -> Result<(), String> {
    // The library reports each refused connection as an error; where that matters, this server says it once.
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

/// The dates of the log are written as those of the API, so that one can be found by the other.
struct WireTime;

impl FormatTime for WireTime {
    fn format_time(&self, writer: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", Clock::System.now())
    }
}
