//! The wire types in TypeScript, for the page: `mlbench-server/dashboard/src/api/wire.d.ts`.
//!
//! After a change of a type, `MLBENCH_WRITE_TYPES=1 cargo test -p mlbench-core wire` writes the file again.

use std::fmt::Write as _;
use std::path::Path;

use ts_rs::{Config, TS};

use super::events::{EventPoint, NewLines, NewPoints, PodList, Resync, RunsChanged, StreamOpen};
use super::{
    BatchResult, JobMetadata, LogLine, LogPage, MeasuredValue, Pod, PointRecord, Problem, RejectedPoint, Run,
    RunPatch, RunRequest, RunValues, RunValuesPage, Series, Session, SignIn,
};
use crate::comparison::{
    AllReduce, AllReduceEstimate, Clock, ComparedRun, Comparison, EndValue, Estimate, Group, Interval,
    Parameters, PhaseSource, PhaseValues, Phases, Training,
};
use crate::downsample::minmax::Bucket;
use crate::goal::{Direction, Goal};
use crate::metric::{MetricName, MetricValue};
use crate::needs::{EmptyDir, SecretKey, TaintEffect, Toleration, Volume, VolumeSource};
use crate::origin::ImportedFrom;
use crate::run::{OutputStream, RunState};
use crate::{ErrorCode, PodName, PodPhase, RunId, RunName, Timestamp};

const FILE: &str = "../mlbench-server/dashboard/src/api/wire.d.ts";

/// Returns the file with every type that the page reads or sends.
fn types() -> String {
    let mut out = String::from(
        "// The types of the API, generated from mlbench-core; mlbench-core/src/api/wire.rs says how to write them again.\n",
    );
    macro_rules! add {
        ($($name:ty),+ $(,)?) => { $( add::<$name>(&mut out); )+ };
    }
    add!(Timestamp, RunId, RunName, PodName, MetricName, MetricValue);
    add!(SecretKey, EmptyDir, VolumeSource, Volume, TaintEffect, Toleration);
    add!(
        ImportedFrom,
        Direction,
        Goal,
        RunState,
        Run,
        JobMetadata,
        RunRequest,
        RunPatch,
        OutputStream,
        LogLine
    );
    add!(LogPage);
    add!(
        Session,
        SignIn,
        PodPhase,
        Pod,
        Series,
        RunValues,
        MeasuredValue,
        RunValuesPage,
        PointRecord,
        Bucket,
        BatchResult,
        RejectedPoint,
        ErrorCode,
        Problem
    );
    add!(StreamOpen, RunsChanged, PodList, NewPoints, EventPoint, NewLines, Resync);
    add!(Clock, Interval, Estimate, Parameters, Training, PhaseSource, PhaseValues, Phases);
    add!(AllReduce, AllReduceEstimate, EndValue, ComparedRun, Group, Comparison);
    out
}

fn add<T: TS>(out: &mut String) {
    // Numbers above 2^53 do not occur, and JSON has no other numbers.
    let config = Config::default().with_large_int("number");
    let declaration = spread(&T::decl(&config)).replacen("type ", "export type ", 1);
    let docs = T::docs().map(|docs| summary(&docs)).unwrap_or_default();
    let _ = write!(out, "\n{docs}{declaration}\n");
}

/// Writes each member of an object on a line of its own, with the summary of its documentation.
fn spread(declaration: &str) -> String {
    if let Some((object, flattened)) = declaration.rsplit_once("} & ") {
        return format!("{} & {flattened}", spread(&format!("{object}}};")).trim_end_matches(';'));
    }
    let is_union = declaration.contains("} | ");
    let Some((begin, members)) = declaration.split_once("= {").filter(|_| !is_union) else {
        return declaration.to_owned();
    };
    let members = members.trim_end_matches([';', ' ']).trim_end_matches('}');
    let mut out = format!("{begin}= {{\n");
    let mut rest = members.trim();
    while !rest.is_empty() {
        if let Some(documented) = rest.strip_prefix("/**") {
            let (docs, after) = documented.split_once("*/").expect("a comment has an end");
            let _ = write!(out, "  {}", summary(docs));
            rest = after.trim_start();
        }
        let end = end_of_member(rest);
        let _ = writeln!(out, "  {};", rest[..end].trim());
        rest = rest[end..].trim_start_matches([',', ' ']).trim_start();
    }
    out + "};"
}

/// Returns where the first member ends: at a comma outside brackets.
fn end_of_member(members: &str) -> usize {
    let mut depth = 0;
    for (at, c) in members.char_indices() {
        match c {
            '<' | '{' | '[' | '(' => depth += 1,
            '>' | '}' | ']' | ')' => depth -= 1,
            ',' if depth == 0 => return at,
            _ => {}
        }
    }
    members.len()
}

/// Returns the first line of a documentation as a comment.
fn summary(docs: &str) -> String {
    let lines = docs.lines().map(|line| line.trim().trim_start_matches(['/', '*']).trim());
    lines.filter(|line| !line.is_empty()).take(1).map(|line| format!("/** {line} */\n")).collect()
}

#[test]
fn the_types_of_the_page_are_those_of_the_api() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let fresh = types();
    if std::env::var_os("MLBENCH_WRITE_TYPES").is_some() {
        std::fs::write(&file, &fresh).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap();
    assert!(
        checked_in == fresh,
        "{} differs from the wire types; run `MLBENCH_WRITE_TYPES=1 cargo test -p mlbench-core wire`, and then \
         `cargo xtask test --only page`",
        file.display()
    );
}

#[test]
fn optional_members_and_renamed_ones_are_as_on_the_wire() {
    let types = types();
    for line in [
        "export type RunState = \"INITIALIZED\" | \"STARTED\" | \"FINISHED\" | \"FAILED\" | \"STOPPED\";",
        "  finished_at: Timestamp | null;",
        "  queue_position?: number;",
        "  gpu_enabled?: boolean;",
        "  step?: number | null;",
        "  type: string;",
        "  exit_codes: Record<string, number>;",
        "  /** Id of the run. */",
    ] {
        assert!(types.lines().any(|found| found == line), "{line} is not in {types}");
    }
}
