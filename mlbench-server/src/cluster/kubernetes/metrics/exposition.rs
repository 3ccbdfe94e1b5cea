//! Parses the Prometheus text format as far as cAdvisor uses it: one sample per line.
//!
//! Skips every line that is not a sample, such as comments and malformed lines.

/// One sample: `name{label="value",…} value timestamp`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    labels: &'a str,
    pub(super) value: f64,
    /// Milliseconds since the Unix epoch.
    pub(super) timestamp: Option<i64>,
}

impl Sample<'_> {
    /// Returns the value of a label. The format does not distinguish an empty label from a missing one.
    pub(super) fn label(&self, wanted: &str) -> String {
        let mut rest = self.labels;
        while let Some((name, value, after)) = next_label(rest) {
            if name == wanted {
                return unescaped(value);
            }
            rest = after;
        }
        String::new()
    }
}

/// Returns the samples of a text whose names `wanted` accepts.
pub(super) fn samples<'a>(text: &'a str, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Sample<'a>> {
    text.lines().filter_map(move |line| sample(line, &wanted))
}

fn sample<'a>(line: &'a str, wanted: impl Fn(&str) -> bool) -> Option<Sample<'a>> {
    let name_end = line.find(|c: char| c == '{' || c.is_ascii_whitespace())?;
    let (name, rest) = line.split_at(name_end);
    if name.is_empty() || name.starts_with('#') || !wanted(name) {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => {
            let end = labels_end(inside)?;
            (&inside[..end], &inside[end + 1..])
        }
        None => ("", rest),
    };
    let mut words = rest.split_ascii_whitespace();
    let value = words.next()?.parse().ok()?;
    let timestamp = match words.next() {
        Some(word) => Some(word.parse().ok()?),
        None => None,
    };
    words.next().is_none().then_some(Sample { name, labels, value, timestamp })
}

/// Returns the position of the first `}` outside quotes, which ends the labels.
fn labels_end(inside: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Splits the first label, its value still escaped, from the rest of the list.
fn next_label(labels: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = labels.split_once('=')?;
    let rest = rest.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let end = rest.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    let after = rest[end + 1..].trim_start().trim_start_matches(',');
    Some((name.trim(), &rest[..end], after))
}

fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some(other)) => text.push(other),
            (c, _) => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(text: &str) -> Sample<'_> {
        let all: Vec<_> = samples(text, |_| true).collect();
        assert_eq!(all.len(), 1, "{text:?}");
        all.into_iter().next().unwrap()
    }

    #[test]
    fn cadvisor_sample_is_parsed() {
        let sample =
            only("container_memory_usage_bytes{container=\"worker\",pod=\"w-0\"} 3.575808e+06 1795445897247");
        assert_eq!(sample.name, "container_memory_usage_bytes");
        assert_eq!(
            (sample.label("container"), sample.label("pod"), sample.label("image")),
            ("worker".into(), "w-0".into(), String::new())
        );
        assert_eq!((sample.value, sample.timestamp), (3_575_808.0, Some(1_795_445_897_247)));
    }

    #[test]
    fn label_values_may_contain_the_syntax_of_the_format() {
        let sample = only("m{a=\"x\\\"}y,b=\\\\\",b=\"line\\nbreak\", } NaN");
        assert_eq!(
            (sample.label("a"), sample.label("b")),
            ("x\"}y,b=\\".to_owned(), "line\nbreak".to_owned())
        );
        assert!(sample.value.is_nan());
    }

    #[test]
    fn lines_that_are_not_samples_are_skipped() {
        let text = "# HELP m About m\n# TYPE m counter\n\nm\nm{a=\"b\" 1\nm{} x\nm{} 1 2 3\nm 1 x\n good 1\n";
        assert_eq!(samples(text, |_| true).count(), 0);
        assert_eq!(only("m +Inf\n").value, f64::INFINITY);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panicking(text in "(?s).{0,200}", braces in "[a{}\"\\\\=, 1\n]{0,60}") {
            for text in [&text, &braces] {
                for sample in samples(text, |_| true) {
                    sample.label("a");
                }
            }
        }

        #[test]
        fn written_samples_are_read_back(value in "(?s).{0,40}", number in any::<f64>(), at in any::<i64>()) {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            prop_assume!(!value.contains('\r'));
            let text = format!("name{{first=\"1\",second=\"{escaped}\"}} {number} {at}");
            let sample = only(&text);
            prop_assert_eq!(sample.label("second"), value);
            prop_assert!(sample.value == number || number.is_nan());
            prop_assert_eq!(sample.timestamp, Some(at));
        }
    }
}
