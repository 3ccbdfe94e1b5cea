//! Compares the output of a command with the README.

use serde_json::Value;

/// Compares the output in the README with the actual output.
///
/// # Errors
/// The difference.
pub(super) fn matches(shown: &str, actual: &str) -> Result<(), String> {
    if shown.is_empty() {
        return Ok(());
    }
    let complete = shown.replace("{…}", "{}").replace("[…]", "[]").replace(", …", "");
    match serde_json::from_str::<Value>(&complete) {
        Ok(shown) => {
            let actual =
                serde_json::from_str(actual).map_err(|error| format!("the output is not JSON: {error}"))?;
            same_shape(&shown, &actual, "")
        }
        Err(_) => same_first_line(shown, actual),
    }
}

fn same_shape(shown: &Value, actual: &Value, at: &str) -> Result<(), String> {
    match (shown, actual) {
        (Value::Object(shown), Value::Object(actual)) => shown.iter().try_for_each(|(key, value)| {
            let found = actual.get(key).ok_or_else(|| format!("{at} has no {key:?}"))?;
            same_shape(value, found, &format!("{at}.{key}"))
        }),
        (Value::Array(shown), Value::Array(actual)) => {
            if shown.len() > actual.len() {
                return Err(format!("{at} has {} items, not {}", actual.len(), shown.len()));
            }
            shown
                .iter()
                .zip(actual)
                .try_for_each(|(shown, actual)| same_shape(shown, actual, &format!("{at}[]")))
        }
        (Value::Null, _)
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_)) => Ok(()),
        _ => Err(format!("{at} is {actual}, not like {shown}")),
    }
}

fn same_first_line(shown: &str, actual: &str) -> Result<(), String> {
    let words = |text: &str| {
        let line = text.lines().find(|line| line.contains(char::is_alphanumeric)).unwrap_or_default();
        line.split_whitespace()
            .filter(|word| !word.contains(|c: char| c.is_ascii_digit()))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (shown, actual) = (words(shown), words(actual));
    if shown == actual { Ok(()) } else { Err(format!("the first line says {actual:?}, not {shown:?}")) }
}

#[test]
fn differences_of_shape_are_found() {
    let shown = r#"{"id": 1, "state": "STARTED", "job_metadata": {…}, "rest": [{"a": "x"}, …]}"#;
    let same =
        r#"{"id": 7, "state": "FINISHED", "job_metadata": {"b": 1}, "rest": [{"a": "y"}, {}], "more": 1}"#;
    assert_eq!(matches(shown, same), Ok(()));
    assert!(matches(shown, &same.replace("state", "status")).is_err());
    assert!(matches(shown, &same.replace("7", "\"7\"")).is_err());
    assert!(matches(shown, "no").is_err());
    assert_eq!(matches("id  name\n1  x", "id name\n2  y"), Ok(()));
    assert!(matches("id  name\n1  x", "id state\n2  y").is_err());
}
