//! Parser of the LibSVM format.
//!
//! Each line is one row, `label index:value index:value …`, with ascending indices from 1.

use std::io::BufRead;

use super::error::Error;
use super::rows::Rows;

/// Reads rows and maps the smaller of their two labels to -1 and the larger to 1.
///
/// Errors use `name` for the file.
///
/// # Errors
/// [`Error::Line`] with the line number, or [`Error::Labels`].
pub(super) fn read(lines: impl BufRead, name: &str) -> Result<Rows, Error> {
    let mut rows = Rows::sparse(0);
    let mut features = 0;
    let mut labels: Vec<f64> = Vec::new();
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(lines.lines()) {
        let at_line = |problem| Error::Line { file: name.to_owned(), line: number, problem };
        let line = line.map_err(|error| at_line(error.to_string()))?;
        let text = line.split('#').next().unwrap_or_default();
        let mut words = text.split_ascii_whitespace();
        let Some(label) = words.next() else { continue };
        let label =
            parse_finite(label).ok_or_else(|| at_line(format!("label {label:?}: must be a number")))?;
        entries.clear();
        for word in words {
            let entry = parse_entry(word).map_err(at_line)?;
            if entries.last().is_some_and(|(last, _)| *last >= entry.0) {
                return Err(at_line(format!("{word:?}: indices must ascend, each at most once")));
            }
            entries.push(entry);
        }
        features = features.max(entries.last().map_or(0, |(column, _)| *column as usize + 1));
        if !labels.contains(&label) && labels.len() < 4 {
            labels.push(label);
        }
        rows.push(label, entries.iter().copied());
    }
    let [one, other] = labels[..] else {
        let found = match labels.len() {
            0 => "no rows".to_owned(),
            1 => format!("only the label {}", labels[0]),
            3 => format!("3 labels, {labels:?}"),
            _ => format!("more than 3 labels, such as {labels:?}"),
        };
        return Err(Error::Labels { file: name.to_owned(), found });
    };
    let upper = one.max(other);
    let rows = rows.with_features(features).map_labels(|label| if label == upper { 1.0 } else { -1.0 });
    Ok(rows.into_faster_layout())
}

fn parse_entry(word: &str) -> Result<(u32, f32), String> {
    let Some((index, value)) = word.split_once(':') else {
        return Err(format!("{word:?}: must be index:value"));
    };
    let column = index.parse::<u32>().ok().and_then(|index| index.checked_sub(1));
    let column = column.ok_or_else(|| format!("{word:?}: the index must be a whole number of at least 1"))?;
    let value = parse_finite(value).ok_or_else(|| format!("{word:?}: the value must be a number"))?;
    Ok((column, value as f32))
}

fn parse_finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        read(text.as_bytes(), "data.txt").unwrap_err().to_string()
    }

    #[test]
    fn the_smaller_label_becomes_minus_one() {
        let rows =
            read("# two classes\n2 1:0.5 3:-1e-1\n\n1 2:7 # odd one\n2\n".as_bytes(), "data.txt").unwrap();
        assert_eq!(rows.labels(), [1.0, -1.0, 1.0]);
        assert_eq!(rows.features(), 3);
        let mut products = Vec::new();
        rows.multiply(0..3, &[1.0, 10.0, 100.0, 1000.0], &mut products);
        assert_eq!(products, [1000.5 + 100.0 * f64::from(-0.1_f32), 1070.0, 1000.0]);
    }

    #[test]
    fn errors_name_the_line_and_the_problem() {
        assert_eq!(error("1 1:1\nyes 1:2"), "data.txt, line 2: label \"yes\": must be a number");
        assert_eq!(error("1 1:1\n0 1"), "data.txt, line 2: \"1\": must be index:value");
        assert_eq!(
            error("1 0:1"),
            "data.txt, line 1: \"0:1\": the index must be a whole number of at least 1"
        );
        assert_eq!(error("1 2:nan"), "data.txt, line 1: \"2:nan\": the value must be a number");
        assert_eq!(error("1 2:1 1:1"), "data.txt, line 1: \"1:1\": indices must ascend, each at most once");
    }

    #[test]
    fn data_must_have_exactly_two_labels() {
        let found =
            |found| format!("data.txt: found {found}; logistic regression needs two different labels");
        assert_eq!(error("\n"), found("no rows"));
        assert_eq!(error("1 1:1\n1 1:2"), found("only the label 1"));
        assert_eq!(error("0\n1\n2"), found("3 labels, [0.0, 1.0, 2.0]"));
        assert_eq!(error("0\n1\n2\n3\n4\n5"), found("more than 3 labels, such as [0.0, 1.0, 2.0, 3.0]"));
    }
}
