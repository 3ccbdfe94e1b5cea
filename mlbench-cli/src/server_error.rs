//! What people read about an error of the server.

use mlbench_client::{Error, ErrorCode};

/// Returns the cause, what to try, and the id by which the log of the server has the request.
pub(crate) fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    if let Some(fix) = fix(error).filter(|_| !text.contains("; ")) {
        text.push_str("; ");
        text.push_str(fix);
    }
    match error.request_id() {
        Some(id) if !id.is_empty() && !text.contains(id) => format!("{text} (request id {id})"),
        _ => text,
    }
}

/// Returns what to try where the server does not say it.
pub(crate) fn fix(error: &Error) -> Option<&'static str> {
    let code = error.code()?;
    Some(match (code, error.status()?) {
        (ErrorCode::NotFound, _) if error.to_string().starts_with("run ") => {
            "`mlbench runs list` shows all runs"
        }
        (ErrorCode::Unauthorized, _) => "store the token with `mlbench login`, or set MLBENCH_TOKEN",
        (ErrorCode::Forbidden, _) => "use the token of the operator",
        (ErrorCode::RunActive, _) => "wait until it ends, or stop it",
        (ErrorCode::MethodNotAllowed | ErrorCode::UnknownField, _) => {
            "check that the server has this version"
        }
        (ErrorCode::Overloaded | ErrorCode::TooManyStreams | ErrorCode::TooManyAttempts, _) => {
            "try again later"
        }
        (_, 500..) => "the log of the server has the cause under this id",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_server_has_its_request_id_and_what_to_try() {
        let text = |status: u16, code: &str, detail: &str| {
            let problem = serde_json::json!({
                "type": "about:blank", "title": "x", "status": status, "detail": detail, "instance": "/api/runs/9/",
                "code": code, "request_id": "5f-1", "message": detail
            });
            let problem = serde_json::from_value(problem).unwrap();
            describe(&Error::Problem { problem, retry_after: None })
        };
        assert_eq!(
            text(404, "not_found", "run 9 does not exist"),
            "run 9 does not exist; `mlbench runs list` shows all runs (request id 5f-1)"
        );
        assert_eq!(
            text(409, "run_active", "run 4 is active; stop it or wait until it ends"),
            "run 4 is active; stop it or wait until it ends (request id 5f-1)"
        );
        assert_eq!(
            text(500, "internal", "internal error"),
            "internal error (status 500, request id 5f-1); the log of the server has the cause under this id"
        );
        let text = text(401, "unauthorized", "token: missing");
        assert_eq!(
            text,
            "token: missing; store the token with `mlbench login`, or set MLBENCH_TOKEN (request id 5f-1)"
        );
    }
}
