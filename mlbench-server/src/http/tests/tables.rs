//! Points as Arrow and Parquet: the same points as in JSON, with types.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{ArrowError, DataType};
use bytes::Bytes;
use mlbench_core::{MetricValue, Timestamp};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value, json};

use super::fakes::PODS;
use super::harness::{Api, ApiResponse};

const TYPES: [(&str, &str); 2] =
    [("arrow", "application/vnd.apache.arrow.stream"), ("parquet", "application/vnd.apache.parquet")];

/// Reads a table of either format.
fn batches(response: &ApiResponse) -> Vec<RecordBatch> {
    let body: Bytes = response.body.clone();
    let read: Result<Vec<RecordBatch>, ArrowError> = match response.header("content-type") {
        "application/vnd.apache.arrow.stream" => StreamReader::try_new(&*body, None).unwrap().collect(),
        "application/vnd.apache.parquet" => {
            ParquetRecordBatchReaderBuilder::try_new(body).unwrap().build().unwrap().collect()
        }
        other => panic!("{other}: {response:?}"),
    };
    read.unwrap()
}

/// Returns the item of a column as JSON prints it.
fn cell(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        // JSON has no non-finite numbers: the value of a metric is a text there.
        DataType::Float64 => {
            MetricValue::from(column.as_primitive::<Float64Type>().value(row)).as_str().into()
        }
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Timestamp(_, Some(zone)) if &**zone == "UTC" => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            Timestamp::from_micros(micros).to_string().into()
        }
        DataType::Dictionary(_, _) => {
            let texts = column.as_dictionary::<Int32Type>().downcast_dict::<StringArray>().unwrap();
            texts.values().value(usize::try_from(texts.keys().value(row)).unwrap()).into()
        }
        other => panic!("{other}"),
    }
}

/// Returns the rows of a table as objects.
fn rows(response: &ApiResponse) -> Vec<Map<String, Value>> {
    let mut rows = Vec::new();
    for batch in batches(response) {
        for row in 0..batch.num_rows() {
            let schema = batch.schema();
            let names = schema.fields().iter().map(|field| field.name().clone());
            rows.push(names.zip(batch.columns().iter().map(|column| cell(column, row))).collect());
        }
    }
    rows
}

/// Makes of a row of a table the line of NDJSON that has the same point.
fn as_line(mut row: Map<String, Value>) -> Value {
    if let Some(text) = row.remove("value_text")
        && !text.is_null()
    {
        row["value"] = text;
    }
    for number in ["epoch", "first", "last", "min", "max", "sum"] {
        if let Some(Value::String(text)) = row.get(number) {
            row[number] = serde_json::from_str(text).unwrap();
        }
    }
    row.into()
}

async fn compare(api: &Api, path: &str) -> usize {
    let lines = api.get(&format!("{path}&format=ndjson")).await;
    let lines: Vec<Value> = lines
        .body
        .split_inclusive(|b| *b == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    for (format, media) in TYPES {
        let response = api.get(&format!("{path}&format={format}")).await;
        assert_eq!(response.header("content-type"), media);
        assert!(!response.header("mlbench-cursor").is_empty());
        let rows: Vec<Value> = rows(&response).into_iter().map(as_line).collect();
        assert_eq!(rows, lines, "{path} as {format}");
    }
    lines.len()
}

/// Stores series of two runs and a pod with every kind of value.
async fn filled() -> Api {
    let api = Api::start().await;
    let runs = [api.ended_run("a").await.id, api.ended_run("b").await.id];
    let values = r#"0.5, 1.50, "NaN", Infinity, -Infinity, "inf", "text ü", "", -0, 9007199254740993, 123456789012, 0.1e-3, 1e300"#;
    let owners = [
        format!("\"run_id\":{}", runs[0]),
        format!("\"run_id\":{}", runs[1]),
        format!("\"pod_name\":\"{}\"", PODS[0]),
    ];
    for owner in &owners {
        let many: Vec<f64> = (0..250).map(|i| f64::from(i) * 0.37).collect();
        let body = format!(
            r#"[{{{owner},"name":"ü/%@ 0","value":[{values}],"step":[1,2,null,4,5,6,7,8,9,10,11,12,13],"epoch":0.5}},
                {{{owner},"name":"many","value":{},"step":{},"cumulative":true,"metadata":"m"}}]"#,
            json!(many),
            json!((0..250).collect::<Vec<i64>>())
        );
        assert_eq!(api.post("/api/metrics/batch/", &body).await.json()["accepted"], 263);
    }
    api
}

#[tokio::test]
async fn a_table_has_the_points_of_ndjson() {
    let api = filled().await;
    for (path, count) in [
        (format!("/api/metrics/{}?fields=date,value,cumulative,metadata,step,epoch", PODS[0]), 263),
        ("/api/metrics/1?metric_type=run".to_owned(), 263),
        ("/api/metrics/?metric_type=run&fields=epoch,value,step".to_owned(), 526),
        ("/api/metrics/?metric_type=run&last_n=1".to_owned(), 4),
        ("/api/metrics/?metric_type=pod&fields=metadata".to_owned(), 263),
        ("/api/metrics/1?metric_type=run&summarize=10".to_owned(), 20),
        ("/api/metrics/?metric_type=run&metric_filter=many&downsample=minmax&points=7".to_owned(), 14),
        ("/api/metrics/1?metric_type=run&metric_filter=none".to_owned(), 0),
    ] {
        assert_eq!(compare(&api, &path).await, count, "{path}");
    }
}

#[tokio::test]
async fn a_text_is_beside_the_number_only_where_they_differ() {
    let api = filled().await;
    for (format, _) in TYPES {
        let path = format!("/api/metrics/1?metric_type=run&metric_filter=%C3%BC/%25@+0&format={format}");
        let rows = rows(&api.get(&path).await);
        let cells: Vec<_> =
            rows.iter().map(|row| (row["value"].clone(), row["value_text"].clone())).collect();
        let number = |text: &str| (json!(text), Value::Null);
        let both = |number: &str, text: &str| (json!(number), json!(text));
        let expected = [
            number("0.5"),
            both("1.5", "1.50"),
            number("NaN"),
            number("Infinity"),
            number("-Infinity"),
            both("Infinity", "inf"),
            (Value::Null, json!("text ü")),
            (Value::Null, json!("")),
            number("-0"),
            both("9007199254740992", "9007199254740993"),
            number("123456789012"),
            both("0.0001", "0.1e-3"),
            both(&MetricValue::from(1e300).to_string(), "1e300"),
        ];
        assert_eq!(cells, expected);
    }
}

#[tokio::test]
async fn a_table_is_chosen_by_accept() {
    let api = Api::start().await;
    for (format, media) in TYPES {
        let headers = [("accept", media)];
        let response = api.call(hyper::Method::GET, "/api/metrics/?metric_type=run", &headers, "").await;
        assert_eq!(response.header("content-type"), media, "{format}");
        assert_eq!(rows(&response), [], "an empty table is a table");
    }
    let response = api.call(hyper::Method::GET, "/api/metrics/", &[("accept", "*/*")], "").await;
    assert_eq!(response.header("content-type"), "application/json");
}
