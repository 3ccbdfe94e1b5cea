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
pub(in crate::commands) use curve::Curve;
pub(super) use entry::Newest;
pub(in crate::commands) use entry::{Entry, Target};
pub(in crate::commands) use focus::chart_order;
pub(super) use focus::{Focus, MetricCurve};
pub(super) use key::Key;
pub(super) use update::{Detail, Overview, Update};
pub(super) use workers::{CPU, MEMORY, Worker};
