//! The list of runs and the selected one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use mlbench_client::{Run, RunId, RunValues};

use super::entry::Entry;

/// The runs that are known, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    by_id: BTreeMap<RunId, Entry>,
    /// The words that the shown runs have.
    filter: String,
    /// The shown runs in the order of the list.
    shown: Vec<RunId>,
    selected: Option<RunId>,
    /// Whether the user has chosen the selected run. Otherwise it is the first one.
    is_chosen: bool,
    /// Whether the selected run is open, so that it stays selected whatever the filter says.
    is_open: bool,
}

impl Runs {
    /// Most runs that are kept. The oldest ones that have ended are forgotten.
    pub(crate) const MAX: usize = 1_000;

    /// Replaces all runs. Those that stay keep their values, unless the new ones have some.
    pub(crate) fn replace(&mut self, runs: &[Run], values: &[RunValues]) {
        let mut before = std::mem::take(&mut self.by_id);
        for run in runs {
            let entry = Entry::of(run);
            let entry = match before.remove(&run.id) {
                Some(before) => entry.with_values_of(before),
                None => entry,
            };
            self.by_id.insert(run.id, entry);
        }
        for values in values {
            if let Some(entry) = self.by_id.get_mut(&values.run_id) {
                entry.note_values(values);
            }
        }
        self.arrange();
    }

    /// Applies changes.
    pub(crate) fn update(&mut self, changed: &[Run], deleted: &[RunId]) {
        for run in changed {
            let entry = Entry::of(run);
            let entry = match self.by_id.remove(&run.id) {
                Some(before) => entry.with_values_of(before),
                None => entry,
            };
            self.by_id.insert(run.id, entry);
        }
        for id in deleted {
            self.by_id.remove(id);
        }
        self.arrange();
    }

    /// Returns a run.
    pub(crate) fn get(&self, id: RunId) -> Option<&Entry> {
        self.by_id.get(&id)
    }

    /// Returns a run to note values in.
    pub(crate) fn get_mut(&mut self, id: RunId) -> Option<&mut Entry> {
        self.by_id.get_mut(&id)
    }

    /// Returns all runs by id.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.by_id.values()
    }

    /// Returns the number of runs.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Returns the shown runs: active ones first, then the newest.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &Entry> {
        self.shown.iter().filter_map(|id| self.by_id.get(id))
    }

    /// Returns the selected run.
    pub(crate) fn selected(&self) -> Option<&Entry> {
        self.by_id.get(&self.selected?)
    }

    /// Returns the place of the selected run in the list.
    pub(crate) fn selected_index(&self) -> usize {
        self.shown.iter().position(|id| Some(*id) == self.selected).unwrap_or_default()
    }

    /// Selects the run that is `by` places further down, or the first or last one.
    pub(crate) fn move_by(&mut self, by: isize) {
        let last = self.shown.len().saturating_sub(1);
        let index = self.selected_index().saturating_add_signed(by).min(last);
        self.selected = self.shown.get(index).copied();
        // At the top, runs that start are selected as they come.
        self.is_chosen = index > 0;
    }

    /// Notes that the selected run is open, or no longer.
    pub(crate) fn set_open(&mut self, is_open: bool) {
        self.is_open = is_open;
        self.is_chosen |= is_open;
        self.arrange();
    }

    /// Returns the words that the shown runs have.
    pub(crate) fn filter(&self) -> &str {
        &self.filter
    }

    /// Shows only runs with these words.
    pub(crate) fn set_filter(&mut self, words: String) {
        self.filter = words;
        self.arrange();
    }

    /// Forgets runs beyond the bound, orders the list and keeps a run selected.
    fn arrange(&mut self) {
        let excess = self.by_id.len().saturating_sub(Self::MAX);
        let ended = self.by_id.values().filter(|entry| !entry.is_active).map(|entry| entry.id);
        let mut forgotten: Vec<RunId> = ended.take(excess).collect();
        let left = excess - forgotten.len();
        forgotten
            .extend(self.by_id.values().filter(|entry| entry.is_active).map(|entry| entry.id).take(left));
        self.by_id.retain(|id, _| !forgotten.contains(id));
        let index = self.selected_index();
        let is_open = |entry: &Entry| self.is_open && self.selected == Some(entry.id);
        let is_shown = |entry: &&Entry| is_open(entry) || entry.has_words(&self.filter);
        let mut shown: Vec<&Entry> = self.by_id.values().filter(is_shown).collect();
        // A run that does not wait has no position.
        shown.sort_by_key(|entry| (!entry.is_active, entry.queue_position, Reverse(entry.id)));
        self.shown = shown.into_iter().map(|entry| entry.id).collect();
        let is_shown = self.selected.is_some_and(|id| self.shown.contains(&id));
        if !self.is_chosen {
            self.selected = self.shown.first().copied();
        } else if !is_shown {
            // The run that has moved up to its place.
            self.selected = self.shown.get(index.min(self.shown.len().saturating_sub(1))).copied();
            self.is_chosen = self.selected.is_some() && (index > 0 || self.is_open);
        }
    }
}

#[cfg(test)]
mod tests {
    use mlbench_client::RunState;

    use super::*;
    use crate::commands::testing::failed_run;

    fn id(number: i64) -> RunId {
        RunId::new(number).unwrap()
    }

    fn active(number: i64, name: &str, queue_position: Option<u32>) -> Run {
        let state = if queue_position.is_some() { RunState::Initialized } else { RunState::Started };
        Run { state, finished_at: None, queue_position, ..failed_run(number, name) }
    }

    fn order(runs: &Runs) -> Vec<i64> {
        runs.shown().map(|entry| entry.id.get()).collect()
    }

    #[test]
    fn active_runs_come_first_then_the_queue_then_the_newest() {
        let mut runs = Runs::default();
        let list = [
            failed_run(1, "a"),
            failed_run(2, "b"),
            active(3, "c", None),
            active(4, "d", Some(2)),
            active(5, "e", Some(1)),
        ];
        runs.replace(&list, &[]);
        assert_eq!(order(&runs), [3, 5, 4, 2, 1]);
        runs.update(&[failed_run(3, "c")], &[id(1)]);
        assert_eq!(order(&runs), [5, 4, 3, 2]);
    }

    #[test]
    fn the_selection_follows_a_chosen_run_and_else_the_first() {
        let mut runs = Runs::default();
        runs.replace(&[failed_run(1, "a"), failed_run(2, "b"), failed_run(3, "c")], &[]);
        assert_eq!(runs.selected().unwrap().id, id(3));
        runs.update(&[active(4, "d", None)], &[]);
        assert_eq!(runs.selected().unwrap().id, id(4), "nothing is chosen");
        runs.move_by(2);
        assert_eq!(runs.selected().unwrap().id, id(2));
        runs.update(&[active(5, "e", None)], &[]);
        assert_eq!((runs.selected().unwrap().id, runs.selected_index()), (id(2), 3));
        runs.update(&[], &[id(2)]);
        assert_eq!(runs.selected().unwrap().id, id(1), "the run below");
        runs.update(&[], &[id(1)]);
        assert_eq!(runs.selected().unwrap().id, id(3), "the last run");
        runs.move_by(isize::MIN);
        assert_eq!(runs.selected().unwrap().id, id(5));
        runs.move_by(isize::MAX);
        assert_eq!(runs.selected().unwrap().id, id(3));
        runs.update(&[], &[id(3), id(4), id(5)]);
        assert!(runs.selected().is_none());
        runs.move_by(1);
        assert!(runs.selected().is_none());
    }

    #[test]
    fn a_filter_hides_runs_and_selects_among_the_others() {
        let mut runs = Runs::default();
        runs.replace(&[failed_run(1, "apple"), failed_run(2, "bread"), failed_run(3, "apricot")], &[]);
        runs.set_filter("ap".to_owned());
        assert_eq!(order(&runs), [3, 1]);
        runs.move_by(1);
        runs.set_filter("bre".to_owned());
        assert_eq!(runs.selected().unwrap().id, id(2));
        runs.set_filter("nothing".to_owned());
        assert!(runs.selected().is_none());
        runs.set_filter(String::new());
        assert_eq!(runs.shown().count(), 3);
        assert!(runs.selected().is_some());
    }

    #[test]
    fn an_open_run_stays_selected_whatever_the_filter_says() {
        let mut runs = Runs::default();
        runs.replace(&[active(1, "apple", None), failed_run(2, "bread")], &[]);
        runs.set_filter("started".to_owned());
        runs.set_open(true);
        runs.update(&[failed_run(1, "apple"), active(3, "c", None)], &[]);
        assert_eq!(runs.selected().unwrap().id, id(1));
        runs.set_open(false);
        assert_eq!(runs.selected().unwrap().id, id(3));
    }

    #[test]
    fn old_runs_are_forgotten_and_active_ones_last() {
        let mut runs = Runs::default();
        let first = active(1, "old", None);
        let list: Vec<Run> =
            std::iter::once(first).chain((2..=1_500).map(|number| failed_run(number, "x"))).collect();
        runs.replace(&list, &[]);
        assert_eq!(runs.len(), Runs::MAX);
        assert!(runs.get(id(1)).is_some() && runs.get(id(2)).is_none() && runs.get(id(1_500)).is_some());
        let active: Vec<Run> = (2_000..4_000).map(|number| active(number, "x", None)).collect();
        runs.update(&active, &[]);
        assert_eq!(runs.len(), Runs::MAX);
    }
}
