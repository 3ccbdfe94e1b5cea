//! Memory budget shared by all uploads, taken as their bytes arrive.
//!
//! An upload that needs memory while none is free waits a little. Uploads that keep memory and hardly send anything are
//! shed for it, the slowest first: their clients are asked to try again. Uploads that all wait for each other are shed
//! too, the youngest first, so that the others complete.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mlbench_core::{Error, ErrorCode, Result};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::pace::Pace;

/// Longest wait of an upload for memory.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Time between two looks for an upload that has become slow.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// The memory that uploads may take.
#[derive(Debug)]
pub(super) struct MemoryBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    uploads: Mutex<Uploads>,
    /// Notified when memory was released.
    released: Notify,
}

/// The uploads that hold memory, from the oldest to the youngest.
#[derive(Debug, Default)]
struct Uploads {
    held: usize,
    next_id: u64,
    by_id: BTreeMap<u64, Upload>,
}

#[derive(Debug)]
struct Upload {
    held: usize,
    phase: Phase,
    pace: Pace,
    shed: bool,
    /// Notified when the upload is shed.
    wake: Arc<Notify>,
}

/// What an upload does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It waits for its client.
    Receiving,
    /// It waits for memory.
    Waiting,
    /// It is parsed or stored.
    Working,
}

/// The result of one attempt to get memory.
#[derive(Debug, PartialEq, Eq)]
enum Attempt {
    Granted,
    Wait,
    Refused,
}

impl MemoryBudget {
    pub(super) fn new(bytes: usize) -> Self {
        let (uploads, released) = (Mutex::default(), Notify::new());
        Self(Arc::new(Shared { limit: bytes, uploads, released }))
    }

    /// Returns a reservation of nothing.
    pub(super) fn reservation(&self) -> Reservation {
        Reservation { shared: Arc::clone(&self.0), entry: None }
    }
}

/// The part of the budget that one request has, until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Reservation {
    shared: Arc<Shared>,
    /// `None` until it has held something.
    entry: Option<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    id: u64,
    wake: Arc<Notify>,
}

impl Reservation {
    /// Changes the reservation to `bytes` in all. Waits shortly for memory that is not free.
    ///
    /// # Errors
    /// [`ErrorCode::Overloaded`].
    pub(super) async fn resize(&mut self, bytes: usize) -> Result<()> {
        if bytes == 0 && self.entry.is_none() {
            return Ok(());
        }
        let shared = &self.shared;
        let Entry { id, wake } =
            self.entry.get_or_insert_with(|| shared.uploads().register(bytes, Instant::now()));
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let released = shared.released.notified();
            match shared.attempt(*id, bytes, Instant::now()) {
                Attempt::Granted => return Ok(()),
                Attempt::Wait if Instant::now() < deadline => {}
                Attempt::Wait | Attempt::Refused => return Err(overloaded()),
            }
            tokio::select! {
                () = released => {}
                () = wake.notified() => {}
                // The client of another upload may have become slow.
                () = sleep_until(deadline.min(Instant::now() + RETRY_INTERVAL)) => {}
            }
        }
    }

    /// Like [`resize`](Self::resize), on a thread for blocking work.
    pub(super) fn resize_blocking(&mut self, bytes: usize) -> Result<()> {
        tokio::runtime::Handle::current().block_on(self.resize(bytes))
    }

    /// Waits for the next piece of the body. Its upload may be shed meanwhile.
    ///
    /// # Errors
    /// Those of `piece`, and [`ErrorCode::Overloaded`].
    pub(super) async fn receive(
        &self,
        piece: impl Future<Output = Result<Option<Bytes>>>,
    ) -> Result<Option<Bytes>> {
        let Some(Entry { id, wake }) = &self.entry else { return piece.await };
        self.shared.uploads().receive(*id, Instant::now());
        let received = tokio::select! {
            biased;
            received = piece => received?,
            () = wake.notified() => return Err(shed()),
        };
        let bytes = received.as_ref().map_or(0, Bytes::len);
        self.shared.uploads().received(*id, bytes, Instant::now());
        Ok(received)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(Entry { id, .. }) = &self.entry {
            let mut uploads = self.shared.uploads();
            let released = uploads.by_id.remove(id).map_or(0, |upload| upload.held);
            uploads.held -= released;
            drop(uploads);
            self.shared.released.notify_waiters();
        }
    }
}

impl Shared {
    fn uploads(&self) -> MutexGuard<'_, Uploads> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempt(&self, id: u64, bytes: usize, now: Instant) -> Attempt {
        let mut uploads = self.uploads();
        let held = uploads.by_id.get(&id).map_or(0, |upload| upload.held);
        let attempt = uploads.attempt(id, bytes, self.limit, now);
        drop(uploads);
        if bytes < held {
            self.released.notify_waiters();
        }
        attempt
    }
}

impl Uploads {
    /// Adds an upload that has just received its first bytes.
    fn register(&mut self, bytes: usize, now: Instant) -> Entry {
        self.next_id += 1;
        let (mut pace, wake) = (Pace::default(), Arc::new(Notify::new()));
        pace.end(bytes, now);
        let entry = Entry { id: self.next_id, wake: Arc::clone(&wake) };
        self.by_id.insert(self.next_id, Upload { held: 0, phase: Phase::Working, pace, shed: false, wake });
        entry
    }

    fn receive(&mut self, id: u64, now: Instant) {
        if let Some(upload) = self.by_id.get_mut(&id) {
            upload.phase = Phase::Receiving;
            upload.pace.begin(now);
        }
    }

    fn received(&mut self, id: u64, bytes: usize, now: Instant) {
        if let Some(upload) = self.by_id.get_mut(&id) {
            upload.phase = Phase::Working;
            upload.pace.end(bytes, now);
        }
    }

    /// Takes memory that is free. Otherwise sheds other uploads for it, if that helps.
    fn attempt(&mut self, id: u64, bytes: usize, limit: usize, now: Instant) -> Attempt {
        let free = limit.saturating_sub(self.held);
        let Some(upload) = self.by_id.get_mut(&id) else { return Attempt::Refused };
        let missing = bytes.saturating_sub(upload.held + free);
        if missing == 0 && !upload.shed {
            self.held = self.held - upload.held + bytes;
            (upload.held, upload.phase) = (bytes, Phase::Working);
            return Attempt::Granted;
        }
        if upload.shed || bytes > limit {
            upload.phase = Phase::Working;
            return Attempt::Refused;
        }
        upload.phase = Phase::Waiting;
        let own_seconds = upload.pace.seconds_for(bytes, now);
        if self.shed_slow(missing, own_seconds, now) || self.others_go_on(id) {
            return Attempt::Wait;
        }
        self.shed_youngest_waiting(id)
    }

    /// Sheds the slowest uploads until `missing` bytes will be free. Returns whether that many will be.
    fn shed_slow(&mut self, missing: usize, own_seconds: f64, now: Instant) -> bool {
        let mut promised: usize =
            self.by_id.values().filter(|other| other.shed).map(|other| other.held).sum();
        let slow = self.by_id.values_mut().filter(|other| {
            other.phase == Phase::Receiving
                && !other.shed
                && other.held > 0
                && other.pace.is_slow(other.held, own_seconds, now)
        });
        let mut slow: Vec<(f64, &mut Upload)> =
            slow.map(|other| (other.pace.seconds_for(other.held, now), other)).collect();
        slow.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        for (_, other) in slow {
            if promised >= missing {
                break;
            }
            other.shed = true;
            other.wake.notify_one();
            promised += other.held;
        }
        promised >= missing
    }

    /// Returns whether another upload may release memory without getting more.
    fn others_go_on(&self, id: u64) -> bool {
        let mut others = self.by_id.iter().filter(|(other, upload)| **other != id && upload.held > 0);
        others.any(|(_, upload)| upload.phase != Phase::Waiting)
    }

    /// Sheds the youngest of the uploads that all wait for each other.
    fn shed_youngest_waiting(&mut self, id: u64) -> Attempt {
        let holding = self.by_id.iter_mut().filter(|(other, upload)| upload.held > 0 || **other == id);
        match holding.max_by_key(|(other, _)| **other) {
            Some((youngest, upload)) if *youngest != id => {
                upload.shed = true;
                upload.wake.notify_one();
                Attempt::Wait
            }
            _ => {
                if let Some(own) = self.by_id.get_mut(&id) {
                    own.phase = Phase::Working;
                }
                Attempt::Refused
            }
        }
    }
}

fn overloaded() -> Error {
    Error::new(ErrorCode::Overloaded, "the server is reading more batches than it has memory for; try again")
        .with_retry_after(Duration::from_secs(1))
}

fn shed() -> Error {
    let detail =
        "body: arrives too slowly for a server without free memory; send smaller batches or try again";
    Error::new(ErrorCode::Overloaded, detail).with_retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::{advance, timeout};

    use super::*;

    const KIB: usize = 1 << 10;

    /// An upload that has received `bytes` at once.
    async fn burst(budget: &MemoryBudget, bytes: usize) -> Reservation {
        let mut upload = budget.reservation();
        upload.resize(1).await.unwrap();
        let piece = Bytes::from(vec![0; bytes]);
        upload.receive(ready(Ok(Some(piece)))).await.unwrap();
        upload.resize(bytes).await.unwrap();
        upload
    }

    #[tokio::test(start_paused = true)]
    async fn released_memory_can_be_reserved_again() {
        let budget = MemoryBudget::new(10 * KIB);
        let mut first = burst(&budget, 8 * KIB).await;
        let mut second = burst(&budget, 2 * KIB).await;
        // The first is being stored, and may take its time.
        assert_eq!(second.resize(2 * KIB + 1).await.unwrap_err().code(), ErrorCode::Overloaded);
        first.resize(0).await.unwrap();
        second.resize(10 * KIB).await.unwrap();
        drop((first, second));
        burst(&budget, 10 * KIB).await;
        assert_eq!(
            budget.reservation().resize(10 * KIB + 1).await.unwrap_err().code(),
            ErrorCode::Overloaded
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_stalls_is_shed_for_one_that_goes_on() {
        let budget = MemoryBudget::new(10 * KIB);
        let idle = burst(&budget, 6 * KIB).await;
        let busy = burst(&budget, 4 * KIB).await;
        let stalled = async {
            let error = idle.receive(pending()).await.unwrap_err();
            drop(idle);
            error
        };
        let began = Instant::now();
        let (shed, _upload) = tokio::join!(stalled, burst(&budget, 5 * KIB));
        assert_eq!((shed.code(), shed.retry_after()), (ErrorCode::Overloaded, Some(Duration::from_secs(1))));
        assert!(began.elapsed() < Duration::from_secs(2));
        drop(busy);
    }

    #[tokio::test(start_paused = true)]
    async fn the_slowest_is_shed_first_and_no_more_than_needed() {
        let budget = MemoryBudget::new(10 * KIB);
        let slow = burst(&budget, 5 * KIB).await;
        let mut slower = budget.reservation();
        slower.resize(1).await.unwrap();
        slower.resize(5 * KIB).await.unwrap();
        let waits = async |upload: Reservation| {
            let shed = timeout(Duration::from_secs(60), upload.receive(pending())).await;
            drop(upload);
            shed.is_ok()
        };
        let newcomer = async {
            advance(Duration::from_secs(2)).await;
            burst(&budget, 5 * KIB).await;
        };
        let (slow_was_shed, slower_was_shed, ()) = tokio::join!(waits(slow), waits(slower), newcomer);
        assert!(slower_was_shed && !slow_was_shed);
    }

    #[tokio::test(start_paused = true)]
    async fn equally_fast_uploads_wait_and_the_youngest_gives_way() {
        let budget = MemoryBudget::new(10 * KIB);
        let mut uploads = [burst(&budget, 5 * KIB).await, burst(&budget, 5 * KIB).await];
        let [first, second] = &mut uploads;
        let young = async {
            let refused = second.resize(8 * KIB).await.unwrap_err().code();
            second.resize(0).await.ok();
            refused
        };
        let (old, young) = tokio::join!(first.resize(8 * KIB), young);
        assert!(old.is_ok(), "{old:?}");
        assert_eq!(young, ErrorCode::Overloaded);
    }
}
