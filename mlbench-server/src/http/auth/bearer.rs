//! Reads the bearer token of a request (RFC 6750, section 2.1).

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use mlbench_core::api::Access;
use mlbench_core::storage::Storage;
use mlbench_core::{Error, ErrorCode, Result};

use crate::app::access::{AuthPolicy, Grant};

/// Returns what a request with these headers may do at an endpoint with this access rule.
///
/// # Errors
/// [`ErrorCode::Unauthorized`], [`ErrorCode::Forbidden`].
pub(in crate::http) async fn authorize(
    policy: AuthPolicy,
    access: Access,
    headers: &HeaderMap,
    storage: &dyn Storage,
) -> Result<Grant> {
    match policy.grant_without_token(access) {
        Some(grant) => Ok(grant),
        None => policy.grant(access, bearer_token(headers)?, storage).await,
    }
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
