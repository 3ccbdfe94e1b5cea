//! Reads a run to start from a file of YAML or JSON.
//!
//! The file has the fields of the request, which the reader of the server checks.

use std::path::Path;

use mlbench_client::{RunName, RunRequest};
use mlbench_core::api::Fields;
use mlbench_core::quote::quote;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{MessageFormatter, UserMessageFormatter};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::failure::Failure;

/// Largest file. A request has an environment of 64 KiB and a command of 64 KiB at most.
const MAX_BYTES: usize = 1024 * 1024;

/// Returns the request in a file, `-` for standard input, with `name` in place of its name.
///
/// # Errors
/// Naming the file, and its field or line that is not valid.
pub(super) async fn read_run_file(path: &Path, name: Option<&RunName>) -> Result<RunRequest, Failure> {
    let read = async {
        let text = read_text(path).await?;
        parse(&text, path.extension().is_some_and(|extension| extension == "json"), name)
    };
    read.await.map_err(|problem| Failure::RunFile { path: path.to_owned(), problem })
}

async fn read_text(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot read it: {error}");
    let mut input: Box<dyn AsyncRead + Unpin + Send> = if path == Path::new("-") {
        Box::new(tokio::io::stdin())
    } else {
        Box::new(tokio::fs::File::open(path).await.map_err(unreadable)?)
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES).map_or(u64::MAX, |max| max + 1);
    (&mut input).take(limit).read_to_end(&mut bytes).await.map_err(unreadable)?;
    if bytes.len() > MAX_BYTES {
        return Err("must have at most 1 MiB; does it hold a run?".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8; save the file as UTF-8")
    })
}

fn parse(text: &str, is_json: bool, name: Option<&RunName>) -> Result<RunRequest, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err("is empty; write at least a name, such as name: first".to_owned());
    }
    // YAML has no surrogate pairs, and would change numbers, so JSON has a reader of its own.
    let is_json = is_json || serde_json::from_str::<IgnoredAny>(text).is_ok();
    let body = if is_json { text.to_owned() } else { yaml_to_json(text)? };
    let explained = |error: mlbench_core::Error| {
        let detail = error.detail();
        let detail = detail.strip_prefix("body: ").unwrap_or(detail);
        match detail.contains("must be a string, not a ") {
            true => format!("{detail}; put it in quotes"),
            false => detail.to_owned(),
        }
    };
    let fields = Fields::from_json(body.as_bytes()).map_err(explained)?;
    let fields = match name {
        Some(name) => fields.with_text("name", name.as_str()),
        None => fields,
    };
    RunRequest::from_fields(fields).map_err(explained)
}

/// Converts one document of YAML. Only `true` and `false` are booleans, and no key may be there twice.
fn yaml_to_json(text: &str) -> Result<String, String> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
    };
    let value: Value =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| explain_yaml(&error))?;
    match value {
        Value::Object(_) => Ok(value.to_string()),
        _ => Err("must have fields, such as name: first".to_owned()),
    }
}

fn explain_yaml(error: &serde_saphyr::Error) -> String {
    let why = match error.without_snippet() {
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("{} is there twice; remove one", quote(key))
        }
        other => UserMessageFormatter.format_message(other).into_owned(),
    };
    match error.location() {
        Some(at) => format!("not valid YAML (line {}, column {}): {why}", at.line(), at.column()),
        None => format!("not valid YAML: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(text: &str) -> Result<Value, String> {
        parse(text, false, None).map(|run| serde_json::to_value(run).unwrap())
    }

    #[test]
    fn yaml_and_json_have_the_same_fields() {
        let from_yaml = yaml(
            "# A comment\nname: first\nnum_workers: 2\nnum_cpus: 0.5\nmemory: 4Gi\ntime_limit: 90m\n\
             gpu_enabled: true\nenvironment:\n  EPOCHS: '50'\nparams:\n  lr: 1e-3\n  opt: no\n  deep: true\n  \
             seed: 7\ntags: {team: vision}\ncustom_image_command: >-\n  python train.py\n  --rank {rank}\n",
        );
        let json = r#"{"name":"first","num_workers":2,"num_cpus":0.5,"memory":4294967296,"time_limit":5400.0,
            "gpu_enabled":true,"environment":{"EPOCHS":"50"},
            "params":{"lr":0.001,"opt":"no","deep":true,"seed":7},"tags":{"team":"vision"},
            "custom_image_command":"python train.py --rank {rank}"}"#;
        let expected: Value = serde_json::from_str(json).unwrap();
        assert_eq!(from_yaml.unwrap(), expected);
        assert_eq!(yaml(json).unwrap(), expected);
        let escaped = yaml(r#"{"name":"x","tags":{"face":"\ud83d\ude00"}}"#).unwrap();
        assert_eq!(escaped["tags"]["face"], "😀");
    }

    #[test]
    fn a_printed_request_is_a_file() {
        let text =
            "name: \"yes\"\nparams: {a: '1', b: 'true', c: 1.5, d: '~'}\ntags: {e: \"x\\n: y\", f: ''}\n";
        let run = parse(text, false, None).unwrap();
        let printed = serde_saphyr::to_string(&run).unwrap();
        assert_eq!(parse(&printed, false, None).unwrap(), run, "{printed}");
        assert_eq!(parse(&serde_json::to_string_pretty(&run).unwrap(), true, None).unwrap(), run);
    }

    #[test]
    fn a_name_replaces_that_of_the_file() {
        let name = RunName::new("second").unwrap();
        for text in ["name: first", "num_workers: 2\nname: ''", "num_workers: 2", "name: 7"] {
            assert_eq!(parse(text, false, Some(&name)).unwrap().name, name, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_no_run_is_refused_with_the_field_or_the_line() {
        for (text, problem) in [
            ("", "is empty; write at least a name, such as name: first"),
            ("# nothing\n", "must have fields, such as name: first"),
            ("- name: first", "must have fields, such as name: first"),
            ("num_workers: 2", "name: missing; every run needs one"),
            ("name: x\nnum_workers: 0", "num_workers: must be a whole number of at least 1, not \"0\""),
            ("name: x\nnum_worker: 2", "\"num_worker\": unknown field; did you mean num_workers?"),
            (
                "name: x\nenvironment: {EPOCHS: 50}",
                "environment: \"EPOCHS\" must be a string, not a number; put it in quotes",
            ),
        ] {
            assert_eq!(yaml(text).unwrap_err(), problem, "{text}");
        }
        for (text, line) in [
            ("name: x\nname: y", "line 2"),
            ("name: x\nparams:\n  lr: 1\n  lr: 2\n", "line 4"),
            ("name: x\ntags: [", "line 2"),
            ("name: x\nnum_cpus: .inf\n", "line 2"),
            ("name: x\n---\nname: y\n", "line "),
        ] {
            let refused = yaml(text).unwrap_err();
            assert!(refused.contains(line) && !refused.contains('\n'), "{text}: {refused}");
        }
        let broken = parse("{\n\"name\": oops}", true, None).unwrap_err();
        assert_eq!(broken, "not a JSON object (line 2, column 9): expected value");
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.yaml");
        let problem = async |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read_run_file(&path, None).await.unwrap_err().to_string()
        };
        let file = format!("--file {}: ", path.display());
        let large = problem(&vec![b' '; MAX_BYTES + 1]).await;
        assert_eq!(large, format!("{file}must have at most 1 MiB; does it hold a run?"));
        let binary = problem(b"name: x\ntags: \xff").await;
        assert_eq!(binary, format!("{file}line 2 is not UTF-8; save the file as UTF-8"));
        std::fs::remove_file(&path).unwrap();
        let missing = read_run_file(&path, None).await.unwrap_err().to_string();
        assert!(missing.starts_with(&format!("{file}cannot read it: ")), "{missing}");
    }
}
