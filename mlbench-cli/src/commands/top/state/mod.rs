//! What the dashboard knows and shows: pure state, changed by keys and by updates of the server.

mod app;
mod apply;
mod curve;
mod entry;
mod focus;
mod key;
mod runs;
#[cfg(test)]
mod tests;
mod update;
mod workers;

pub(super) use app::{App, Request, Screen, Wanted};
pub(super) use entry::{Entry, Newest, Target};
pub(super) use focus::{Focus, MetricCurve, chart_order};
pub(super) use key::Key;
pub(super) use update::{Detail, Overview, Update};
pub(super) use workers::{CPU, MEMORY, Worker};
