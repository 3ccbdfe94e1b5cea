//! The loop: keys and updates in, frames out.

use std::time::Duration;

use mlbench_client::{Client, RunSearch, now};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::feed::Feed;
use super::keys;
use super::screen::{self, Screen};
use super::state::{App, Key, Request, Update};
use super::view::{self, Memory, Theme};
use crate::failure::Failure;
use crate::harmless::hide_password;
use crate::interrupt::Interrupt;
use crate::output::{stdout_has_colour, terminal_is_dumb};

/// Shortest time between two frames.
const FRAME: Duration = Duration::from_millis(100);
/// How often times that are shown change.
const TICK: Duration = Duration::from_secs(1);
/// How long it may take until the system has suspended the process.
const SUSPENDED: Duration = Duration::from_millis(500);

/// `mlbench top`
pub(crate) async fn top(client: &Client, interrupt: &Interrupt) -> Result<(), Failure> {
    if !screen::is_there() || terminal_is_dumb() {
        return Err(Failure::NoTerminal);
    }
    // A server that has never responded, or that refuses the token, is reported at once.
    client.health().live().await?;
    client.runs().search(&RunSearch { limit: Some(1), ..RunSearch::default() }).await?;
    let theme = Theme { has_colours: stdout_has_colour() };
    let signals = Signals::new().map_err(Failure::Runtime)?;
    let (feed, updates) = Feed::start(client.clone());
    let dashboard = Dashboard {
        app: App::new(&hide_password(client.base_url()), now()),
        screen: Screen::open()?,
        feed,
        memory: Memory::default(),
        theme,
        is_stale: true,
        next_frame: Instant::now(),
    };
    dashboard.run(keys::read(), updates, signals, interrupt).await
}

/// Signals that concern the terminal.
struct Signals {
    resized: Signal,
    resumed: Signal,
    hung_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            resized: signal(SignalKind::window_change())?,
            resumed: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            hung_up: signal(SignalKind::hangup())?,
        })
    }
}

struct Dashboard {
    app: App,
    screen: Screen,
    feed: Feed,
    memory: Memory,
    theme: Theme,
    /// Whether something is not shown yet.
    is_stale: bool,
    /// When the next frame may be drawn.
    next_frame: Instant,
}

impl Dashboard {
    async fn run(
        mut self,
        mut keys: mpsc::Receiver<Key>,
        mut updates: mpsc::Receiver<Update>,
        mut signals: Signals,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.feed.follow(self.app.wanted());
            self.draw_if_due()?;
            tokio::select! {
                biased;
                _ = interrupt.asked() => return Ok(()),
                _ = signals.hung_up.recv() => {
                    return Err(Failure::interrupted(SignalKind::hangup()));
                }
                _ = signals.resumed.recv() => self.retake()?,
                _ = signals.resized.recv() => self.is_stale = true,
                key = keys.recv() => {
                    // Without keys, the terminal is gone.
                    let Some(key) = key else { return Ok(()) };
                    self.app.tick(now());
                    self.is_stale = true;
                    match self.app.press(key) {
                        None => {}
                        Some(Request::Quit) => return Ok(()),
                        Some(Request::Interrupt) => {
                            return Err(Failure::interrupted(SignalKind::interrupt()));
                        }
                        Some(Request::Redraw) => self.retake()?,
                        Some(Request::Suspend) => self.suspend(&mut signals.resumed).await?,
                        Some(Request::Stop(id)) => self.feed.stop(id),
                    }
                }
                update = updates.recv() => {
                    self.app.tick(now());
                    let most = updates.max_capacity();
                    let waiting = std::iter::from_fn(|| updates.try_recv().ok()).take(most);
                    for update in update.into_iter().chain(waiting) {
                        self.is_stale |= self.app.apply(update)?;
                    }
                }
                _ = ticks.tick(), if self.app.is_ticking() => self.is_stale = true,
                () = sleep_until(self.next_frame), if self.is_stale => {}
            }
        }
    }

    fn draw_if_due(&mut self) -> Result<(), Failure> {
        if !self.is_stale || Instant::now() < self.next_frame {
            return Ok(());
        }
        self.app.tick(now());
        let Self { app, memory, theme, .. } = self;
        self.screen.draw(|frame| view::draw(frame, app, memory, *theme))?;
        (self.is_stale, self.next_frame) = (false, Instant::now() + FRAME);
        Ok(())
    }

    fn retake(&mut self) -> Result<(), Failure> {
        self.is_stale = true;
        Ok(self.screen.retake()?)
    }

    /// Gives the terminal back, and takes it again once the process is resumed, or was not suspended at all.
    async fn suspend(&mut self, resumed: &mut Signal) -> Result<(), Failure> {
        self.screen.suspend()?;
        // Either has happened when the process goes on.
        let _ = timeout(SUSPENDED, resumed.recv()).await;
        self.retake()
    }
}
