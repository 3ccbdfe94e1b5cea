//! Reads the bearer token of a request (RFC 6750, section 2.1), or the session in its place.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use mlbench_core::api::Access;
use mlbench_core::{Error, ErrorCode, Result};

use super::cookie::open_session;
use crate::app::App;
use crate::app::access::{AuthPolicy, Grant};

/// Returns what a request with these headers may do at an endpoint with this access rule.
///
/// A session may do what the token may do that began it. A token beats a session.
///
/// # Errors
/// [`ErrorCode::Unauthorized`], [`ErrorCode::Forbidden`].
pub(in crate::http) async fn authorize(
    policy: AuthPolicy,
    access: Access,
    headers: &HeaderMap,
    app: &App,
) -> Result<Grant> {
    if let Some(grant) = policy.grant_without_token(access) {
        return Ok(grant);
    }
    if !headers.contains_key(AUTHORIZATION) && open_session(headers, &app.sessions, app.clock.now()).is_some()
    {
        return Ok(Grant::Full);
    }
    policy.grant(access, bearer_token(headers)?, &*app.storage).await
}

fn bearer_token(headers: &HeaderMap) -> Result<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let missing = "Authorization: missing; send `Authorization: Bearer TOKEN` (mlbench and its client read the token \
                   from MLBENCH_TOKEN, mlbench also from --token-file FILE)";
    let value = values.next().ok_or_else(|| unauthorized(missing))?;
    if values.next().is_some() {
        return Err(unauthorized("Authorization: sent more than once; send it once"));
    }
    let bearer = value.to_str().ok().and_then(|text| text.split_once(' '));
    let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) =
        bearer.ok_or_else(|| unauthorized("Authorization: not a bearer token; send `Bearer TOKEN`"))?;
    Ok(token.trim())
}

fn unauthorized(detail: &str) -> Error {
    Error::new(ErrorCode::Unauthorized, detail)
}
