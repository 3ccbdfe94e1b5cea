//! Lines that wait for the server, in bounded memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mlbench_client::{NewLogLine, OutputStream, now};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Bytes of lines that wait at most.
const MAX_BYTES: usize = 8 << 20;
/// What a line takes besides its text.
const LINE_BYTES: usize = 64;
/// Lines of a request at most.
const BATCH_LINES: usize = 1_000;
/// Bytes of a request at most, unless one line has more.
const BATCH_BYTES: usize = 256 * 1024;

/// Lines that wait for the server.
#[derive(Debug, Default)]
pub(super) struct LineQueue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<NewLogLine>,
    bytes: usize,
    /// Lines for which there was no room.
    lost: u64,
    /// Those of them since the last line that had room.
    gap: u64,
    /// Lines that were taken and may not be stored yet.
    sending: u64,
    is_closed: bool,
}

/// What to send next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// These lines.
    Lines(Vec<NewLogLine>),
    /// A sign of life: nothing was written for a while.
    Nothing,
    /// Nothing more will come.
    End,
}

impl LineQueue {
    /// Adds a line, or counts it as lost when there is no room.
    pub(super) fn push(&self, stream: OutputStream, text: String) {
        let mut state = self.lock();
        let bytes = text.len() + LINE_BYTES;
        if state.bytes + bytes > MAX_BYTES {
            state.lost += 1;
            state.gap += 1;
            return;
        }
        let gap = std::mem::take(&mut state.gap);
        if gap > 0 {
            let text = format!("[mlbench] {gap} lines are missing here: the server was away");
            state.add(NewLogLine { rank: 0, stream: OutputStream::Stderr, date: Some(now()), text });
        }
        state.add(NewLogLine { rank: 0, stream, date: Some(now()), text });
        drop(state);
        self.changed.notify_one();
    }

    /// Says that no more lines come.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    /// Waits for lines, at most for `idle`, and takes some. Those that were taken before are stored.
    pub(super) async fn next(&self, idle: Duration) -> Next {
        self.lock().sending = 0;
        loop {
            if let Some(next) = self.lock().take() {
                return next;
            }
            if timeout(idle, self.changed.notified()).await.is_err() {
                return Next::Nothing;
            }
        }
    }

    /// Lets lines gather for a time, or until no more come.
    pub(super) async fn gather(&self, time: Duration) {
        let closed = async {
            while !self.lock().is_closed {
                self.changed.notified().await;
            }
        };
        let _ = timeout(time, closed).await;
    }

    /// Returns how many lines are not stored, with those that still wait.
    pub(super) fn lost(&self) -> u64 {
        let state = self.lock();
        state.lost + state.sending + state.lines.len() as u64
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, line: NewLogLine) {
        self.bytes += line.text.len() + LINE_BYTES;
        self.lines.push_back(line);
    }

    fn take(&mut self) -> Option<Next> {
        if self.lines.is_empty() {
            return self.is_closed.then_some(Next::End);
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_LINES && bytes < BATCH_BYTES {
            let Some(line) = self.lines.pop_front() else { break };
            bytes += line.text.len() + LINE_BYTES;
            batch.push(line);
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        self.sending = batch.len() as u64;
        Some(Next::Lines(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Duration = Duration::from_secs(3_600);

    fn texts(next: Next) -> Vec<String> {
        match next {
            Next::Lines(lines) => lines.into_iter().map(|line| line.text).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn lines_come_in_order_until_the_end() {
        let queue = LineQueue::default();
        queue.push(OutputStream::Stdout, "a".to_owned());
        queue.push(OutputStream::Stderr, "b".to_owned());
        assert_eq!(texts(queue.next(LATER).await), ["a", "b"]);
        assert_eq!(queue.next(Duration::ZERO).await, Next::Nothing);
        queue.close();
        assert_eq!((queue.next(LATER).await, queue.lost()), (Next::End, 0));
    }

    #[tokio::test]
    async fn lines_gather_until_the_end_at_most() {
        let queue = LineQueue::default();
        queue.push(OutputStream::Stdout, "a".to_owned());
        let ends = async {
            queue.push(OutputStream::Stdout, "b".to_owned());
            queue.close();
        };
        tokio::join!(queue.gather(LATER), ends);
        assert_eq!(texts(queue.next(LATER).await), ["a", "b"]);
        assert_eq!(queue.next(LATER).await, Next::End);
    }

    #[tokio::test]
    async fn what_has_no_room_is_counted_and_marked() {
        let queue = LineQueue::default();
        let line = "x".repeat(1 << 20);
        for _ in 0..9 {
            queue.push(OutputStream::Stdout, line.clone());
        }
        let (mut kept, lost) = (0, queue.lost());
        while let Next::Lines(lines) = queue.next(Duration::ZERO).await {
            kept += lines.len() as u64;
        }
        assert_eq!((kept, lost), (7, 9), "waiting lines count as lost, too");
        assert_eq!(queue.lost(), 2);
        queue.push(OutputStream::Stdout, "again".to_owned());
        let marked = ["[mlbench] 2 lines are missing here: the server was away", "again"];
        assert_eq!(texts(queue.next(LATER).await), marked);
    }
}
