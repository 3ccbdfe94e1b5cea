//! Requests to end a run that the store has not taken yet.
//!
//! Another program holds its lock, or its disk is full. The supervisor of the run signals its ranks all the same, and the
//! driver stores the request when that is possible. The requests are in memory only, and their responses say so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mlbench_core::storage::Storage;
use mlbench_core::{ErrorCode, Result, RunId, Timestamp};

/// What was requested, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndRequest {
    /// Stop the run.
    Stop(Timestamp),
    /// Delete the run.
    Delete(Timestamp),
}

impl EndRequest {
    /// Stores the request.
    ///
    /// # Errors
    /// Those of [`Storage::request_stop`] and [`Storage::delete_run`].
    pub async fn store(self, storage: &dyn Storage, id: RunId) -> Result<()> {
        match self {
            Self::Stop(date) => storage.request_stop(id, date).await.map(drop),
            Self::Delete(_) => storage.delete_run(id).await,
        }
    }

    const fn date(self) -> Timestamp {
        match self {
            Self::Stop(date) | Self::Delete(date) => date,
        }
    }
}

/// The requests that are not stored, at most one per run.
#[derive(Debug, Clone, Default)]
pub struct EndRequests(Arc<Mutex<BTreeMap<RunId, EndRequest>>>);

impl EndRequests {
    /// Notes a request. One to delete replaces one to stop.
    pub fn note(&self, id: RunId, request: EndRequest) {
        let mut requests = self.requests();
        let noted = requests.entry(id).or_insert(request);
        if matches!((&noted, request), (EndRequest::Stop(_), EndRequest::Delete(_))) {
            *noted = request;
        }
    }

    /// Forgets the request for a run once `stored` is. A stored stop fulfils no deletion.
    pub fn forget(&self, id: RunId, stored: EndRequest) {
        let mut requests = self.requests();
        let is_open =
            matches!((requests.get(&id), stored), (Some(EndRequest::Delete(_)), EndRequest::Stop(_)));
        if !is_open {
            requests.remove(&id);
        }
    }

    /// Returns when the end of a run was requested.
    #[must_use]
    pub fn date(&self, id: RunId) -> Option<Timestamp> {
        self.requests().get(&id).map(|request| request.date())
    }

    /// Stores what is noted, and keeps what cannot be stored yet. Returns whether anything was stored.
    pub async fn store_all(&self, storage: &dyn Storage) -> bool {
        let noted = self.requests().clone();
        let mut any = false;
        for (id, request) in noted {
            match request.store(storage, id).await {
                Err(error) if is_unwritable(error.code()) => return any,
                Err(error) => tracing::debug!(run = %id, %error, "a request to end a run is void"),
                Ok(()) => any = true,
            }
            self.forget(id, request);
        }
        any
    }

    fn requests(&self) -> MutexGuard<'_, BTreeMap<RunId, EndRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether a write may succeed later.
#[must_use]
pub const fn is_unwritable(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Overloaded | ErrorCode::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_to_delete_replaces_one_to_stop_and_not_the_reverse() {
        let (requests, id) = (EndRequests::default(), RunId::new(1).unwrap());
        let [first, second] = [1, 2].map(Timestamp::from_micros);
        requests.note(id, EndRequest::Stop(first));
        requests.note(id, EndRequest::Stop(second));
        assert_eq!(requests.date(id), Some(first));
        requests.note(id, EndRequest::Delete(second));
        requests.note(id, EndRequest::Stop(first));
        assert_eq!(requests.date(id), Some(second));
        requests.forget(id, EndRequest::Stop(first));
        assert_eq!(requests.date(id), Some(second), "a stop does not fulfil a deletion");
        requests.forget(id, EndRequest::Delete(first));
        assert_eq!(requests.date(id), None);
    }
}
