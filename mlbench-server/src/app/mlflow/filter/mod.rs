//! Filters and orders of MLflow's searches, such as `metrics.loss < 0.5 AND tags.team LIKE 'vis%'`.
//!
//! A text is split into tokens, then read as conditions that all must hold. What no condition can be is refused with its
//! place, and so is a text that is too long.

mod condition;
mod like;
mod order;
mod parse;
mod tokens;

pub(super) use condition::{Filter, Found, Key, Subject};
pub(super) use order::{Order, Rank};
pub(super) use parse::{Attribute, parse_filter, parse_orders};
