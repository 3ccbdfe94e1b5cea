//! The LibSVM format: a row per line, `label index:value index:value …`, indices from 1 and ascending.

use std::io::BufRead;

use super::{Error, Rows};

/// Reads rows and makes the smaller of their two labels -1, the larger 1. `name` is what errors call the file.
///
/// # Errors
/// [`Error::Line`] with the number of the line, or [`Error::Labels`].
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
        let label = finite(label).ok_or_else(|| at_line(format!("the label {label:?} is not a number")))?;
        entries.clear();
        for word in words {
            let entry = entry(word).map_err(at_line)?;
            if entries.last().is_some_and(|(last, _)| *last >= entry.0) {
                return Err(at_line(format!("{word:?} is out of order; indices ascend, each occurs once")));
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
            0 => "none: the file has no rows".to_owned(),
            count => {
                format!("{}{}, such as {labels:?}", if count > 3 { "more than " } else { "" }, count.min(3))
            }
        };
        return Err(Error::Labels { file: name.to_owned(), found });
    };
    let upper = one.max(other);
    let rows = rows.widened(features).relabelled(|label| if label == upper { 1.0 } else { -1.0 });
    Ok(rows.into_better_kind())
}

fn entry(word: &str) -> Result<(u32, f32), String> {
    let Some((index, value)) = word.split_once(':') else {
        return Err(format!("{word:?} is not index:value"));
    };
    let column = index.parse::<u32>().ok().and_then(|index| index.checked_sub(1));
    let column = column.ok_or_else(|| format!("the index of {word:?} is not a whole number from 1"))?;
    let value = finite(value).ok_or_else(|| format!("the value of {word:?} is not a number"))?;
    Ok((column, value as f32))
}

fn finite(text: &str) -> Option<f64> {
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
    fn what_is_wrong_is_said_with_its_line() {
        assert_eq!(error("1 1:1\nyes 1:2"), "data.txt, line 2: the label \"yes\" is not a number");
        assert_eq!(error("1 1:1\n0 1"), "data.txt, line 2: \"1\" is not index:value");
        assert_eq!(error("1 0:1"), "data.txt, line 1: the index of \"0:1\" is not a whole number from 1");
        assert_eq!(error("1 2:nan"), "data.txt, line 1: the value of \"2:nan\" is not a number");
        assert_eq!(
            error("1 2:1 1:1"),
            "data.txt, line 1: \"1:1\" is out of order; indices ascend, each occurs once"
        );
    }

    #[test]
    fn there_must_be_two_labels() {
        let needs = "data.txt: logistic regression needs two different labels, there are ";
        assert_eq!(error("\n"), format!("{needs}none: the file has no rows"));
        assert_eq!(error("1 1:1\n1 1:2"), format!("{needs}1, such as [1.0]"));
        assert_eq!(error("0\n1\n2\n3\n4\n5"), format!("{needs}more than 3, such as [0.0, 1.0, 2.0, 3.0]"));
    }
}
