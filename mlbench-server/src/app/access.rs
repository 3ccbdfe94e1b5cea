//! What a token may do, and to whose metrics.

use mlbench_core::api::Access;
use mlbench_core::storage::{Batch, KeyHolder, SeriesName, Storage, TokenHash};
use mlbench_core::{Error, ErrorCode, Owner, Result, RunId};

use crate::token::{self, Token};

/// Who may use the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthPolicy {
    /// Everyone who reaches the listener may do everything.
    Open,
    /// The server's token may do everything, and the token of an active run may post its metrics.
    ///
    /// Public endpoints need no token.
    Bearer {
        /// Hash of the server's token.
        operator: TokenHash,
        /// Hash of the token that may only read the server's own metrics.
        metrics: Option<TokenHash>,
    },
}

/// What an authorized request may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Everything.
    Full,
    /// Read the server's own metrics.
    ServerMetrics,
    /// Post metrics of this run, and change its parameters and tags.
    RunMetrics(RunId),
    /// Post single metrics of any active run.
    ActiveRunMetrics,
}

impl AuthPolicy {
    /// Requires the server's token, whose hash is `operator`.
    #[must_use]
    pub const fn bearer(operator: TokenHash) -> Self {
        Self::Bearer { operator, metrics: None }
    }

    /// Returns what a request may do that needs no token, or `None` where it needs one.
    #[must_use]
    pub const fn grant_without_token(self, access: Access) -> Option<Grant> {
        match (self, access) {
            (Self::Open, _) | (Self::Bearer { .. }, Access::Public) => Some(Grant::Full),
            (Self::Bearer { .. }, Access::RunToken | Access::MetricsToken | Access::Operator) => None,
        }
    }

    /// Returns what a request with this token may do at an endpoint with this access rule.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthorized`] for an unknown token, [`ErrorCode::Forbidden`] for the token of a run and for the
    /// metrics token where they are not enough.
    pub async fn grant(self, access: Access, token: &str, storage: &dyn Storage) -> Result<Grant> {
        let Self::Bearer { operator, metrics } = self else { return Ok(Grant::Full) };
        let hash = token::hash(token);
        if token::same(hash, operator) {
            return Ok(Grant::Full);
        }
        if metrics.is_some_and(|metrics| token::same(hash, metrics)) {
            return match access {
                Access::Public | Access::MetricsToken => Ok(Grant::ServerMetrics),
                Access::RunToken | Access::Operator => Err(metrics_only()),
            };
        }
        let of_run = token.len() == Token::RUN_TOKEN_CHARS;
        let run = if of_run { storage.run_for_token(hash).await? } else { None };
        let run = run.ok_or_else(|| {
            let detail = "token: not accepted; send the token of this server or of an active run";
            Error::new(ErrorCode::Unauthorized, detail)
        })?;
        match access {
            Access::Public | Access::RunToken => Ok(Grant::RunMetrics(run)),
            Access::MetricsToken | Access::Operator => Err(forbidden(format!(
                "token: belongs to run {run}; it may only post metrics of that run and change its parameters and tags"
            ))),
        }
    }
}

impl Grant {
    /// Refuses a metric of another owner.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`]; [`ErrorCode::NotFound`] for an unknown run.
    pub async fn check_owner(self, owner: &Owner, storage: &dyn Storage) -> Result<()> {
        match (self, owner) {
            (Self::Full, _) => Ok(()),
            (Self::ServerMetrics, _) => Err(metrics_only()),
            (Self::RunMetrics(own), owner) => check_run(own, owner),
            (Self::ActiveRunMetrics, Owner::Run(run)) => match storage.run(*run).await?.state.is_active() {
                true => Ok(()),
                false => Err(forbidden(format!(
                    "run_id: run {run} has ended; this listener accepts metrics of active runs only"
                ))),
            },
            (Self::ActiveRunMetrics, Owner::Pod(_)) => {
                Err(forbidden("pod_name: this listener accepts metrics of runs only; send run_id".to_owned()))
            }
        }
    }

    /// Refuses a change of another run than that of the token.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`].
    pub fn check_run(self, id: RunId) -> Result<()> {
        match self {
            Self::Full => Ok(()),
            Self::RunMetrics(own) if own == id => Ok(()),
            Self::RunMetrics(own) => {
                Err(forbidden(format!("token: belongs to run {own} and may only change that run")))
            }
            Self::ServerMetrics => Err(metrics_only()),
            Self::ActiveRunMetrics => Err(forbidden("this listener accepts metrics only".to_owned())),
        }
    }

    /// Returns to whom the idempotency key of a request belongs.
    ///
    /// Where no token is shown, `owner` is the run of a metric that the request may only post as that run.
    #[must_use]
    pub const fn key_holder(self, owner: Option<&Owner>) -> KeyHolder {
        match (self, owner) {
            (Self::RunMetrics(run), _) => KeyHolder::Run(run),
            (Self::ActiveRunMetrics, Some(Owner::Run(run))) => KeyHolder::Run(*run),
            (Self::Full | Self::ServerMetrics | Self::ActiveRunMetrics, _) => KeyHolder::Server,
        }
    }

    /// Replaces each point and each series of another owner by an error.
    pub fn reject_foreign_points(self, batch: &mut Batch) {
        if self == Self::Full {
            return;
        }
        for point in &mut batch.points {
            if let Ok(metric) = &point.metric
                && let Err(refusal) = self.check_batch_owner(&metric.owner)
            {
                point.metric = Err(refusal);
            }
        }
        for series in &mut batch.series {
            if let Ok(SeriesName { owner, .. }) = &series.series
                && let Err(refusal) = self.check_batch_owner(owner)
            {
                series.series = Err(refusal);
            }
        }
    }

    fn check_batch_owner(self, owner: &Owner) -> Result<()> {
        match self {
            Self::Full => Ok(()),
            Self::RunMetrics(own) => check_run(own, owner),
            // Neither reaches batches: the ingest listener and the metrics token.
            Self::ServerMetrics | Self::ActiveRunMetrics => {
                Err(forbidden("this listener accepts single metrics only".to_owned()))
            }
        }
    }
}

fn metrics_only() -> Error {
    forbidden("token: may only read the metrics of this server".to_owned())
}

fn check_run(own: RunId, owner: &Owner) -> Result<()> {
    if *owner == Owner::Run(own) {
        return Ok(());
    }
    Err(forbidden(format!("token: belongs to run {own} and may only post metrics of that run")))
}

fn forbidden(detail: String) -> Error {
    Error::new(ErrorCode::Forbidden, detail)
}
