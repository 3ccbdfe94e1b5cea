//! Values as people write them.

use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::app::RunPolicy;

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Option<jiff::SignedDuration> = text.parse().ok();
    parsed
        .and_then(|time| Duration::try_from(time).ok())
        .ok_or_else(|| "write a time like 10s, 500ms or 2m".to_owned())
}

pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let least = Duration::from_millis(100);
    duration(text)
        .and_then(|time| if time >= least { Ok(time) } else { Err("must be at least 100ms".to_owned()) })
}

impl ValueEnum for RunPolicy {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Single, Self::Queue]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Single => PossibleValue::new("single").help("Refuse it: one run at a time"),
            Self::Queue => PossibleValue::new("queue")
                .help("Queue it: first come, first served, as many at a time as there are workers for"),
        })
    }
}
