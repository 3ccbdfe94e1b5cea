//! Texts of some rows, stored once where consecutive rows share them.

use std::ops::Range;

/// Texts of the rows of a column. Rows may have none.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    /// 0 for no text, else the number of the text, counted from 1. Empty if no row has a text.
    slots: Vec<u32>,
    /// End of each text in `bytes`.
    ends: Vec<usize>,
    bytes: String,
}

impl Texts {
    /// Creates a column of decoded slots and texts. Every slot must be at most the number of texts.
    pub(super) fn new(slots: Vec<u32>, ends: Vec<usize>, bytes: String) -> Self {
        Self { slots, ends, bytes }
    }

    /// Returns the text of a row.
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        match self.slots.get(row) {
            None | Some(0) => None,
            Some(slot) => Some(self.text(*slot as usize - 1)),
        }
    }

    /// Returns whether no row has a text.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Returns the slot of each row: 0 for no text, else the number of the text, counted from 1.
    pub(super) fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// Returns the number of bytes of all texts.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns a text by its index, counted from 0.
    pub(super) fn text(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    /// Appends the row after `rows` rows.
    pub(super) fn push(&mut self, rows: usize, text: Option<&str>) {
        match text {
            Some(text) => {
                let slot = self.slot(text);
                self.slots.resize(rows, 0);
                self.slots.push(slot);
            }
            None if self.slots.is_empty() => {}
            None => self.slots.push(0),
        }
    }

    /// Appends rows of another column after `rows` rows.
    pub(super) fn append_from(&mut self, rows: usize, other: &Self, range: Range<usize>) {
        if self.slots.is_empty() && other.slots.is_empty() {
            return;
        }
        self.slots.resize(rows, 0);
        if other.slots.is_empty() {
            self.slots.resize(rows + range.len(), 0);
            return;
        }
        let (mut theirs, mut ours) = (0, 0);
        for slot in &other.slots[range] {
            if *slot != theirs {
                theirs = *slot;
                ours = if theirs == 0 { 0 } else { self.slot(other.text(theirs as usize - 1)) };
            }
            self.slots.push(ours);
        }
    }

    /// Puts the rows into another order.
    pub(super) fn permute(&mut self, order: &[u32]) {
        super::order::gather(&mut self.slots, order);
    }

    /// Returns the slot of a text, which is the last one if it is the same.
    fn slot(&mut self, text: &str) -> u32 {
        let known = self.ends.len();
        if known == 0 || self.text(known - 1) != text {
            self.bytes.push_str(text);
            self.ends.push(self.bytes.len());
        }
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }
}
