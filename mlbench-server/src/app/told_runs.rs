//! [`RunJsonCache`]: runs that have ended, as they are told. They never change again, so a list of thousands is read and
//! written once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use mlbench_core::storage::IsCached;
use mlbench_core::{Error, Result, RunId, api};

/// The most bytes of text that are kept: some 15,000 runs. When that is full, further runs are read anew for each list.
const ROOM: usize = 8 << 20;

/// Ended runs in their wire form, without their output.
#[derive(Debug, Clone)]
pub struct RunJsonCache {
    kept: Arc<Mutex<Kept>>,
    room: usize,
}

#[derive(Debug, Default)]
struct Kept {
    texts: HashMap<RunId, Bytes>,
    bytes: usize,
}

impl Default for RunJsonCache {
    fn default() -> Self {
        Self { kept: Arc::default(), room: ROOM }
    }
}

impl RunJsonCache {
    /// Which runs need not be read.
    #[must_use]
    pub fn known(&self) -> IsCached {
        let kept = Arc::clone(&self.kept);
        Arc::new(move |id| lock(&kept).texts.contains_key(&id))
    }

    /// The text of a run, if it is kept.
    #[must_use]
    pub fn get(&self, id: RunId) -> Option<Bytes> {
        lock(&self.kept).texts.get(&id).cloned()
    }

    /// The text of a run, which is kept when it has ended and there is room.
    ///
    /// # Errors
    /// None in practice: a run can be written.
    pub fn tell(&self, run: &api::Run) -> Result<Bytes> {
        let text = Bytes::from(serde_json::to_vec(run).map_err(Error::internal)?);
        if !run.state.is_active() {
            let mut kept = lock(&self.kept);
            if kept.bytes + text.len() <= self.room && kept.texts.insert(run.id, text.clone()).is_none() {
                kept.bytes += text.len();
            }
        }
        Ok(text)
    }

    /// Makes room: the run was removed.
    pub fn forget(&self, id: RunId) {
        let mut kept = lock(&self.kept);
        let bytes = kept.texts.remove(&id).map_or(0, |text| text.len());
        kept.bytes -= bytes;
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
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
            queue_position: None,
            waiting_for: None,
        }
    }

    #[test]
    fn runs_that_have_ended_are_kept_as_long_as_there_is_room() {
        let length = serde_json::to_vec(&run(1, RunState::Finished)).unwrap().len();
        let told = RunJsonCache { kept: Arc::default(), room: 2 * length };
        let known = |number| told.known()(RunId::new(number).unwrap());
        told.tell(&run(1, RunState::Started)).unwrap();
        assert!(!known(1), "it may change");
        let text = told.tell(&run(1, RunState::Finished)).unwrap();
        told.tell(&run(1, RunState::Finished)).unwrap();
        told.tell(&run(2, RunState::Finished)).unwrap();
        told.tell(&run(3, RunState::Finished)).unwrap();
        assert_eq!([1, 2, 3].map(known), [true, true, false]);
        assert_eq!(told.get(RunId::new(1).unwrap()), Some(text));
        told.forget(RunId::new(1).unwrap());
        told.forget(RunId::new(1).unwrap());
        told.tell(&run(3, RunState::Finished)).unwrap();
        assert_eq!([1, 2, 3].map(known), [false, true, true]);
    }
}
