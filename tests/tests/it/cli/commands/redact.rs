//! Replaces what differs from run to run, by something of the same length where a table aligns it.

use std::path::Path;

use mlbench_tests::{TestServer, binary};

/// Texts and what replaces them.
pub(super) struct Redactor(Vec<(String, &'static str)>);

impl Redactor {
    pub(super) fn new(server: &TestServer, dir: &Path) -> Self {
        let text = |path: &Path| path.display().to_string();
        Self(vec![
            (text(&binary("mlbench")), "mlbench"),
            (text(dir), "DIR"),
            (format!(":{}", server.address().port()), ":PORT0"),
        ])
    }

    pub(super) fn redact(&self, text: &str) -> String {
        let known = self.0.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        let lines: Vec<String> = known.split('\n').map(|line| ages(&words(&duration(line)))).collect();
        lines.join("\n")
    }
}

/// Redacts how long a run took.
fn duration(line: &str) -> String {
    let is_duration = line.starts_with("took");
    line.chars().map(|c| if is_duration && c.is_ascii_digit() { '0' } else { c }).collect()
}

/// Redacts dates, ids and counted bytes in a line.
fn words(line: &str) -> String {
    let (mut redacted, mut rest) = (String::new(), line);
    while let Some(c) = rest.chars().next() {
        let (length, text) = if let Some(length) = matches(rest, "dddd-dd-dd?dd:dd:dd") {
            let fraction =
                rest[length..].bytes().take_while(|byte| *byte == b'.' || byte.is_ascii_digit()).count();
            let fraction = fraction.min(".000000".len());
            (length + fraction, "2018-08-03T09:21:29.000000"[..length + fraction].replace('T', &rest[10..11]))
        } else if let Some(length) = matches(rest, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") {
            (length, "00000000-0000-0000-0000-000000000000".to_owned())
        } else if let Some(length) = matches(rest, "xxxxxxxx-d") {
            (length + digits(&rest[length..]), "REQUEST".to_owned())
        } else if let Some(number) = rest.strip_prefix("wrote ").filter(|rest| digits(rest) > 0) {
            ("wrote ".len() + digits(number), "wrote N".to_owned())
        } else {
            (c.len_utf8(), c.to_string())
        };
        redacted += &text;
        rest = &rest[length..];
    }
    redacted
}

/// Makes every age that of something that has just happened.
fn ages(line: &str) -> String {
    let (mut redacted, mut rest) = (String::new(), line);
    while !rest.is_empty() {
        let count = digits(rest);
        let after = &rest[count..];
        let ago = ["s ago", "m ago", "d ago"].into_iter().find(|ago| count > 0 && after.starts_with(ago));
        if let Some(after) = ago.and_then(|ago| after.strip_prefix(ago)) {
            // A table pads an age, and the details of a run have it in brackets.
            let width = if after.starts_with(')') { 0 } else { count + "s ago".len() };
            redacted += &format!("{:<width$}", "now");
            rest = after;
        } else {
            let length = count.max(rest.chars().next().map_or(0, char::len_utf8));
            redacted += &rest[..length];
            rest = &rest[length..];
        }
    }
    redacted.trim_end().to_owned()
}

/// Returns the length of a beginning of this form: `d` is a digit, `x` one of sixteen, `?` anything.
fn matches(text: &str, form: &str) -> Option<usize> {
    let bytes = text.as_bytes().get(..form.len())?;
    let is_match = |(byte, form): (&u8, u8)| match form {
        b'd' => byte.is_ascii_digit(),
        b'x' => byte.is_ascii_hexdigit(),
        b'?' => byte.is_ascii(),
        other => *byte == other,
    };
    bytes.iter().zip(form.bytes()).all(is_match).then_some(form.len())
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[test]
fn what_differs_is_redacted() {
    for (line, redacted) in [
        ("1\t2026-11-28T00:50:07.611359Z", "1\t2018-08-03T09:21:29.000000Z"),
        ("2026-11-28 00:50:07 (12s ago)", "2018-08-03 09:21:29 (now)"),
        ("a  12s ago  b", "a  now      b"),
        ("x (request id 9c2d766a-12)", "x (request id REQUEST)"),
        ("wrote 4237 bytes; wrote a.csv", "wrote N bytes; wrote a.csv"),
        ("676d63fe-f168-47ba-a0de-65b8f475de9d", "00000000-0000-0000-0000-000000000000"),
    ] {
        assert_eq!(ages(&words(line)), redacted);
    }
}
