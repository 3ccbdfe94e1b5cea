//! [`Columns`]: what can be shown of an item, by name.

use std::borrow::Cow;
use std::rc::Rc;

use super::cell::Cell;

/// A named value of an item.
pub(crate) struct Column<T> {
    pub(super) name: Cow<'static, str>,
    pub(super) shown: Shown,
    pub(super) cell: Rc<dyn Fn(&T) -> Cell>,
}

impl<T> Clone for Column<T> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), shown: self.shown, cell: Rc::clone(&self.cell) }
    }
}

/// When a column is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Always,
    /// In the format `wide`, and by name.
    Wide,
    /// By name.
    Named,
}

impl<T> Column<T> {
    /// Returns a column that is shown in every format.
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, cell: impl Fn(&T) -> Cell + 'static) -> Self {
        Self { name: name.into(), shown: Shown::Always, cell: Rc::new(cell) }
    }

    /// Returns a column that is shown in the format `wide`, and by name.
    pub(crate) fn wide(name: &'static str, cell: impl Fn(&T) -> Cell + 'static) -> Self {
        Self { shown: Shown::Wide, ..Self::new(name, cell) }
    }

    /// Returns a column that is shown by name only.
    pub(crate) fn named(name: impl Into<Cow<'static, str>>, cell: impl Fn(&T) -> Cell + 'static) -> Self {
        Self { shown: Shown::Named, ..Self::new(name, cell) }
    }
}

/// Returns the column of a name that is not in the list.
type Family<T> = fn(&str) -> Option<Column<T>>;

/// All columns of items of one kind.
pub(crate) struct Columns<T> {
    pub(super) all: Vec<Column<T>>,
    /// How names of columns are written that are not in the list, and the function that reads them.
    pub(super) family: Option<(&'static str, Family<T>)>,
    /// What other commands take for an item.
    pub(super) name: fn(&T) -> String,
}

impl<T> Columns<T> {
    /// Returns columns of items that other commands know by `name`.
    pub(crate) fn new(name: fn(&T) -> String, all: impl IntoIterator<Item = Column<T>>) -> Self {
        Self { all: all.into_iter().collect(), family: None, name }
    }

    /// Adds columns whose names, written like `form`, contain names that users have given.
    pub(crate) fn with_family(self, form: &'static str, family: Family<T>) -> Self {
        Self { family: Some((form, family)), ..self }
    }

    /// Replaces the column of the same name.
    pub(crate) fn replace(mut self, column: Column<T>) -> Self {
        if let Some(known) = self.all.iter_mut().find(|known| known.name == column.name) {
            *known = column;
        }
        self
    }

    /// Returns the column with a name.
    pub(super) fn find(&self, name: &str) -> Option<Column<T>> {
        let known = self.all.iter().find(|column| column.name == name).cloned();
        known.or_else(|| self.family.and_then(|(_, family)| family(name)))
    }

    /// Returns the names of all columns.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|column| column.name.as_ref())
    }
}
