//! The committed files, and what must agree with them.

use std::path::{Path, PathBuf};

use super::document::document;
use super::field::Field;
use super::page::page;
use super::{parameters, requests};
use crate::api::{
    ComparisonQuery, Endpoint, EventsQuery, Fields, LogsQuery, MetricsListQuery, MetricsQuery, NewLogLines,
    NewMetric, RunPatch, RunRequest, RunSearch, RunsQuery, SignIn, ValuesQuery,
};
use crate::error::Result;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mlbench-server/openapi").join(name)
}

/// Returns the address of the style sheet, which changes with its content.
fn style() -> String {
    let content = std::fs::read(file("api-docs.css")).unwrap();
    format!("../../assets/api-docs.css?{:08x}", crc32fast::hash(&content))
}

#[test]
fn the_files_are_those_of_the_api() {
    let document = document();
    let json = serde_json::to_string_pretty(&document).unwrap() + "\n";
    for (name, fresh) in [("openapi.json", json), ("docs.html", page(&document, &style()))] {
        let file = file(name);
        if std::env::var_os("MLBENCH_WRITE_TYPES").is_some() {
            std::fs::write(&file, &fresh).unwrap();
        }
        let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            checked_in == fresh,
            "{} differs from the API; run `MLBENCH_WRITE_TYPES=1 cargo test -p mlbench-core openapi`",
            file.display()
        );
    }
}

/// Returns the names that a reader knows, from its refusal of another one.
fn known(read: impl Fn(Fields) -> Result<()>, pairs: &[(&str, &str)]) -> Vec<String> {
    let strange = "?".repeat(99);
    let pairs = pairs.iter().copied().chain([(strange.as_str(), "")]);
    let fields = Fields::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let refusal = read(fields).unwrap_err();
    let (_, names) =
        refusal.detail().split_once("known fields: ").expect("the refusal names the known fields");
    let mut names: Vec<String> = names.split(", ").map(str::to_owned).collect();
    names.sort_unstable();
    names
}

fn names(fields: &[Field]) -> Vec<String> {
    let mut names: Vec<String> = fields.iter().map(|field| field.name.to_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn every_query_parameter_of_its_reader_is_described() {
    for endpoint in Endpoint::ALL {
        let of_reader = match endpoint {
            Endpoint::GetMetrics => known(|fields| MetricsQuery::from_fields(fields).map(drop), &[]),
            Endpoint::ListMetrics => known(|fields| MetricsListQuery::from_fields(fields).map(drop), &[]),
            Endpoint::ListRuns => known(|fields| RunSearch::from_fields(fields).map(drop), &[]),
            Endpoint::GetRun => known(|fields| RunsQuery::from_fields(fields).map(drop), &[]),
            Endpoint::GetRunLogs => known(|fields| LogsQuery::from_fields(fields).map(drop), &[]),
            Endpoint::CompareRuns => known(|fields| ComparisonQuery::from_fields(fields).map(drop), &[]),
            Endpoint::ListRunValues => known(|fields| ValuesQuery::from_fields(fields).map(drop), &[]),
            Endpoint::Events => known(|fields| EventsQuery::from_fields(fields).map(drop), &[]),
            _ => Vec::new(),
        };
        assert_eq!(names(&parameters::query(endpoint)), of_reader, "{endpoint:?}");
    }
}

#[test]
fn every_field_of_its_reader_is_described() {
    let metric = known(|fields| NewMetric::from_fields(fields).map(drop), &[]);
    assert_eq!(names(&requests::metric()), metric);
    let run = known(|fields| RunRequest::from_fields(fields).map(drop), &[("name", "x")]);
    assert_eq!(names(&requests::run()), run);
    let patch = known(|fields| RunPatch::from_fields(fields).map(drop), &[]);
    assert_eq!(names(&requests::patch()), patch);
    let lines = known(|fields| NewLogLines::from_fields(fields).map(drop), &[("lines", "x")]);
    assert_eq!(names(&requests::lines()), lines);
    let sign_in = known(|fields| SignIn::from_fields(fields).map(drop), &[]);
    assert_eq!(names(&requests::sign_in()), sign_in);
}
