//! Who comes in, and how far: the token that a request shows, and what it is good for.

use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use mlbench_core::storage::{BatchPoint, Storage};
use mlbench_core::{Error, ErrorCode, Owner, Result, RunId};

use super::AuthPolicy;
use crate::token::{self, Token};

/// How far a request reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    /// Full.
    Full,
    /// Posting metrics of this run.
    RunMetrics(RunId),
    /// Posting metrics of whatever run is active.
    ActiveRunMetrics,
}

impl AuthPolicy {
    /// How far a request reaches. Nothing but its head is looked at.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthorized`], [`ErrorCode::Forbidden`] for a run's token that is shown at another place, and
    /// [`ErrorCode::NotFound`] for what is not behind this door.
    pub(super) async fn authorize(&self, request: &Parts, storage: &dyn Storage) -> Result<Grant> {
        let posts = request.method == Method::POST;
        let posts_metric = posts && path(request) == "/api/metrics";
        match self {
            Self::Open => Ok(Grant::Full),
            Self::Bearer(_) if matches!(path(request), "/healthz" | "/readyz") => Ok(Grant::Full),
            Self::Bearer(expected) => {
                let shown = bearer_token(&request.headers)?;
                let hash = token::hash(shown);
                if token::same(hash, *expected) {
                    return Ok(Grant::Full);
                }
                let of_run = shown.len() == Token::RUN_TOKEN_CHARS;
                let run = if of_run { storage.run_for_token(hash).await? } else { None };
                let run = run.ok_or_else(|| {
                    unauthorized("the token is not the one of this server, nor that of an active run")
                })?;
                if posts_metric || posts && path(request) == "/api/metrics/batch" {
                    return Ok(Grant::RunMetrics(run));
                }
                Err(forbidden(format!(
                    "this token is run {run}'s, which is good for posting its metrics only"
                )))
            }
            Self::Ingest if posts_metric => Ok(Grant::ActiveRunMetrics),
            Self::Ingest => {
                Err(Error::new(ErrorCode::NotFound, "this address takes POST /api/metrics and nothing else"))
            }
        }
    }
}

impl Grant {
    /// Refuses a metric that is beyond reach.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`]; [`ErrorCode::NotFound`] for an unknown run.
    pub(super) async fn check_owner(self, owner: &Owner, storage: &dyn Storage) -> Result<()> {
        match (self, owner) {
            (Self::Full, _) => Ok(()),
            (Self::RunMetrics(own), owner) => is_of(own, owner),
            (Self::ActiveRunMetrics, Owner::Run(run)) if storage.run(*run).await?.state.is_active() => Ok(()),
            (Self::ActiveRunMetrics, Owner::Run(run)) => Err(forbidden(format!(
                "run {run} has ended, and this address takes metrics of active runs only"
            ))),
            (Self::ActiveRunMetrics, Owner::Pod(_)) => {
                Err(forbidden("this address takes metrics of runs only, not of pods".to_owned()))
            }
        }
    }

    /// Makes refusals of the points of a batch that are beyond reach.
    pub(super) fn reject_foreign_points(self, points: &mut [BatchPoint]) {
        let own = match self {
            Self::Full => return,
            Self::RunMetrics(own) => Some(own),
            // No door lets batches in for everybody.
            Self::ActiveRunMetrics => None,
        };
        for point in points {
            let Ok(metric) = &point.metric else { continue };
            let nobody = || Err(forbidden("this address takes single metrics only".to_owned()));
            if let Err(refusal) = own.map_or_else(nobody, |own| is_of(own, &metric.owner)) {
                point.metric = Err(refusal);
            }
        }
    }
}

fn is_of(own: RunId, owner: &Owner) -> Result<()> {
    if *owner == Owner::Run(own) {
        return Ok(());
    }
    Err(forbidden(format!("this token is run {own}'s, which is good for metrics of that run only")))
}

/// The path without the slash at its end, as routes see it.
fn path(request: &Parts) -> &str {
    let path = request.uri.path();
    path.strip_suffix('/').unwrap_or(path)
}

/// The token that a request shows (RFC 6750, section 2.1).
fn bearer_token(headers: &HeaderMap) -> Result<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let missing = "this server asks for its token, as `Authorization: Bearer TOKEN`; client and command line take it \
                   from the variable MLBENCH_TOKEN, the command line also from --token-file FILE";
    let value = values.next().ok_or_else(|| unauthorized(missing))?;
    if values.next().is_some() {
        return Err(unauthorized("Authorization: stands there more than once"));
    }
    let bearer = value.to_str().ok().and_then(|text| text.split_once(' '));
    let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = bearer.ok_or_else(|| unauthorized("Authorization: must be `Bearer TOKEN`"))?;
    Ok(token.trim())
}

fn unauthorized(detail: &str) -> Error {
    Error::new(ErrorCode::Unauthorized, detail)
}

fn forbidden(detail: String) -> Error {
    Error::new(ErrorCode::Forbidden, detail)
}
