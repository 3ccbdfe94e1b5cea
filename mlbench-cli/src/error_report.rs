//! [`ErrorReport`]: a failure for programs, which have asked for JSON.

use clap::error::{ContextKind, ContextValue};
use mlbench_client::Error;
use serde::Serialize;

use crate::failure::Failure;
use crate::server_error::fix;

/// What `--help` and the README say about errors with `-o json`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ErrorReport {
    /// Code of the server, or else a word for the exit code.
    code: String,
    /// What is wrong, without what to try.
    message: String,
    /// Field or option that is wrong.
    field: Option<String>,
    /// What to try, or what is known besides.
    hint: Option<String>,
    /// Status of the response of the server.
    status: Option<u16>,
    /// Id by which the log of the server has the request.
    request_id: Option<String>,
    exit_code: u8,
}

impl ErrorReport {
    /// Reports why a command failed.
    pub(crate) fn of(failure: &Failure) -> Self {
        let exit_code = failure.exit_code();
        let error = match failure {
            Failure::Client(error) => Some(error),
            _ => None,
        };
        let problem = error.and_then(Error::problem);
        let text = match (problem, error) {
            (Some(problem), _) => problem.detail.clone(),
            (None, Some(error)) => error.to_string(),
            (None, None) => failure.to_string(),
        };
        // Why a run did not start may have several parts.
        let is_whole = matches!(failure, Failure::NotFinished(_) | Failure::SweepNotFinished { .. });
        let (message, said) = match split_hint(&text).filter(|_| !is_whole) {
            Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
            None => (text, None),
        };
        Self {
            code: problem.map_or_else(|| word(exit_code).to_owned(), |problem| problem.code.to_string()),
            field: field(&message),
            message,
            hint: said.or_else(|| Some(fix(error?)?.to_owned())),
            status: error.and_then(Error::status),
            request_id: error.and_then(Error::request_id).filter(|id| !id.is_empty()).map(str::to_owned),
            exit_code,
        }
    }

    /// Reports what is wrong with a command line.
    pub(crate) fn of_usage(error: &clap::Error) -> Self {
        let plain = error.to_string();
        let plain = plain.strip_prefix("error: ").unwrap_or(&plain);
        let mut paragraphs = plain.split("\n\n").map(one_line);
        let text = paragraphs.next().unwrap_or_default();
        let tip = paragraphs.find_map(|text| text.strip_prefix("tip: ").map(str::to_owned));
        // A message of this program says itself what to try; one of the parser has its context apart.
        let (message, said) = match split_hint(&text) {
            Some((message, hint)) if tip.is_none() => (message.to_owned(), Some(hint.to_owned())),
            _ => (text, tip),
        };
        let field = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(field)) => Some(field.clone()),
            Some(ContextValue::Strings(fields)) => fields.first().cloned(),
            _ => None,
        };
        let named = |field: String| field.split([' ', '=']).next().unwrap_or(&field).to_owned();
        Self {
            code: word(2).to_owned(),
            field: field.map(named).or_else(|| self::field(&message)),
            message,
            hint: said.or_else(|| Some("see --help".to_owned())),
            status: None,
            request_id: None,
            exit_code: 2,
        }
    }
}

/// Returns what the exit code means.
const fn word(exit_code: u8) -> &'static str {
    match exit_code {
        2 => "usage",
        3 => "not_found",
        4 => "unauthorized",
        5 => "conflict",
        6 => "run_not_finished",
        7 => "unreachable",
        128.. => "interrupted",
        _ => "failed",
    }
}

/// Returns a message and what to try after it, which a semicolon outside of quotes separates.
fn split_hint(text: &str) -> Option<(&str, &str)> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = is_quoted,
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted && text[at..].starts_with("; ") => return Some((&text[..at], &text[at + 2..])),
            _ => {}
        }
    }
    None
}

/// Returns the field or option in front of a message, such as `num_workers: …` and `--run "x": …`.
fn field(message: &str) -> Option<String> {
    let (subject, _) = message.split_once(": ")?;
    let name = subject.split(' ').next()?;
    let is_option = name.starts_with("--");
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    // A name with a dot is a file, except for a field of an item.
    let is_file = name.contains('.') && !name.contains("].");
    let is_alone = subject == name || is_option || subject[name.len()..].trim_start().starts_with('"');
    (is_alone && !is_file && name.chars().all(is_name) && !name.is_empty()).then(|| name.to_owned())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;

    #[test]
    fn a_message_begins_with_its_field() {
        for (message, name) in [
            ("num_workers: 99 requested", Some("num_workers")),
            ("volumes[0].name: missing", Some("volumes[0].name")),
            ("--metric \"a: b\": run 1 has no such metric", Some("--metric")),
            ("run \"frist\": not found", Some("run")),
            ("run 7 does not exist", None),
            ("bad.csv: line 2: not a number", None),
            ("cannot connect to http://127.0.0.1:1: refused", None),
            ("http://127.0.0.1:1/api/: no response", None),
            ("run 1 (\"long\") FAILED: rank 0 exited with code 1", None),
        ] {
            assert_eq!(field(message).as_deref(), name, "{message}");
        }
    }

    #[test]
    fn a_semicolon_in_quotes_is_of_the_message() {
        let text = r#"run "a; \"b; c": not found; there are "x; y""#;
        assert_eq!(split_hint(text), Some((r#"run "a; \"b; c": not found"#, r#"there are "x; y""#)));
        assert_eq!(split_hint("a;b"), None);
    }

    #[test]
    fn an_error_of_the_server_is_reported_in_its_parts() {
        let problem = serde_json::json!({
            "type": "about:blank", "title": "x", "status": 422, "instance": "/api/runs/", "code": "invalid_field",
            "detail": "num_workers: 99 requested, 2 available; request at most 2", "request_id": "5f-1", "message": ""
        });
        let problem = serde_json::from_value(problem).unwrap();
        let report = ErrorReport::of(&Failure::Client(Error::Problem { problem, retry_after: None }));
        assert_eq!(
            report,
            ErrorReport {
                code: "invalid_field".to_owned(),
                message: "num_workers: 99 requested, 2 available".to_owned(),
                field: Some("num_workers".to_owned()),
                hint: Some("request at most 2".to_owned()),
                status: Some(422),
                request_id: Some("5f-1".to_owned()),
                exit_code: 1,
            }
        );
    }

    #[test]
    fn wrong_usage_names_the_option_and_what_to_try() {
        let report = |line: &str| {
            let error = Cli::from_words(line.split(' ')).unwrap_err();
            ErrorReport::of_usage(&error)
        };
        let state = report("mlbench runs list --state bad -o json");
        assert_eq!(
            (state.code.as_str(), state.field.as_deref(), state.exit_code),
            ("usage", Some("--state"), 2)
        );
        let mistyped = report("mlbench runs list --stat failed");
        assert_eq!(mistyped.field.as_deref(), Some("--stat"));
        assert_eq!(mistyped.hint.as_deref(), Some("a similar argument exists: '--state'"));
        let useless = report("mlbench runs list -o json --columns id");
        assert_eq!(useless.message, "--columns: no effect with --output json");
        assert_eq!(
            (useless.field.as_deref(), useless.hint.as_deref()),
            (Some("--columns"), Some("use table, wide or csv"))
        );
    }
}
