//! Caches the JSON of finished runs.
//!
//! Only the tags and parameters of a finished run change, and rarely, so listing thousands serializes each one once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use mlbench_core::storage::IsCached;
use mlbench_core::{Error, Result, RunId, api};

/// Capacity in bytes of JSON: about 15,000 runs. Beyond it, runs are read and serialized for each list.
const MAX_BYTES: usize = 8 << 20;

/// JSON of finished runs, without their output. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RunJsonCache {
    cached: Arc<Mutex<Cached>>,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Cached {
    texts: HashMap<RunId, Bytes>,
    bytes: usize,
    /// How many times a run was removed.
    removals: u64,
}

impl Default for RunJsonCache {
    fn default() -> Self {
        Self { cached: Arc::default(), max_bytes: MAX_BYTES }
    }
}

impl RunJsonCache {
    /// Returns a function that says whether a run is cached.
    #[must_use]
    pub fn is_cached(&self) -> IsCached {
        let cached = Arc::clone(&self.cached);
        Arc::new(move |id| lock(&cached).texts.contains_key(&id))
    }

    /// Returns the JSON of a run, if it is cached.
    #[must_use]
    pub fn get(&self, id: RunId) -> Option<Bytes> {
        lock(&self.cached).texts.get(&id).cloned()
    }

    /// Returns the present version of all runs, to be called before they are read.
    #[must_use]
    pub fn version(&self) -> u64 {
        lock(&self.cached).removals
    }

    /// Serializes a run that was read at `version`, and caches a finished one.
    ///
    /// Caches nothing beyond the capacity. A run that changed since it was read must not be cached as it was.
    ///
    /// # Errors
    /// None in practice: a run can be serialized.
    pub fn render(&self, run: &api::Run, version: u64) -> Result<Bytes> {
        let text = Bytes::from(serde_json::to_vec(run).map_err(Error::internal)?);
        if !run.state.is_active() {
            let mut cached = lock(&self.cached);
            if cached.removals == version
                && cached.bytes + text.len() <= self.max_bytes
                && cached.texts.insert(run.id, text.clone()).is_none()
            {
                cached.bytes += text.len();
            }
        }
        Ok(text)
    }

    /// Removes a run that was deleted or changed.
    pub fn remove(&self, id: RunId) {
        let mut cached = lock(&self.cached);
        cached.removals += 1;
        let bytes = cached.texts.remove(&id).map_or(0, |text| text.len());
        cached.bytes -= bytes;
    }
}

fn lock(cached: &Mutex<Cached>) -> MutexGuard<'_, Cached> {
    cached.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlbench_core::{RunName, RunState, Timestamp};
    use uuid::Uuid;

    fn run(number: i64, state: RunState) -> api::Run {
        api::Run {
            id: RunId::new(number).unwrap(),
            name: RunName::new("a").unwrap(),
            created_at: Timestamp::EPOCH,
            finished_at: None,
            state,
            job_id: Uuid::nil(),
            job_metadata: api::JobMetadata::default(),
            num_workers: 1,
            num_cpus: None,
            max_bandwidth: None,
            image: None,
            backend: None,
            run_all_nodes: true,
            gpu_enabled: false,
            light_target: false,
            use_horovod: false,
            environment: mlbench_core::Environment::default(),
            needs: mlbench_core::needs::RunNeeds::default(),
            external: false,
            imported_from: None,
            params: mlbench_core::Params::default(),
            tags: mlbench_core::Tags::default(),
            queue_position: None,
            waiting_for: None,
            token: None,
        }
    }

    #[test]
    fn finished_runs_are_cached_up_to_the_capacity() {
        let length = serde_json::to_vec(&run(1, RunState::Finished)).unwrap().len();
        let cache = RunJsonCache { cached: Arc::default(), max_bytes: 2 * length };
        let known = |number| cache.is_cached()(RunId::new(number).unwrap());
        cache.render(&run(1, RunState::Started), cache.version()).unwrap();
        assert!(!known(1), "it may change");
        let text = cache.render(&run(1, RunState::Finished), cache.version()).unwrap();
        cache.render(&run(1, RunState::Finished), cache.version()).unwrap();
        cache.render(&run(2, RunState::Finished), cache.version()).unwrap();
        cache.render(&run(3, RunState::Finished), cache.version()).unwrap();
        assert_eq!([1, 2, 3].map(known), [true, true, false]);
        assert_eq!(cache.get(RunId::new(1).unwrap()), Some(text));
        cache.remove(RunId::new(1).unwrap());
        cache.remove(RunId::new(1).unwrap());
        cache.render(&run(3, RunState::Finished), cache.version()).unwrap();
        assert_eq!([1, 2, 3].map(known), [false, true, true]);
    }

    #[test]
    fn a_run_that_changed_since_it_was_read_is_not_cached() {
        let cache = RunJsonCache::default();
        let (read_at, id) = (cache.version(), RunId::new(1).unwrap());
        cache.remove(id);
        cache.render(&run(1, RunState::Finished), read_at).unwrap();
        assert_eq!(cache.get(id), None);
        cache.render(&run(1, RunState::Finished), cache.version()).unwrap();
        assert!(cache.get(id).is_some());
    }
}
