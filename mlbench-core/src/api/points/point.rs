//! Single points.

use super::element::Element;
use super::scan::{Plain, PlainPoint, Scanner};
use crate::api::json::{not_json, quote_non_finite};
use crate::api::new_metric::NewMetric;
use crate::error::Result;
use crate::metric::{MetricName, MetricValue, Owner};
use crate::name::PodName;
use crate::number::whole;

/// Parses one point.
///
/// # Errors
/// Those of a single `POST` of the point.
pub fn parse_point(text: &[u8]) -> Result<NewMetric> {
    if let Some(metric) = parse_point_fast(text) {
        return Ok(metric);
    }
    let parse = |text: &[u8]| serde_json::from_slice(text).map(Element::parse);
    parse(text).unwrap_or_else(|error| {
        let second = quote_non_finite(text).and_then(|text| parse(&text).ok());
        second.unwrap_or_else(|| Err(not_json("line: not a JSON object", text, &error)))
    })
}

/// Parses one point in the usual format. `None` means that [`parse_point`] must decide.
#[must_use]
pub fn parse_point_fast(text: &[u8]) -> Option<NewMetric> {
    let mut scanner = Scanner::new(std::str::from_utf8(text).ok()?);
    let point = scanner.point()?;
    if scanner.is_at_end() { from_plain(point) } else { None }
}

/// Converts a point in the usual format. `None` means that the general path must decide.
pub(super) fn from_plain(point: PlainPoint<'_>) -> Option<NewMetric> {
    let [run, pod, name, date, value, cumulative, metadata, step, epoch] = point;
    let owner = match (run, pod) {
        (Some(run), None) => Owner::Run(run.as_str().parse().ok()?),
        (None, Some(Plain::Text(pod))) => Owner::Pod(PodName::new(pod).ok()?),
        _ => return None,
    };
    let (Plain::Text(name), value) = (name?, value?) else { return None };
    let value = match value {
        Plain::Text(text) => MetricValue::new(text),
        Plain::Bare("true" | "false") => return None,
        Plain::Bare(number) => MetricValue::new(number),
    };
    let cumulative = match cumulative {
        None | Some(Plain::Bare("false")) => false,
        Some(Plain::Bare("true")) => true,
        Some(_) => return None,
    };
    let metadata = match metadata {
        None => String::new(),
        Some(Plain::Text(text)) => text.into_owned(),
        Some(Plain::Bare(_)) => return None,
    };
    Some(NewMetric {
        owner,
        name: MetricName::new(name).ok()?,
        date: date.map(|date| date.as_str().parse()).transpose().ok()?,
        value,
        cumulative,
        metadata,
        step: match step {
            None => None,
            Some(step) => Some(whole(step.as_str())?),
        },
        epoch: match epoch {
            None => None,
            Some(epoch) => Some(epoch.as_str().parse().ok().filter(|number: &f64| number.is_finite())?),
        },
    })
}
