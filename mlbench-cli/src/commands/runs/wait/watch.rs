//! [`Watch`]: waits for a run, for as long as the user says.

use std::time::Duration;

use mlbench_client::{Client, Error, Run, RunId, RunState, Timestamp, now};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::feed::{Feed, News};
use super::progress::Progress;
use super::view;
use crate::commands::top::elapsed;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{Live, eprint_message};

/// Timeout of the request that asks for the state once more when the user's time is over.
pub(in crate::commands::runs) const LAST_LOOK: Duration = Duration::from_secs(2);
/// Shortest time between two frames.
const FRAME: Duration = Duration::from_millis(100);
/// How often the time that is shown changes.
const TICK: Duration = Duration::from_secs(1);
/// News that wait to be shown.
const WAITING: usize = 64;

/// How long the user waits for a run.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands::runs) struct Limit {
    pub(in crate::commands::runs) begin: Instant,
    pub(in crate::commands::runs) timeout: Duration,
}

/// What is awaited, and until when.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands::runs) struct Watch<'a> {
    pub(in crate::commands::runs) client: &'a Client,
    pub(in crate::commands::runs) interrupt: &'a Interrupt,
    /// The awaited states, beside the end of the run.
    pub(in crate::commands::runs) states: &'a [RunState],
    pub(in crate::commands::runs) limit: Option<Limit>,
    /// Where the run is shown. Without it, each change of its state is a message.
    pub(in crate::commands::runs) live: Option<&'a Live>,
}

impl Watch<'_> {
    /// Waits until the run ends or is in one of the states.
    ///
    /// Shows it on a terminal, or else reports each change of its state, and survives a restart of the server.
    pub(in crate::commands::runs) async fn wait(&self, run: Run) -> Result<Run, Failure> {
        if !run.is_active() || is_reached(&run, self.states) {
            report_state(&run);
            return Ok(run);
        }
        let (id, live) = (run.id, self.live);
        if live.is_none() {
            report_state(&run);
        }
        let (sender, news) = mpsc::channel(WAITING);
        let feed = Feed { client: self.client.clone(), id, has_points: live.is_some(), news: sender };
        // The task ends with this set.
        let mut tasks = JoinSet::new();
        tasks.spawn(feed.follow());
        let shown =
            Shown { progress: Progress::new(&run), run, live, is_stale: true, next_frame: Instant::now() };
        let result = self.follow(shown, news).await;
        match (result, self.limit) {
            (Ok(Some(run)), _) => Ok(run),
            (Ok(None), limit) => {
                self.last_look(id, limit.map_or(Duration::ZERO, |limit| limit.timeout)).await
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// Returns the run when it is as awaited, or nothing when the time is over.
    async fn follow(
        &self,
        mut shown: Shown<'_>,
        mut news: mpsc::Receiver<News>,
    ) -> Result<Option<Run>, Failure> {
        let is_live = shown.live.is_some();
        let mut resized = signal(SignalKind::window_change()).map_err(Failure::Runtime)?;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = self.limit.and_then(|Limit { begin, timeout }| begin.checked_add(timeout));
        loop {
            shown.draw_if_due()?;
            tokio::select! {
                biased;
                signal = self.interrupt.asked() => {
                    return Err(Failure::Left { run: Box::new(shown.run), signal });
                }
                () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => return Ok(None),
                Some(first) = news.recv() => {
                    let waiting = std::iter::from_fn(|| news.try_recv().ok()).take(WAITING);
                    for news in std::iter::once(first).chain(waiting) {
                        shown.note(news)?;
                        if !shown.run.is_active() || is_reached(&shown.run, self.states) {
                            shown.end()?;
                            return Ok(Some(shown.run));
                        }
                    }
                }
                _ = resized.recv(), if is_live => shown.is_stale = true,
                _ = ticks.tick(), if is_live => shown.is_stale = true,
                () = sleep_until(shown.next_frame), if is_live && shown.is_stale => {}
            }
        }
    }

    /// Returns the run if it has ended by now: the last news may have been late.
    async fn last_look(&self, id: RunId, timeout: Duration) -> Result<Run, Failure> {
        let run = tokio::time::timeout(LAST_LOOK, self.client.runs().get(id)).await;
        let no_response =
            |_| Err(Error::Timeout { url: self.client.base_url().to_owned(), after: LAST_LOOK });
        let run = run.unwrap_or_else(no_response)?;
        if run.is_active() && !is_reached(&run, self.states) {
            return Err(Failure::StillActive { run: Box::new(run), seconds: timeout.as_secs_f64() });
        }
        Ok(run)
    }
}

/// The run as it is known and shown.
struct Shown<'a> {
    run: Run,
    progress: Progress,
    live: Option<&'a Live>,
    /// Whether something is not shown yet.
    is_stale: bool,
    /// When the next frame may be drawn.
    next_frame: Instant,
}

impl Shown<'_> {
    fn note(&mut self, news: News) -> Result<(), Failure> {
        let was_stale = std::mem::replace(&mut self.is_stale, true);
        match news {
            News::Run(run) => {
                let is_new = (run.state, run.queue_position) != (self.run.state, self.run.queue_position);
                if is_new && self.live.is_none() {
                    report_state(&run);
                }
                self.progress.note_run(&run);
                self.run = *run;
            }
            News::History(history) => self.progress.note_history(*history),
            News::Points(points) => self.progress.note_points(&points),
            News::Away(is_away) => {
                self.is_stale = was_stale || self.progress.is_away != is_away;
                self.progress.is_away = is_away;
            }
            News::Failed(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn draw_if_due(&mut self) -> Result<(), Failure> {
        if self.is_stale && self.next_frame <= Instant::now() {
            self.draw(now())?;
        }
        Ok(())
    }

    fn draw(&mut self, now: Timestamp) -> Result<(), Failure> {
        if let Some(live) = self.live {
            live.show(view::lines(&self.progress, now, Live::columns()))?;
        }
        (self.is_stale, self.next_frame) = (false, Instant::now() + FRAME);
        Ok(())
    }

    /// Shows the end, which stays on the terminal.
    fn end(&mut self) -> Result<(), Failure> {
        self.progress.is_away = false;
        self.draw(now())
    }
}

/// Returns whether a run is in one of the states. A run that has finished was started before.
pub(in crate::commands::runs) fn is_reached(run: &Run, states: &[RunState]) -> bool {
    let was_started = run.state == RunState::Finished && states.contains(&RunState::Started);
    states.contains(&run.state) || was_started
}

/// Reports the state of a run with its time, its position in the queue and the reason why it waits.
///
/// How a run has failed is the message at the end of the command.
pub(in crate::commands::runs) fn report_state(run: &Run) {
    if !run.is_active() && run.state != RunState::Finished {
        return;
    }
    let time = elapsed(run.finished_at.unwrap_or_else(now).since(run.created_at).as_secs_f64());
    let queue = match (run.queue_position, &run.waiting_for) {
        (Some(position), Some(reason)) => format!(", queue position {position}: {reason}"),
        _ => String::new(),
    };
    let reached = run.job_metadata.reason.as_deref().filter(|_| run.state == RunState::Finished);
    let reached = reached.map(|reason| format!(": {reason}")).unwrap_or_default();
    eprint_message(format_args!(
        "run {} ({:?}) {} after {time}{queue}{reached}",
        run.id,
        run.name.as_str(),
        run.state
    ));
}
