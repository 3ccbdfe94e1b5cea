//! Names of MLflow's protocol, and what they are here.

use mlbench_core::quote::quote;
use mlbench_core::run::Run;
use mlbench_core::{Error, MetricName, ParamValue, Result, RunId, RunName, RunState, Timestamp};

/// The tag with the name of the experiment of a run.
pub(super) const EXPERIMENT: &str = "mlflow.experiment";
/// The tag of a run that MLflow's clients have deleted, and can restore.
pub(super) const DELETED: &str = "mlflow.deleted";
/// The tag with the status that a client gave to a run after its end.
pub(super) const STATUS: &str = "mlflow.status";
/// The tag with the name of a run.
pub(super) const RUN_NAME: &str = "mlflow.runName";
/// The tag with the user of a run.
pub(super) const USER: &str = "mlflow.user";
/// The tag with the program of a run.
pub(super) const SOURCE: &str = "mlflow.source.name";

/// The status of a run that goes on.
pub(super) const RUNNING: &str = "RUNNING";
/// Digits of the id of a run, of which many tools expect 32.
const ID_DIGITS: usize = 32;

/// Returns whether a tag carries what MLflow shows elsewhere.
pub(super) fn is_internal(tag: &str) -> bool {
    [EXPERIMENT, DELETED, STATUS].contains(&tag)
}

/// Returns the id of a run: its own in 32 digits.
pub(super) fn run_id(id: RunId) -> String {
    format!("{:0width$}", id.get(), width = ID_DIGITS)
}

/// Reads the id of a run, with or without leading zeros.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound) for every other text.
pub(super) fn parse_run_id(text: &str) -> Result<RunId> {
    let digits = text.trim_start_matches('0');
    let read = if text.len() <= ID_DIGITS { digits.parse().ok() } else { None };
    read.ok_or_else(|| Error::not_found(format_args!("run {}", quote(text))))
}

/// Returns the value of a parameter: a number or a boolean only if it prints as this text.
///
/// So clients read back what they logged.
pub(super) fn param(text: &str) -> ParamValue {
    let typed = ParamValue::parse(text);
    if typed.to_string() == text { typed } else { ParamValue::from(text) }
}

/// Returns the name of a metric that is the argument `field`.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) naming that argument.
pub(super) fn metric(field: &str, text: &str) -> Result<MetricName> {
    let (max, length) = (MetricName::MAX_BYTES, text.len());
    let rule = format_args!("the name of a metric must have 1 to {max} bytes, not {length}");
    MetricName::new(text).map_err(|_| Error::invalid(field, rule))
}

/// Returns the nearest name that a run can have.
pub(super) fn run_name(text: &str) -> Result<RunName> {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(RunName::MAX_CHARS);
    RunName::new(plain.collect::<String>())
}

/// Returns the time of a number of milliseconds since 1970.
///
/// # Errors
/// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) outside the supported years.
pub(super) fn time(field: &str, millis: i64) -> Result<Timestamp> {
    let micros = millis.checked_mul(1_000).filter(|micros| (0..=Timestamp::MAX.as_micros()).contains(micros));
    let rule = "outside the years 1970 to 9999; send milliseconds since 1970";
    micros
        .map(Timestamp::from_micros)
        .ok_or_else(|| Error::invalid(field, format_args!("{millis} is {rule}")))
}

/// Returns the milliseconds since 1970.
pub(super) const fn millis(time: Timestamp) -> i64 {
    time.as_micros() / 1_000
}

/// The statuses that a client may give to a run that has ended.
const AFTER_END: [&str; 4] = [RUNNING, "FINISHED", "FAILED", "KILLED"];

/// Returns the status of a run: that of its state, or the one that a client gave after its end.
///
/// Anybody may set the tag, so other texts do not count.
pub(super) fn status(run: &Run) -> &str {
    let given = run.tags.get(STATUS).filter(|status| !run.state.is_active() && AFTER_END.contains(status));
    given.unwrap_or_else(|| status_of(run.state))
}

/// Returns the status of a state.
pub(super) const fn status_of(state: RunState) -> &'static str {
    match state {
        RunState::Initialized => "SCHEDULED",
        RunState::Started | RunState::Unknown => RUNNING,
        RunState::Finished => "FINISHED",
        RunState::Failed => "FAILED",
        RunState::Stopped => "KILLED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_32_digits_and_are_read_with_fewer() {
        let id = RunId::new(42).unwrap();
        assert_eq!(run_id(id), "00000000000000000000000000000042");
        for text in ["42", "00000000000000000000000000000042"] {
            assert_eq!(parse_run_id(text).unwrap(), id);
        }
        for text in ["", "0", "00", "+1", "x", &"0".repeat(33), "9223372036854775808"] {
            assert!(parse_run_id(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_parameter_is_read_back_as_it_was_logged() {
        for (text, json) in [
            ("0.1", "0.1"),
            ("200", "200"),
            ("true", "true"),
            ("1.0", "\"1.0\""),
            ("1e-05", "\"1e-05\""),
            ("True", "\"True\""),
            ("\"quoted\"", "\"\\\"quoted\\\"\""),
            ("", "\"\""),
        ] {
            let value = param(text);
            assert_eq!((value.to_string().as_str(), value.to_json().as_str()), (text, json));
        }
    }

    #[test]
    fn names_and_times_are_brought_into_bounds() {
        assert_eq!(run_name("a\nb").unwrap().as_str(), "a b");
        assert_eq!(run_name(&"é".repeat(300)).unwrap().as_str().chars().count(), 100);
        assert_eq!(millis(time("start_time", 1_533_288_089_347).unwrap()), 1_533_288_089_347);
        for bad in [-1, i64::MAX] {
            let refusal = time("timestamp", bad).unwrap_err();
            assert!(refusal.detail().starts_with(&format!("timestamp: {bad} is outside the years")));
        }
    }
}
