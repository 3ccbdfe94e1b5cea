//! Pages of points as Arrow record batches.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use mlbench_core::api::PointField;
use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::metric::MetricType;
use mlbench_core::storage::{PointRef, PointSink, ValueRef};
use mlbench_core::{MetricName, Timestamp};

/// Rows and bytes of texts of a full page.
const FULL_ROWS: usize = 8_192;
const FULL_BYTES: usize = 512 * 1_024;

/// The columns of a table of points.
#[derive(Debug)]
pub(in crate::http) struct TableLayout {
    /// The fields of each point.
    pub(in crate::http) fields: Vec<PointField>,
    /// Whether it has buckets instead of points.
    pub(in crate::http) buckets: bool,
    /// The kind of the owners.
    pub(in crate::http) owners: MetricType,
}

impl TableLayout {
    /// Returns the columns with their types.
    pub(super) fn schema(&self) -> SchemaRef {
        let text = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let owner = match self.owners {
            MetricType::Pod => Field::new("pod_name", text(), false),
            MetricType::Run => Field::new("run_id", DataType::Int64, false),
        };
        let mut columns = vec![owner, Field::new("name", text(), false)];
        if self.buckets {
            columns.extend(["start", "end"].map(|name| Field::new(name, date_type(), false)));
            columns.push(Field::new("count", DataType::Int64, false));
            let numbers = ["first", "last", "min", "max", "sum"];
            columns.extend(numbers.map(|name| Field::new(name, DataType::Float64, true)));
            [PointField::Step, PointField::Epoch].iter().for_each(|field| add_columns(&mut columns, *field));
        } else {
            self.fields.iter().for_each(|field| add_columns(&mut columns, *field));
        }
        Arc::new(Schema::new(columns))
    }
}

fn add_columns(columns: &mut Vec<Field>, field: PointField) {
    let name = field.as_str();
    match field {
        PointField::Date => columns.push(Field::new(name, date_type(), false)),
        PointField::Value => {
            columns.push(Field::new(name, DataType::Float64, true));
            columns.push(Field::new("value_text", DataType::Utf8, true));
        }
        PointField::Cumulative => columns.push(Field::new(name, DataType::Boolean, false)),
        PointField::Metadata => columns.push(Field::new(name, DataType::Utf8, false)),
        PointField::Step => columns.push(Field::new(name, DataType::Int64, true)),
        PointField::Epoch => columns.push(Field::new(name, DataType::Float64, true)),
    }
}

fn date_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Collects a page of the points of one owner.
pub(super) struct BatchSink {
    layout: Arc<TableLayout>,
    label: Arc<str>,
    /// The names of the series, and for each row the index of its own.
    names: Vec<MetricName>,
    keys: Vec<i32>,
    columns: Vec<Column>,
    bytes: usize,
}

impl BatchSink {
    pub(super) fn new(layout: &Arc<TableLayout>, label: &Arc<str>) -> Self {
        let columns = match layout.buckets {
            true => vec![Column::Buckets(Box::default())],
            false => layout.fields.iter().map(|field| Column::new(*field)).collect(),
        };
        let (layout, label) = (Arc::clone(layout), Arc::clone(label));
        Self { layout, label, names: Vec::new(), keys: Vec::new(), columns, bytes: 0 }
    }

    /// Returns the rows. `None` without any.
    pub(super) fn finish(self, schema: &SchemaRef) -> Result<Option<RecordBatch>, ArrowError> {
        let rows = self.keys.len();
        if rows == 0 {
            return Ok(None);
        }
        let owner: ArrayRef = match self.layout.owners {
            MetricType::Pod => dictionary(vec![0; rows], [&*self.label])?,
            MetricType::Run => Arc::new(Int64Array::from(vec![run_id(&self.label)?; rows])),
        };
        let names = dictionary(self.keys, self.names.iter().map(MetricName::as_str))?;
        let mut arrays = vec![owner, names];
        self.columns.into_iter().for_each(|column| column.finish(&mut arrays));
        RecordBatch::try_new(Arc::clone(schema), arrays).map(Some)
    }

    fn begin_rows(&mut self, count: usize) {
        let key = i32::try_from(self.names.len()).unwrap_or(i32::MAX) - 1;
        self.keys.resize(self.keys.len() + count, key);
    }
}

fn run_id(label: &str) -> Result<i64, ArrowError> {
    label.parse().map_err(|_| ArrowError::InvalidArgumentError(format!("run id {label}")))
}

fn dictionary<'a>(keys: Vec<i32>, texts: impl IntoIterator<Item = &'a str>) -> Result<ArrayRef, ArrowError> {
    let texts = StringArray::from_iter_values(texts);
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys), Arc::new(texts))?))
}

impl PointSink for BatchSink {
    fn series(&mut self, name: &MetricName) {
        if self.names.last() != Some(name) {
            self.bytes += name.as_str().len();
            self.names.push(name.clone());
        }
    }

    fn point(&mut self, point: PointRef<'_>) {
        self.begin_rows(1);
        for column in &mut self.columns {
            self.bytes += column.add(&point);
        }
    }

    fn numbers(&mut self, dates: &[i64], numbers: &[f64]) -> usize {
        let count = dates.len().min(FULL_ROWS.saturating_sub(self.keys.len()).max(1));
        self.begin_rows(count);
        for column in &mut self.columns {
            column.add_numbers(&dates[..count], &numbers[..count]);
        }
        count
    }

    fn bucket(&mut self, bucket: &Bucket) {
        self.begin_rows(1);
        for column in &mut self.columns {
            if let Column::Buckets(buckets) = column {
                buckets.add(bucket);
            }
        }
    }

    fn is_full(&self) -> bool {
        self.keys.len() >= FULL_ROWS || self.bytes >= FULL_BYTES
    }
}

/// The values of one field, which may have two columns.
enum Column {
    Date(TimestampMicrosecondBuilder),
    Value(Float64Builder, StringBuilder),
    Cumulative(BooleanBuilder),
    Metadata(StringBuilder),
    Step(Int64Builder),
    Epoch(Float64Builder),
    Buckets(Box<Buckets>),
}

impl Column {
    fn new(field: PointField) -> Self {
        match field {
            PointField::Date => Self::Date(TimestampMicrosecondBuilder::new()),
            PointField::Value => Self::Value(Float64Builder::new(), StringBuilder::new()),
            PointField::Cumulative => Self::Cumulative(BooleanBuilder::new()),
            PointField::Metadata => Self::Metadata(StringBuilder::new()),
            PointField::Step => Self::Step(Int64Builder::new()),
            PointField::Epoch => Self::Epoch(Float64Builder::new()),
        }
    }

    /// Appends the field of a point. Returns the number of bytes of its text.
    fn add(&mut self, point: &PointRef<'_>) -> usize {
        let details = point.details;
        match self {
            Self::Date(dates) => dates.append_value(point.date.as_micros()),
            Self::Value(numbers, texts) => return add_value(numbers, texts, point.value),
            Self::Cumulative(all) => all.append_value(details.is_some_and(|details| details.cumulative)),
            Self::Metadata(texts) => {
                let metadata = details.map_or("", |details| details.metadata);
                texts.append_value(metadata);
                return metadata.len();
            }
            Self::Step(steps) => steps.append_option(details.and_then(|details| details.step)),
            Self::Epoch(epochs) => epochs.append_option(details.and_then(|details| details.epoch)),
            Self::Buckets(_) => {}
        }
        0
    }

    /// Appends the field of points without details, whose numbers print as their values.
    fn add_numbers(&mut self, dates: &[i64], numbers: &[f64]) {
        match self {
            Self::Date(all) => all.append_slice(dates),
            Self::Value(all, texts) => {
                all.append_slice(numbers);
                texts.append_nulls(dates.len());
            }
            others => {
                for (date, number) in dates.iter().zip(numbers) {
                    let (date, value) = (Timestamp::from_micros(*date), ValueRef::of_number(*number));
                    others.add(&PointRef { date, value, details: None });
                }
            }
        }
    }

    fn finish(self, arrays: &mut Vec<ArrayRef>) {
        match self {
            Self::Date(dates) => arrays.push(dates_array(dates)),
            Self::Value(mut numbers, mut texts) => {
                arrays.push(Arc::new(numbers.finish()));
                arrays.push(Arc::new(texts.finish()));
            }
            Self::Cumulative(mut all) => arrays.push(Arc::new(all.finish())),
            Self::Metadata(mut texts) => arrays.push(Arc::new(texts.finish())),
            Self::Step(mut steps) => arrays.push(Arc::new(steps.finish())),
            Self::Epoch(mut epochs) => arrays.push(Arc::new(epochs.finish())),
            Self::Buckets(buckets) => buckets.finish(arrays),
        }
    }
}

/// Appends the number of a value, and its text where the number does not print as that.
fn add_value(numbers: &mut Float64Builder, texts: &mut StringBuilder, value: ValueRef<'_>) -> usize {
    let number = value.to_number();
    numbers.append_option(number.map(|(number, _)| number));
    if number.is_some_and(|(_, prints)| prints) {
        texts.append_null();
        return 0;
    }
    let text = value.to_string();
    texts.append_value(&text);
    text.len()
}

fn dates_array(mut dates: TimestampMicrosecondBuilder) -> ArrayRef {
    Arc::new(dates.finish().with_timezone("UTC"))
}

/// The columns of buckets.
#[derive(Default)]
struct Buckets {
    start: TimestampMicrosecondBuilder,
    end: TimestampMicrosecondBuilder,
    count: Int64Builder,
    /// First, last, smallest and largest number, and the sum.
    numbers: [Float64Builder; 5],
    step: Int64Builder,
    epoch: Float64Builder,
}

impl Buckets {
    fn add(&mut self, bucket: &Bucket) {
        let Bucket { start, end, count, first, last, min, max, sum, step, epoch } = *bucket;
        self.start.append_value(Timestamp::as_micros(start));
        self.end.append_value(Timestamp::as_micros(end));
        self.count.append_value(i64::try_from(count).unwrap_or(i64::MAX));
        for (numbers, number) in self.numbers.iter_mut().zip([first, last, min, max, sum]) {
            numbers.append_option(number);
        }
        self.step.append_option(step);
        self.epoch.append_option(epoch);
    }

    fn finish(self: Box<Self>, arrays: &mut Vec<ArrayRef>) {
        let Self { start, end, mut count, numbers, mut step, mut epoch } = *self;
        arrays.extend([dates_array(start), dates_array(end), Arc::new(count.finish())]);
        arrays.extend(numbers.map(|mut numbers| -> ArrayRef { Arc::new(numbers.finish()) }));
        arrays.push(Arc::new(step.finish()));
        arrays.push(Arc::new(epoch.finish()));
    }
}
