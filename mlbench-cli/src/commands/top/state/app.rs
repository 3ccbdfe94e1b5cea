//! [`App`]: the whole state of the dashboard, and what keys change.

use std::time::Duration;

use mlbench_client::{RunId, RunState, Timestamp};

use super::focus::Focus;
use super::key::Key;
use super::runs::Runs;
use super::workers::Workers;

/// How long the outcome of a request is shown.
const NOTICE: Duration = Duration::from_secs(6);
/// Lines of a page, for the keys that turn pages.
const PAGE: isize = 10;
/// Columns that the output moves to the side.
const SIDE: usize = 16;
/// Most characters of a filter.
const MAX_FILTER: usize = 100;

/// What fills the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    /// Workers and runs.
    Overview,
    /// One run: charts, parameters, last lines.
    Run,
    /// The output of one run. `from_run` if its page was open before.
    Logs { from_run: bool },
    /// All workers.
    Workers,
}

/// What the loop is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    Quit,
    Interrupt,
    Suspend,
    Redraw,
    Stop(RunId),
}

/// What the server is to be asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The run in view.
    pub(crate) focus: Option<RunId>,
    /// Active runs whose values the list shows.
    pub(crate) active: Vec<RunId>,
    /// Runs around the selected one, whose goals the list shows.
    pub(crate) listed: Vec<RunId>,
}

/// A sentence that is shown for a while.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) is_problem: bool,
    until: Timestamp,
}

/// The state of the dashboard.
#[derive(Debug)]
pub(crate) struct App {
    /// URL of the server.
    pub(crate) server: String,
    pub(crate) now: Timestamp,
    pub(crate) runs: Runs,
    pub(crate) workers: Workers,
    pub(crate) focus: Option<Focus>,
    pub(crate) screen: Screen,
    /// Whether the list of runs has been read.
    pub(crate) is_read: bool,
    /// When the server was heard last, if it is away.
    pub(crate) away_since: Option<Timestamp>,
    pub(super) heard: Timestamp,
    pub(crate) shows_help: bool,
    /// Whether the keys are for the filter.
    pub(crate) edits_filter: bool,
    /// The run that the user is asked about.
    pub(crate) question: Option<RunId>,
    pub(super) notice: Option<Notice>,
    /// How far the list of workers is scrolled.
    pub(crate) first_worker: usize,
}

impl App {
    /// Most active runs that are followed at once.
    pub(crate) const MAX_ACTIVE: usize = 16;

    /// Most runs whose goals are read at once: more than a terminal has lines.
    const MAX_LISTED: usize = 100;

    /// Creates the state before anything is known of the server.
    pub(crate) fn new(server: &str, now: Timestamp) -> Self {
        Self {
            server: server.to_owned(),
            now,
            runs: Runs::default(),
            workers: Workers::default(),
            focus: None,
            screen: Screen::Overview,
            is_read: false,
            away_since: None,
            heard: now,
            shows_help: false,
            edits_filter: false,
            question: None,
            notice: None,
            first_worker: 0,
        }
    }

    /// Returns what the server is to be asked about.
    pub(crate) fn wanted(&self) -> Wanted {
        let started = |state| state == RunState::Started || state == RunState::Unknown;
        let active = self.runs.all().rev().filter(|entry| entry.is_active && started(entry.state));
        let first = self.runs.selected_index().saturating_sub(Self::MAX_LISTED / 2);
        let listed = self.runs.shown().skip(first).take(Self::MAX_LISTED);
        Wanted {
            listed: listed.map(|entry| entry.id).collect(),
            focus: self.focus.as_ref().map(|focus| focus.id),
            active: active.take(Self::MAX_ACTIVE).map(|entry| entry.id).collect(),
        }
    }

    /// Returns whether what is shown changes with time alone.
    pub(crate) fn is_ticking(&self) -> bool {
        self.away_since.is_some() || self.notice.is_some() || self.runs.all().any(|entry| entry.is_active)
    }

    /// Returns the sentence to show, if there is one.
    pub(crate) fn notice(&self) -> Option<&Notice> {
        self.notice.as_ref()
    }

    /// Notes the time.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        self.now = now;
        if self.notice.as_ref().is_some_and(|notice| notice.until <= now) {
            self.notice = None;
        }
    }

    /// Applies a key. Returns what the loop is to do.
    pub(crate) fn press(&mut self, key: Key) -> Option<Request> {
        match key {
            Key::Interrupt => return Some(Request::Interrupt),
            Key::Suspend => return Some(Request::Suspend),
            Key::Redraw => return Some(Request::Redraw),
            _ => {}
        }
        if let Some(id) = self.question.take() {
            return matches!(key, Key::Char('y' | 'Y')).then_some(Request::Stop(id));
        }
        if std::mem::take(&mut self.shows_help) {
            return None;
        }
        let request = if self.edits_filter { self.edit_filter(key) } else { self.press_on_screen(key) };
        self.refocus();
        request
    }

    fn press_on_screen(&mut self, key: Key) -> Option<Request> {
        match key {
            Key::Char('q') | Key::Escape => return self.leave(key),
            Key::Char('?') => self.shows_help = true,
            Key::Char('s') => self.ask_to_stop(),
            Key::Char('/') => {
                self.close();
                self.edits_filter = true;
            }
            Key::Char('w') if self.screen == Screen::Workers => self.screen = Screen::Overview,
            Key::Char('w') => {
                self.close();
                self.screen = Screen::Workers;
            }
            Key::Char('l') if !matches!(self.screen, Screen::Logs { .. } | Screen::Workers) => {
                self.open(Screen::Logs { from_run: self.screen == Screen::Run });
            }
            Key::Enter if self.screen == Screen::Overview => self.open(Screen::Run),
            _ => self.move_on_screen(key),
        }
        None
    }

    fn move_on_screen(&mut self, key: Key) {
        let by = match key {
            Key::Up | Key::Char('k') => -1,
            Key::Down | Key::Char('j') => 1,
            Key::PageUp => -PAGE,
            Key::PageDown | Key::Char(' ') => PAGE,
            Key::Home | Key::Char('g') => isize::MIN / 2,
            Key::End | Key::Char('G') => isize::MAX / 2,
            Key::Left | Key::Right => return self.move_aside(key == Key::Right),
            _ => return,
        };
        match self.screen {
            Screen::Overview | Screen::Run => self.runs.move_by(by),
            Screen::Workers => {
                let last = self.workers.len().saturating_sub(1);
                self.first_worker = self.first_worker.saturating_add_signed(by).min(last);
            }
            Screen::Logs { .. } => {
                if let Some(focus) = &mut self.focus {
                    focus.scroll_by(-by);
                }
            }
        }
    }

    fn move_aside(&mut self, right: bool) {
        let (screen, Some(focus)) = (self.screen, &mut self.focus) else { return };
        match screen {
            Screen::Logs { .. } if right => focus.column = (focus.column + SIDE).min(Focus::MAX_LINES),
            Screen::Logs { .. } => focus.column = focus.column.saturating_sub(SIDE),
            Screen::Run => focus.page = focus.page.wrapping_add(if right { 1 } else { -1 }),
            Screen::Overview | Screen::Workers => {}
        }
    }

    /// Goes back one screen. On the overview, removes the filter or ends the dashboard.
    fn leave(&mut self, key: Key) -> Option<Request> {
        self.screen = match self.screen {
            Screen::Overview if key == Key::Escape && !self.runs.filter().is_empty() => {
                self.runs.set_filter(String::new());
                Screen::Overview
            }
            Screen::Overview => return Some(Request::Quit),
            Screen::Logs { from_run: true } => Screen::Run,
            Screen::Workers => Screen::Overview,
            Screen::Logs { from_run: false } | Screen::Run => {
                self.close();
                Screen::Overview
            }
        };
        None
    }

    fn open(&mut self, screen: Screen) {
        if self.focus.is_some() {
            self.screen = screen;
            self.runs.set_open(true);
        }
    }

    fn edit_filter(&mut self, key: Key) -> Option<Request> {
        let mut filter = self.runs.filter().to_owned();
        match key {
            Key::Enter => self.edits_filter = false,
            Key::Escape => (self.edits_filter, filter) = (false, String::new()),
            Key::Backspace => {
                filter.pop();
            }
            Key::Erase => filter.clear(),
            Key::Char(c) if filter.chars().count() < MAX_FILTER => filter.push(c),
            _ => self.move_on_screen_while_editing(key),
        }
        if filter != self.runs.filter() {
            self.runs.set_filter(filter);
        }
        None
    }

    fn move_on_screen_while_editing(&mut self, key: Key) {
        if !matches!(key, Key::Char(_)) {
            self.move_on_screen(key);
        }
    }

    fn ask_to_stop(&mut self) {
        let Some(entry) = self.focus.as_ref().and_then(|focus| self.runs.get(focus.id)) else { return };
        if entry.is_active {
            self.question = Some(entry.id);
        } else {
            let text = format!("run {} ({:?}) has ended already: {}", entry.id, entry.name, entry.state);
            self.note(text, true);
        }
    }

    /// Shows a sentence for a while.
    pub(super) fn note(&mut self, text: String, is_problem: bool) {
        self.notice = Some(Notice { text, is_problem, until: self.now.saturating_add(NOTICE) });
    }

    /// Puts the selected run in view. Closes a run that was deleted.
    pub(super) fn refocus(&mut self) {
        let viewed = self.focus.as_ref().map(|focus| focus.id);
        if let Some(id) = viewed.filter(|id| self.is_open() && self.runs.get(*id).is_none()) {
            self.close();
            self.note(format!("run {id} was deleted"), true);
        }
        match self.runs.selected() {
            Some(entry) if Some(entry.id) == viewed => {}
            Some(entry) => self.focus = Some(Focus::new(entry.id, entry.created_at)),
            None => self.focus = None,
        }
    }

    /// Returns whether one run fills the terminal.
    fn is_open(&self) -> bool {
        matches!(self.screen, Screen::Run | Screen::Logs { .. })
    }

    /// Returns to the overview.
    fn close(&mut self) {
        self.screen = Screen::Overview;
        self.runs.set_open(false);
    }
}
