//! Prometheus' text exposition format, version 0.0.4.

use std::fmt::{self, Write};

use mlbench_core::metric::plain_number;
use mlbench_core::storage::HistogramSnapshot;

/// An exposition, written family by family.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
}

/// The type of a family.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Never falls.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// The samples of one name.
#[derive(Debug)]
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'a str,
}

impl Exposition {
    /// Begins a family. Call it once per name.
    pub(super) fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &str) -> Family<'a> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = Escaped { text: help, quotes: false };
        put(&mut self.text, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        Family { text: &mut self.text, name }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

impl Family<'_> {
    /// Writes a sample. No two of a family have the same labels.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.line("", labels, None, value);
    }

    /// Writes the samples of a histogram.
    #[expect(clippy::cast_precision_loss, reason = "a count is far below 2^53")]
    pub(super) fn histogram(&mut self, labels: &[(&str, &str)], snapshot: &HistogramSnapshot) {
        let mut count = 0;
        for (bound, in_bucket) in &snapshot.buckets {
            count += in_bucket;
            self.line("_bucket", labels, Some(*bound), count as f64);
        }
        count += snapshot.overflow;
        self.line("_bucket", labels, Some(f64::INFINITY), count as f64);
        self.line("_sum", labels, None, snapshot.sum);
        self.line("_count", labels, None, count as f64);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], bound: Option<f64>, value: f64) {
        put(self.text, format_args!("{}{suffix}", self.name));
        let mut before = '{';
        for (name, value) in labels {
            let value = Escaped { text: value, quotes: true };
            put(self.text, format_args!("{before}{name}=\"{value}\""));
            before = ',';
        }
        if let Some(bound) = bound {
            put(self.text, format_args!("{before}le=\"{}\"", Number(bound)));
            before = ',';
        }
        let end = if before == ',' { "}" } else { "" };
        put(self.text, format_args!("{end} {}\n", Number(value)));
    }
}

/// A name that needs no quotes: of letters, digits, `_` and `:`, not beginning with a digit.
pub(super) fn is_name(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b':');
    text.bytes().next().is_some_and(letter) && text.bytes().all(|b| letter(b) || b.is_ascii_digit())
}

fn put(text: &mut String, piece: fmt::Arguments<'_>) {
    // Writing into memory does not fail.
    let _ = text.write_fmt(piece);
}

/// A text with escaped line ends and backslashes, and within quotes with escaped quotes.
struct Escaped<'a> {
    text: &'a str,
    quotes: bool,
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.text.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '"' if self.quotes => f.write_str("\\\"")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            number if number.is_nan() => f.write_str("NaN"),
            finite => plain_number(finite, |text| f.write_str(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_texts_are_written_so_that_nothing_ends_early() {
        let mut out = Exposition::default();
        let mut family = out.family("x", Kind::Gauge, "back\\slash \"and\"\nline");
        family.sample(&[], f64::NAN);
        family.sample(&[("a", "q\"b\\n\nü"), ("b", "")], f64::NEG_INFINITY);
        family.sample(&[("a", "}")], 1e21);
        let expected = "# HELP x back\\\\slash \"and\"\\nline\n# TYPE x gauge\n\
                        x NaN\n\
                        x{a=\"q\\\"b\\\\n\\nü\",b=\"\"} -Inf\n\
                        x{a=\"}\"} 1000000000000000000000\n";
        assert_eq!(out.into_text(), expected);
    }

    #[test]
    fn the_classes_of_a_histogram_add_up() {
        let mut out = Exposition::default();
        let snapshot = HistogramSnapshot { buckets: vec![(0.0001, 2), (1.0, 3)], overflow: 1, sum: 7.5 };
        out.family("t", Kind::Histogram, "h").histogram(&[("e", "f")], &snapshot);
        let expected = "# HELP t h\n# TYPE t histogram\n\
                        t_bucket{e=\"f\",le=\"0.0001\"} 2\nt_bucket{e=\"f\",le=\"1\"} 5\nt_bucket{e=\"f\",le=\"+Inf\"} 6\n\
                        t_sum{e=\"f\"} 7.5\nt_count{e=\"f\"} 6\n";
        assert_eq!(out.into_text(), expected);
    }

    #[test]
    fn only_some_texts_are_names() {
        for name in ["container_cpu_usage_seconds_total", "a", "_x:1"] {
            assert!(is_name(name), "{name}");
        }
        for text in ["", "1a", "loss @ 0", "a-b", "é", "a\n"] {
            assert!(!is_name(text), "{text}");
        }
    }
}
