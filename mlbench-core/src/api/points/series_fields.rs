//! The columns of a series: an array for each field, or one value for all points.

use serde_json::value::RawValue;

use super::scan::{Item, Plain, Scanner};
use crate::api::field_value::FieldValue;
use crate::api::fields::Fields;
use crate::api::new_metric::missing;
use crate::error::{Error, Result};
use crate::number::whole;
use crate::storage::{Column, RejectedItem, SeriesColumns, ValueColumn};
use crate::time::Timestamp;

/// The fields that may be arrays.
pub(super) const COLUMNS: [&str; 6] = ["date", "value", "cumulative", "metadata", "step", "epoch"];

/// Collects the columns of a series in any order.
pub(super) struct ColumnsBuilder {
    now: Timestamp,
    /// The most items of a column.
    room: usize,
    values: Option<ValueColumn>,
    dates: Column<Timestamp>,
    steps: Column<Option<i64>>,
    epochs: Column<Option<f64>>,
    cumulative: Column<bool>,
    metadata: Column<Box<str>>,
    errors: Vec<ItemError>,
}

/// Why a body is refused.
///
/// Passed on instead of an [`Error`] where the general path may still read the body.
pub(super) enum Failure {
    /// It is no JSON, or has non-finite numbers where only the general path accepts them.
    Syntax,
    TooMany,
    Refused(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

struct ItemError {
    item: usize,
    field: &'static str,
    error: Error,
}

impl ColumnsBuilder {
    pub(super) fn new(now: Timestamp, room: usize) -> Self {
        Self {
            now,
            room,
            values: None,
            dates: Column::Same(now),
            steps: Column::Same(None),
            epochs: Column::Same(None),
            cumulative: Column::Same(false),
            metadata: Column::Same(Box::default()),
            errors: Vec::new(),
        }
    }

    /// Reads the value of a field. Returns whether it is a column.
    ///
    /// Else the scanner stays where it is. The last of a repeated field counts.
    pub(super) fn read(&mut self, name: &str, scanner: &mut Scanner<'_>) -> Result<bool, Failure> {
        let now = self.now;
        match name {
            "value" => self.values = Some(self.values(scanner)?),
            "date" => self.dates = self.column("date", scanner, now, |item| date(item, now))?,
            "step" => self.steps = self.column("step", scanner, None, step)?,
            "epoch" => self.epochs = self.column("epoch", scanner, None, epoch)?,
            "cumulative" => self.cumulative = self.column("cumulative", scanner, false, cumulative)?,
            "metadata" => self.metadata = self.column("metadata", scanner, Box::default(), metadata)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Returns the points, and the items that are none.
    pub(super) fn finish(self) -> Result<(SeriesColumns, Vec<RejectedItem>)> {
        let Self { values, dates, steps, epochs, cumulative, metadata, mut errors, .. } = self;
        let values = values.ok_or_else(|| missing("value"))?;
        let count = values.len();
        check_length("step", &steps, count)?;
        check_length("epoch", &epochs, count)?;
        check_length("date", &dates, count)?;
        check_length("cumulative", &cumulative, count)?;
        check_length("metadata", &metadata, count)?;

        let mut points = SeriesColumns { values, dates, steps, epochs, cumulative, metadata };
        errors.sort_by_key(|error| error.item);
        errors.dedup_by_key(|error| error.item);
        if !errors.is_empty() {
            points.remove(&errors.iter().map(|error| error.item).collect::<Vec<_>>());
        }
        let rejected =
            errors.into_iter().map(|ItemError { item, error, .. }| RejectedItem { item: item as u64, error });
        Ok((points, rejected.collect()))
    }

    fn values(&mut self, scanner: &mut Scanner<'_>) -> Result<ValueColumn, Failure> {
        self.errors.retain(|error| error.field != "value");
        if !scanner.take(b'[') {
            return Err(Error::invalid("value", "must be an array, one value for each point").into());
        }
        let (mut values, errors) = (ValueColumn::default(), &mut self.errors);
        each(scanner, self.room, |item| {
            if let Err(error) = push_value(&mut values, item) {
                errors.push(ItemError { item: values.len(), field: "value", error });
                values.push("");
            }
        })?;
        Ok(values)
    }

    /// Reads one value or an array.
    ///
    /// Bad items become `placeholder`, with an error that removes their points in the end.
    fn column<T: Clone>(
        &mut self,
        field: &'static str,
        scanner: &mut Scanner<'_>,
        placeholder: T,
        parse: impl Fn(Item<'_>) -> Result<T>,
    ) -> Result<Column<T>, Failure> {
        self.errors.retain(|error| error.field != field);
        if !scanner.take(b'[') {
            return Ok(Column::Same(parse(scanner.item().ok_or(Failure::Syntax)?)?));
        }
        let (mut values, errors) = (Vec::new(), &mut self.errors);
        each(scanner, self.room, |item| {
            let value = parse(item).unwrap_or_else(|error| {
                errors.push(ItemError { item: values.len(), field, error });
                placeholder.clone()
            });
            values.push(value);
        })?;
        Ok(Column::Each(values))
    }
}

/// Passes on each item of an array whose bracket was taken.
fn each(scanner: &mut Scanner<'_>, room: usize, mut receive: impl FnMut(Item<'_>)) -> Result<(), Failure> {
    let (mut count, mut more) = (0, !scanner.take(b']'));
    while more {
        if count == room {
            return Err(Failure::TooMany);
        }
        receive(scanner.item().ok_or(Failure::Syntax)?);
        count += 1;
        more = scanner.take(b',');
        if !more && !scanner.take(b']') {
            return Err(Failure::Syntax);
        }
    }
    Ok(())
}

fn check_length<T>(field: &str, column: &Column<T>, values: usize) -> Result<()> {
    match column {
        Column::Each(items) if items.len() != values => {
            let problem = format_args!(
                "has {} items, value has {values}; send arrays of the same length, or one {field} for all points",
                items.len()
            );
            Err(Error::invalid(field, problem))
        }
        _ => Ok(()),
    }
}

/// Returns a value for the general path.
pub(super) fn value(item: Item<'_>) -> FieldValue {
    match item {
        Item::Null => FieldValue::Json(RawValue::NULL.to_owned()),
        Item::Raw(raw) => FieldValue::Json(raw.to_owned()),
        Item::Plain(Plain::Text(text)) => FieldValue::Text(text.into_owned()),
        // Non-finite numbers are no JSON.
        Item::Plain(Plain::Bare(bare)) => RawValue::from_string(bare.to_owned())
            .map_or_else(|_| FieldValue::Text(bare.to_owned()), FieldValue::Json),
    }
}

/// Parses an unusual item as a single `POST` would.
fn general<T>(field: &'static str, item: Item<'_>, parse: impl Fn(&mut Fields) -> Result<T>) -> Result<T> {
    parse(&mut Fields::new(vec![(field.to_owned(), value(item))]))
}

fn push_value(values: &mut ValueColumn, item: Item<'_>) -> Result<()> {
    match item {
        Item::Plain(Plain::Text(text)) => values.push(&text),
        Item::Plain(Plain::Bare(number)) if !matches!(number, "true" | "false") => values.push(number),
        item => {
            let text = general("value", item, |fields| fields.text_or_number("value"))?;
            values.push(&text.ok_or_else(|| missing("value"))?);
        }
    }
    Ok(())
}

fn date(item: Item<'_>, now: Timestamp) -> Result<Timestamp> {
    if let Item::Plain(plain) = &item
        && let Ok(date) = plain.as_str().parse()
    {
        return Ok(date);
    }
    general("date", item, |fields| fields.parsed("date")).map(|date| date.unwrap_or(now))
}

fn step(item: Item<'_>) -> Result<Option<i64>> {
    if let Item::Plain(plain) = &item
        && let Some(step) = plain.as_str().parse().ok().or_else(|| whole(plain.as_str()))
    {
        return Ok(Some(step));
    }
    general("step", item, |fields| fields.signed_integer("step"))
}

fn epoch(item: Item<'_>) -> Result<Option<f64>> {
    if let Item::Plain(plain) = &item
        && let Some(epoch) = plain.as_str().parse().ok().filter(|epoch: &f64| epoch.is_finite())
    {
        return Ok(Some(epoch));
    }
    general("epoch", item, |fields| fields.finite("epoch"))
}

fn cumulative(item: Item<'_>) -> Result<bool> {
    match item {
        Item::Plain(Plain::Bare("true")) => Ok(true),
        Item::Plain(Plain::Bare("false")) => Ok(false),
        item => general("cumulative", item, |fields| fields.boolean("cumulative"))
            .map(|cumulative| cumulative.unwrap_or(false)),
    }
}

fn metadata(item: Item<'_>) -> Result<Box<str>> {
    match item {
        Item::Plain(Plain::Text(text)) => Ok(text.into()),
        item => general("metadata", item, |fields| fields.text_or_structure("metadata"))
            .map(|text| text.unwrap_or_default().into()),
    }
}
