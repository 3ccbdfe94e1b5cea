//! Lists of run ids in a query, such as `runs=1,2,3`.

use crate::error::{Error, Result};
use crate::name::RunId;
use crate::quote::quote;

/// The most runs that a query names.
pub(super) const MAX_RUNS: usize = 1_000;

/// Parses the lists of `runs`, and returns each id once, in ascending order. No list has no ids.
pub(super) fn run_ids(lists: &[String]) -> Result<Vec<RunId>> {
    let texts = lists.iter().flat_map(|list| list.split(',')).map(str::trim);
    let ids = texts.filter(|text| !text.is_empty()).map(|text| run_id("runs", text));
    let mut ids = ids.collect::<Result<Vec<RunId>>>()?;
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > MAX_RUNS {
        let many = ids.len();
        return Err(Error::invalid("runs", format_args!("{many} runs requested; send at most {MAX_RUNS}")));
    }
    Ok(ids)
}

/// Parses the id of a run in any spelling of a number.
pub(super) fn run_id(field: &str, text: &str) -> Result<RunId> {
    RunId::from_number(text.trim()).map_err(|_| {
        Error::invalid(field, format_args!("{} is not a run id; ids are whole numbers from 1", quote(text)))
    })
}

/// Returns the error for a list without ids.
pub(super) fn no_run() -> Error {
    Error::invalid("runs", "missing; send the ids of runs, such as runs=1,2,3")
}

/// Returns ids as a query has them.
pub(super) fn ids_text(ids: &[RunId]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(",")
}
