//! Tests of whole chunks.

use super::*;
use crate::storage::{PointDetails, ValueRef};
use crate::time::Timestamp;

fn columns(values: &[&str]) -> Columns {
    let mut columns = Columns::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        let at = i64::try_from(at).unwrap();
        let details = PointDetails {
            step: (at % 3 != 0).then_some(at * 10),
            epoch: (at % 2 == 0).then_some(at as f64 / 4.0),
            cumulative: at % 5 == 0,
            metadata: if at % 7 == 0 { "" } else { "phase=eval" },
        };
        columns.push(Timestamp::from_micros(1_000_000 + at * 7), at * at, ValueRef::Text(value), details);
    }
    columns
}

const ALL: Fields = Fields { seqs: true, details: true };

#[test]
fn every_point_reads_back_in_both_encodings() {
    let texts = ["1", "0.5", "NaN", "1.50", "-0", "", "1e-05", "9007199254740993", "0.30000000000000004"];
    let values: Vec<&str> = texts.into_iter().cycle().take(1000).collect();
    let points = columns(&values);
    for encoding in [Encoding::Plain, Encoding::Packed] {
        let Encoded { header, body } = encode(&points, encoding);
        let header = Header::parse(&header).unwrap();
        let decoded = decode(&header, &body, ALL).unwrap();
        assert_eq!(decoded, points);
        for (at, value) in values.iter().enumerate() {
            assert_eq!(decoded.value(at).to_string(), *value);
        }
        let mut pages = PageReader::new(&header, &body).unwrap();
        assert_eq!(pages.page(3).unwrap().value(999 - 768).to_string(), values[999]);
    }
}
