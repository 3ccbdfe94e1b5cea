//! The body of `POST /api/runs/{id}/logs/`.

use serde::Serialize;
use serde_json::value::RawValue;

use super::field_value::{FieldValue, kind, why_not_text};
use super::fields::Fields;
use crate::error::{Error, ErrorCode, Result};
use crate::lines::LineSplitter;
use crate::run::OutputStream;
use crate::time::Timestamp;

/// Most lines of a request.
const MAX_LINES: usize = 10_000;

/// Lines of output that an external run sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewLogLines {
    /// The lines in their order.
    pub lines: Vec<NewLogLine>,
}

/// A line of output that an external run sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewLogLine {
    /// The rank that wrote it.
    pub rank: u32,
    /// The stream of the rank.
    pub stream: OutputStream,
    /// Time when it came. `None` for the time of arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
    /// The line without its line ending.
    pub text: String,
}

impl NewLogLines {
    /// Most lines of a request.
    pub const MAX_LINES: usize = MAX_LINES;

    /// Parses the fields of a request: `lines`, and `rank` and `stream` of the lines that name none.
    ///
    /// A line is a text, or an object with `text`, `rank`, `stream` and `date`. The texts
    /// make lines as the output of a launched run does: one with line ends, or with more than 16 KiB, becomes several.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the field.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let of = Defaults {
            rank: rank(&mut fields)?.unwrap_or(0),
            stream: stream(&mut fields)?.unwrap_or(OutputStream::Stdout),
        };
        let mut all = Self { lines: Vec::new() };
        match fields.take("lines") {
            None => return Err(Error::invalid("lines", "missing; send an array of lines")),
            Some(FieldValue::Text(text)) => all.push(&text, of.rank, of.stream, None)?,
            Some(FieldValue::Json(raw)) if raw.get().starts_with('"') => all.add(&raw, of)?,
            Some(FieldValue::Json(raw)) => {
                let items: Vec<Box<RawValue>> = serde_json::from_str(raw.get())
                    .map_err(|_| Error::invalid("lines", "must be an array of texts or objects"))?;
                for (index, item) in items.iter().enumerate() {
                    let named = |error: Error| {
                        Error::new(error.code(), format!("lines: item {index}: {}", error.detail()))
                    };
                    all.add(item, of).map_err(named)?;
                }
            }
        }
        fields.finish()?;
        Ok(all)
    }

    fn add(&mut self, item: &RawValue, of: Defaults) -> Result<()> {
        match kind(item) {
            "a string" => {
                let text: String = serde_json::from_str(item.get())
                    .map_err(|_| Error::invalid("text", why_not_text("a string", item)))?;
                return self.push(&text, of.rank, of.stream, None);
            }
            "an object" => {}
            other => {
                let problem = format!("must be a text or an object, not {other}");
                return Err(Error::new(ErrorCode::InvalidField, problem));
            }
        }
        let mut fields = Fields::from_json(item.get().as_bytes())?;
        let text =
            fields.text("text")?.ok_or_else(|| Error::invalid("text", "missing; every line has one"))?;
        let (rank, stream) =
            (rank(&mut fields)?.unwrap_or(of.rank), stream(&mut fields)?.unwrap_or(of.stream));
        let date = fields.parsed("date")?;
        fields.finish()?;
        self.push(&text, rank, stream, date)
    }

    fn push(&mut self, text: &str, rank: u32, stream: OutputStream, date: Option<Timestamp>) -> Result<()> {
        for piece in pieces(text) {
            if self.lines.len() == MAX_LINES {
                let rule = format_args!("more than {MAX_LINES} lines; send them in several requests");
                return Err(Error::invalid("lines", rule));
            }
            self.lines.push(NewLogLine { rank, stream, date, text: piece });
        }
        Ok(())
    }
}

/// Rank and stream of the lines that name none.
#[derive(Clone, Copy)]
struct Defaults {
    rank: u32,
    stream: OutputStream,
}

fn rank(fields: &mut Fields) -> Result<Option<u32>> {
    fields.integer("rank", 0, 1_000_000)
}

fn stream(fields: &mut Fields) -> Result<Option<OutputStream>> {
    fields.one_of("stream", &[("stdout", OutputStream::Stdout), ("stderr", OutputStream::Stderr)])
}

/// Splits a text into lines as if a program had written it. An end at the end begins no line.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    let mut lines = LineSplitter::default();
    lines.push(text.as_bytes());
    if !text.ends_with('\n') {
        lines.push(b"\n");
    }
    std::iter::from_fn(move || lines.next_batch(false)).flat_map(|batch| batch.lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::MAX_LINE_BYTES;

    fn read(body: &str) -> Result<NewLogLines> {
        NewLogLines::from_fields(Fields::from_json(body.as_bytes())?)
    }

    #[test]
    fn lines_are_texts_or_objects() {
        let body = r#"{"rank":2,"stream":"stderr","lines":["a",{"text":"b","rank":0,"stream":"stdout","date":"2018-08-03T09:21:29Z"}]}"#;
        let lines = read(body).unwrap();
        let date = "2018-08-03T09:21:29Z".parse().ok();
        let expected = [
            NewLogLine { rank: 2, stream: OutputStream::Stderr, date: None, text: "a".to_owned() },
            NewLogLine { rank: 0, stream: OutputStream::Stdout, date, text: "b".to_owned() },
        ];
        assert_eq!(lines.lines, expected);
        assert_eq!(read(&serde_json::to_string(&lines).unwrap()).unwrap(), lines);
        assert_eq!(read(r#"{"lines":"a\nb"}"#).unwrap(), read(r#"{"lines":["a","b"]}"#).unwrap());
    }

    #[test]
    fn line_ends_and_long_lines_make_several() {
        let texts = |text: &str| {
            let body = serde_json::json!({"lines": [text]}).to_string();
            read(&body).unwrap().lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
        };
        assert_eq!(texts("a\r\n\nb\n"), ["a", "", "b"]);
        assert_eq!(texts(""), [""]);
        assert_eq!(texts("10 %\r50 %\r\nend\r"), ["50 %", "end"], "a progress bar keeps its last state");
        let long = format!("{}é", "x".repeat(MAX_LINE_BYTES - 1));
        assert_eq!(texts(&long).iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE_BYTES - 1, 2]);
    }

    #[test]
    fn an_invalid_line_is_named_by_its_index() {
        let refusal = |body: &str| read(body).unwrap_err().detail().to_owned();
        assert_eq!(refusal("{}"), "lines: missing; send an array of lines");
        assert_eq!(refusal(r#"{"lines":"a","rank":-1}"#).split(':').next(), Some("rank"));
        assert_eq!(refusal(r#"{"lines":{}}"#), "lines: must be an array of texts or objects");
        assert!(refusal(r#"{"lines":["a",{"rank":1}]}"#).starts_with("lines: item 1: text: missing"));
        assert!(refusal(r#"{"lines":[{"text":"a","stream":"x"}]}"#).starts_with("lines: item 0: stream: "));
        assert!(refusal(r#"{"lines":[{"txt":"a"}]}"#).starts_with("lines: item 0: text: missing"));
        assert_eq!(
            refusal(r#"{"lines":["a",1]}"#),
            "lines: item 1: must be a text or an object, not a number"
        );
        assert_eq!(refusal(r#"{"lines":[null]}"#), "lines: item 0: must be a text or an object, not null");
        let surrogate = refusal(r#"{"lines":["\ud83d"]}"#);
        assert!(
            surrogate.starts_with(r"lines: item 0: text: has the lone surrogate \ud83d; "),
            "{surrogate}"
        );
        let many = serde_json::json!({"lines": vec![""; MAX_LINES + 1]}).to_string();
        assert_eq!(
            refusal(&many),
            "lines: item 10000: lines: more than 10000 lines; send them in several requests"
        );
    }
}
