//! Damaged and torn files, and values of every kind.

use prost::Message as _;

use super::event::Plugins;
use super::messages::{
    Content, Dimension, Event, Hyperparameter, HyperparameterKind, Hyperparameters, Metadata, PluginData,
    SessionStart, Shape, Summary, Tensor, Unread, Value, What,
};
use super::read;
use super::record::masked;
use super::tensor::{DOUBLE, FLOAT, HALF, INT64};
use crate::commands::import::batch::{Batch, Position, Stop};

fn record(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    let checksum = |bytes: &[u8]| masked(crc32c::crc32c(bytes)).to_le_bytes();
    [&length[..], &checksum(&length), content, &checksum(content)].concat()
}

fn event(step: i64, what: What) -> Vec<u8> {
    record(&Event { wall_time: 1_533_288_089.5, step, what: Some(what) }.encode_to_vec())
}

fn value(tag: &str, plugin: Option<(&str, Vec<u8>)>, content: Option<Content>) -> Value {
    let plugin = plugin.map(|(name, content)| PluginData { plugin_name: name.to_owned(), content });
    Value { tag: tag.to_owned(), metadata: plugin.map(|data| Metadata { plugin_data: Some(data) }), content }
}

fn summary(step: i64, value: Value) -> Vec<u8> {
    event(step, What::Summary(Summary { value: vec![value] }))
}

fn scalar(step: i64) -> Vec<u8> {
    summary(step, value("loss", None, Some(Content::SimpleValue(0.1))))
}

fn read_bytes(bytes: &[u8]) -> Batch {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    read(file.path(), Position::default(), &mut Plugins::new()).unwrap()
}

fn steps(batch: &Batch) -> Vec<i64> {
    batch.points.iter().filter_map(|point| point.step).collect()
}

#[test]
fn a_file_that_ends_anywhere_gives_the_whole_records_before() {
    let file = [scalar(1), scalar(2), scalar(3)].concat();
    let length = file.len() / 3;
    for end in 0..=file.len() {
        let batch = read_bytes(&file[..end]);
        let whole = end / length;
        assert_eq!(steps(&batch), (1..=whole as i64).collect::<Vec<_>>(), "{end}");
        let stop = if end % length == 0 { Stop::End } else { Stop::Incomplete };
        assert_eq!((batch.end.byte, batch.stop), ((whole * length) as u64, stop), "{end}");
    }
}

#[test]
fn a_changed_byte_ends_the_reading_at_its_record() {
    let file = [scalar(1), scalar(2), scalar(3)].concat();
    let length = file.len() / 3;
    for at in length..2 * length {
        let mut damaged = file.clone();
        damaged[at] ^= 4;
        let batch = read_bytes(&damaged);
        assert_eq!((steps(&batch), batch.end.byte), (vec![1], length as u64), "{at}");
        let Stop::Damaged(problem) = batch.stop else { panic!("{at}: {:?}", batch.stop) };
        assert!(problem.ends_with("has a wrong checksum"), "{problem}");
    }
}

#[test]
fn a_huge_length_takes_no_memory() {
    for (length, stop) in [
        (1_u64 << 60, Some("a record of 1152921504606846976 bytes is longer than any event")),
        // It may still be written.
        (1 << 30, None),
    ] {
        let length = length.to_le_bytes();
        let header = [&length[..], &masked(crc32c::crc32c(&length)).to_le_bytes(), b"abc"].concat();
        let batch = read_bytes(&[scalar(1), header].concat());
        let stop = stop.map_or(Stop::Incomplete, |problem| Stop::Damaged(problem.to_owned()));
        assert_eq!((steps(&batch), batch.stop), (vec![1], stop));
    }
}

#[test]
fn a_long_record_is_checked_and_left_out() {
    let mut long = record(&vec![7; 65 << 20]);
    let file = |long: &[u8]| [&scalar(1)[..], long, &scalar(2)].concat();
    let batch = read_bytes(&file(&long));
    assert_eq!((steps(&batch), batch.stop), (vec![1, 2], Stop::End));
    assert_eq!(batch.left_out["events over 64 MiB"], 1);
    long[1 << 20] ^= 1;
    let batch = read_bytes(&file(&long));
    assert_eq!(steps(&batch), [1]);
    assert!(matches!(batch.stop, Stop::Damaged(_)));
}

#[test]
fn a_record_that_is_no_event_is_damage() {
    let batch = read_bytes(&[scalar(1), record(b"\xff\xff\xff")].concat());
    let Stop::Damaged(problem) = batch.stop else { panic!("{:?}", batch.stop) };
    assert!(problem.starts_with("a record is no event of TensorBoard: "), "{problem}");
}

#[test]
fn scalars_of_every_kind_are_points() {
    let shape = |sizes: &[i64]| Shape { dim: sizes.iter().map(|&size| Dimension { size }).collect() };
    let tensor = |dtype| Tensor { dtype, shape: Some(shape(&[])), ..Tensor::default() };
    let scalars = || Some(("scalars", Vec::new()));
    let of = |tag: &str, tensor: Tensor| value(tag, scalars(), Some(Content::Tensor(Box::new(tensor))));
    let file = [
        summary(1, value("simple", None, Some(Content::SimpleValue(0.1)))),
        summary(2, of("float", Tensor { float_val: vec![0.1], ..tensor(FLOAT) })),
        summary(3, of("bytes", Tensor { content: 0.1_f64.to_le_bytes().to_vec(), ..tensor(DOUBLE) })),
        summary(4, of("half", Tensor { half_val: vec![0x3c00], ..tensor(HALF) })),
        summary(5, of("whole", Tensor { int64_val: vec![i64::MIN], ..tensor(INT64) })),
        // Only the first value of a tag names its plugin.
        summary(
            6,
            value(
                "float",
                None,
                Some(Content::Tensor(Box::new(Tensor { float_val: vec![2.0], ..tensor(FLOAT) }))),
            ),
        ),
        summary(
            7,
            of("one of one", Tensor { double_val: vec![7.0], shape: Some(shape(&[1, 1])), ..tensor(DOUBLE) }),
        ),
    ];
    let batch = read_bytes(&file.concat());
    let points: Vec<String> = batch
        .points
        .iter()
        .map(|point| format!("{} {} {}", point.step.unwrap(), point.name, point.value))
        .collect();
    let expected = [
        "1 simple 0.1",
        "2 float 0.1",
        "3 bytes 0.1",
        "4 half 1",
        "5 whole -9223372036854775808",
        "6 float 2",
        "7 one of one 7",
    ];
    assert_eq!(points, expected);
    assert_eq!(batch.points[0].date.unwrap().to_string(), "2018-08-03T09:21:29.500000Z");
    assert!(batch.left_out.is_empty(), "{:?}", batch.left_out);
}

#[test]
fn what_is_no_scalar_is_counted_by_kind() {
    let vector = Tensor { dtype: FLOAT, float_val: vec![1.0, 2.0], shape: None, ..Tensor::default() };
    let content = Some(Content::Tensor(Box::new(vector)));
    let file = [
        event(0, What::FileVersion(b"brain.Event:2".to_vec())),
        event(0, What::GraphDef(vec![1, 2, 3])),
        summary(1, value("a", None, Some(Content::Image(Unread {})))),
        summary(1, value("b", None, Some(Content::Histogram(Unread {})))),
        summary(1, value("c", Some(("pr_curves", Vec::new())), content.clone())),
        summary(2, value("c", None, content.clone())),
        summary(3, value("d", None, content)),
        summary(4, value("", None, Some(Content::SimpleValue(1.0)))),
    ];
    let batch = read_bytes(&file.concat());
    assert!(batch.points.is_empty());
    let counts: Vec<String> = batch.left_out.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    // The vector without a shape has the number of elements of a scalar, but not its content.
    let expected = [
        "graphs 1",
        "histograms 1",
        "images 1",
        "pr_curves 2",
        "tensors 1",
        "values whose tag has not 1 to 512 bytes 1",
    ];
    assert_eq!(counts, expected);
}

#[test]
fn hyperparameters_are_parameters() {
    let of = |kind| Hyperparameter { kind: Some(kind) };
    let values = [
        ("lr".to_owned(), of(HyperparameterKind::Number(0.5))),
        ("opt".to_owned(), of(HyperparameterKind::Text("adam".to_owned()))),
        ("deep".to_owned(), of(HyperparameterKind::Bool(true))),
        ("none".to_owned(), Hyperparameter { kind: None }),
    ];
    let start = Hyperparameters { session_start: Some(SessionStart { values: values.into() }) };
    let file =
        summary(0, value("_hparams_/session_start_info", Some(("hparams", start.encode_to_vec())), None));
    let mut batch = read_bytes(&file);
    batch.params.sort_by(|(one, _), (other, _)| one.cmp(other));
    let params: Vec<String> = batch.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(params, ["deep=true", "lr=0.5", "opt=adam"]);
    assert_eq!(batch.left_out["hyperparameters without a plain value"], 1);
}
