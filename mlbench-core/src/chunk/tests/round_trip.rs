//! Tests that chunks keep every point, and that headers and pages agree with the whole.

use proptest::prelude::*;

use super::row::{Row, columns, rows, sorted_rows};
use crate::chunk::{
    Columns, Encoded, Encoding, Fields, Header, MAX_POINTS, PAGE_POINTS, PageReader, PageSummary, decode,
    encode,
};
use crate::downsample::Progress;
use crate::storage::{PointDetails, ValueRef};
use crate::time::Timestamp;

const ALL: Fields = Fields { seqs: true, details: true };

/// Compares a chunk with its points in every way that it can be read.
fn check(points: &Columns, encoding: Encoding) {
    let Encoded { header, body } = encode(points, encoding);
    let header = Header::parse(&header).unwrap();
    let decoded = decode(&header, &body, ALL).unwrap();
    assert_eq!(&decoded, points);
    let bare = decode(&header, &body, Fields::default()).unwrap();
    assert_eq!((bare.seqs().len(), bare.details(0)), (0, None));
    check_header(&header, points);
    let mut reader = PageReader::new(&header, &body, Fields::default()).unwrap();
    let mut complete = PageReader::new(&header, &body, ALL).unwrap();
    let pages = points.len().div_ceil(PAGE_POINTS);
    // From the last, so that no page depends on the one before it.
    for page in (0..pages).rev() {
        let range = page * PAGE_POINTS..((page + 1) * PAGE_POINTS).min(points.len());
        let mut expected = Columns::default();
        expected.append_from(&bare, range.clone());
        let mut all = Columns::default();
        all.append_from(points, range);
        assert_eq!(complete.page(page).unwrap(), &all);
        let numbers = |columns: &[f64]| columns.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        let curve = reader.numbers(page).unwrap();
        assert_eq!(curve.dates, expected.dates());
        assert_eq!(numbers(curve.numbers), numbers(expected.numbers()));
        assert_eq!(reader.page(page).unwrap(), &expected);
        assert_eq!(reader.numbers(page).unwrap().dates, expected.dates());
        assert_eq!(reader.page(page).unwrap(), &expected);
    }
    assert!(reader.page(pages).is_err());
    for row in (0..points.len()).rev() {
        assert_eq!(
            Some(reader.progress(row).unwrap()),
            points.details(row).map(|details| details.progress())
        );
    }
    assert_eq!(reader.progress(points.len()).unwrap(), Progress::default());
}

fn check_header(header: &Header, points: &Columns) {
    let last = points.len() - 1;
    assert_eq!(header.count(), points.len());
    assert_eq!(header.first(), (points.date(0), points.seq(0)));
    assert_eq!(header.last(), (points.date(last), points.seq(last)));
    let seqs = || (0..points.len()).map(|index| points.seq(index));
    assert_eq!(header.seqs(), (seqs().min().unwrap(), seqs().max().unwrap()));
    let starts = (0..points.len()).step_by(PAGE_POINTS);
    assert_eq!(header.pages().len(), starts.len());
    for (page, start) in header.pages().iter().zip(starts) {
        check_summary(page, points, start..(start + PAGE_POINTS).min(points.len()));
        let sum = numbers(points, start..start + page.points as usize).fold(0.0, |sum, number| sum + number);
        assert_eq!(page.sum + 0.0, sum + 0.0);
    }
    check_summary(&header.summary(), points, 0..points.len());
}

fn check_summary(page: &PageSummary, points: &Columns, range: std::ops::Range<usize>) {
    let numbers = || numbers(points, range.clone());
    assert_eq!(page.points as usize, range.len());
    assert_eq!(page.count as usize, numbers().count());
    assert_eq!((page.start, page.end), (points.date(range.start), points.date(range.end - 1)));
    assert_eq!((page.first, page.last), (numbers().next(), numbers().last()));
    assert_eq!((page.min, page.max), (numbers().reduce(f64::min), numbers().reduce(f64::max)));
}

fn numbers(points: &Columns, range: std::ops::Range<usize>) -> impl Iterator<Item = f64> {
    range.filter_map(|index| points.number(index))
}

/// Creates points of a training: one value per 100 ms, a step each, every tenth arrival number.
fn training(points: usize, value: impl Fn(usize) -> String) -> Columns {
    let mut columns = Columns::with_capacity(points);
    for index in 0..points {
        let at = i64::try_from(index).unwrap();
        // Jitter of up to 3 ms without a random generator.
        let date = 1_700_000_000_000_000 + at * 100_000 + at * 7_919 % 6_000 - 3_000;
        let details = PointDetails { cumulative: false, metadata: "", step: Some(at), epoch: None };
        columns.push(Timestamp::from_micros(date), at * 10, ValueRef::Text(&value(index)), details);
    }
    columns
}

/// Returns a loss with noise, without a random generator.
fn loss(index: usize) -> f64 {
    let noise = (index * 7_919 % 10_007) as f64 / 10_007.0;
    2.0 / (1.0 + index as f64 / 1_000.0) + noise / 10.0
}

fn size(points: &Columns, encoding: Encoding) -> f64 {
    let Encoded { header, body } = encode(points, encoding);
    (header.len() + body.len()) as f64 / points.len() as f64
}

#[test]
fn every_number_of_points_around_the_pages_reads_back() {
    for points in [1, 2, 3, 255, 256, 257, 511, 512, 513, 1_000] {
        for encoding in [Encoding::Plain, Encoding::Packed] {
            check(&training(points, |index| loss(index).to_string()), encoding);
        }
    }
}

#[test]
fn the_largest_chunk_reads_back() {
    let points = training(MAX_POINTS, |index| format!("{:.3}", loss(index)));
    for encoding in [Encoding::Plain, Encoding::Packed] {
        let Encoded { header, body } = encode(&points, encoding);
        let header = Header::parse(&header).unwrap();
        assert_eq!(decode(&header, &body, ALL).unwrap(), points);
    }
}

/// Returns bits without a pattern, by the finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(bits: u64) -> u32 {
    let bits = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 32) as u32
}

/// Returns the dates of points that a clock measures every 100 ms, each up to 6 ms late, without a pattern.
fn jittered(points: i64) -> Vec<Row> {
    let late = |at: i64| i64::from(mixed(at.cast_unsigned()) % 6_000);
    (0..points).map(|at| Row::new(1_700_000_000_000_000 + at * 100_000 + late(at), at, "0.5")).collect()
}

#[test]
fn dates_with_jitter_take_the_bytes_of_the_jitter() {
    for count in [1_023, 1_024, 1_100, 5_000] {
        check(&columns(&jittered(count)), Encoding::Packed);
    }
    // 6,000 different numbers take 12.6 bits.
    let body = encode(&columns(&jittered(16_384)), Encoding::Packed).body;
    let bytes = body.len() as f64 / 16_384.0;
    assert!((1.57..1.66).contains(&bytes), "{bytes}");
}

#[test]
fn a_chunk_of_version_1_reads_back() {
    let (header, body) = include_bytes!("version1.chunk").split_at(95);
    assert_eq!(header[0], 1);
    let header = Header::parse(header).unwrap();
    let points = decode(&header, body, ALL).unwrap();
    assert_eq!(points.len(), 300);
    for at in 0..300_i64 {
        let row = usize::try_from(at).unwrap();
        let late = points.dates()[row] - 1_767_225_600_000_000 - at * 100_000;
        assert!((0..6_000).contains(&late), "{late}");
        let value =
            if at == 7 { "NaN".to_owned() } else { format!("{:?}", (at * 37 % 1_000) as f64 / 1_000.0) };
        assert_eq!(points.value(row).to_string(), value);
        assert_eq!(points.details(row).and_then(|details| details.step), Some(at));
    }
    check(&points, Encoding::Packed);
}

#[test]
fn chunks_of_texts_only_read_back() {
    for values in [&["NaN"][..], &["1.50", "2.50"], &["a", "", "b", "NaN"]] {
        let all: Vec<Row> = (0..600).map(|at| Row::new(at, at, values[at as usize % values.len()])).collect();
        for encoding in [Encoding::Plain, Encoding::Packed] {
            check(&columns(&all), encoding);
        }
    }
}

#[test]
fn a_point_of_a_training_takes_a_few_bytes() {
    let single = training(4_096, |index| f64::from(loss(index) as f32).to_string());
    let printed = training(4_096, |index| (loss(index) as f32).to_string());
    let decimal = training(4_096, |index| format!("{:.4}", loss(index)).trim_end_matches('0').to_owned());
    let constant = training(4_096, |_| "1".to_owned());
    for (points, encoding, most) in [
        (&single, Encoding::Packed, 4.8),
        (&decimal, Encoding::Packed, 3.7),
        (&constant, Encoding::Packed, 1.9),
        (&single, Encoding::Plain, 8.5),
        (&printed, Encoding::Plain, 8.5),
        (&decimal, Encoding::Plain, 6.5),
        (&constant, Encoding::Plain, 4.5),
    ] {
        let size = size(points, encoding);
        assert!(size < most, "{size} bytes in {encoding:?}");
    }
}

#[test]
fn equal_columns_take_a_few_bytes_whatever_the_count() {
    let mut all: Vec<Row> = (0..2_000).map(|at| Row::new(at * 1_000, at, "0.5")).collect();
    for row in &mut all {
        row.metadata = "phase=eval".to_owned();
        (row.cumulative, row.epoch) = (true, Some(0.25));
    }
    for encoding in [Encoding::Plain, Encoding::Packed] {
        let body = encode(&columns(&all), encoding).body;
        assert!(body.len() < 100, "{} bytes", body.len());
    }
}

#[test]
fn a_header_takes_less_than_a_third_of_a_byte_per_point() {
    for points in [training(16_384, |index| loss(index).to_string()), training(16_384, |_| "NaN".to_owned())]
    {
        let header = encode(&points, Encoding::Packed).header;
        assert!(header.len() * 10 < points.len() * 3, "{} bytes", header.len());
    }
}

#[test]
fn the_largest_numbers_and_the_finest_decimals_read_back() {
    let values = [
        "9223372036854775807",
        "-9223372036854775808",
        "9007199254740992",
        "-0",
        "0.000001",
        "-0.0000001",
        "123456789.123457",
        "4503599627370497.5",
        "340282346638528860000000000000000000000",
        "5e-324",
    ];
    for first in values {
        for second in values {
            let all = [first, second, "0.5"].map(|value| Row::new(0, 0, value));
            for encoding in [Encoding::Plain, Encoding::Packed] {
                check(&columns(&all), encoding);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_point_reads_back_byte_for_byte(all in sorted_rows(700)) {
        let points = columns(&all);
        for encoding in [Encoding::Plain, Encoding::Packed] {
            check(&points, encoding);
            let Encoded { header, body } = encode(&points, encoding);
            let decoded = decode(&Header::parse(&header).unwrap(), &body, ALL).unwrap();
            prop_assert_eq!(&rows(&decoded), &all);
        }
    }
}
