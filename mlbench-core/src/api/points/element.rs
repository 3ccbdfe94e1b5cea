//! Elements of an array, which should be points.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::scan::is_column;
use crate::api::field_value::FieldValue;
use crate::api::fields::Fields;
use crate::api::new_metric::NewMetric;
use crate::error::{Error, ErrorCode, Result};

/// An element of an array of points.
pub(super) enum Element<'a> {
    Point(RawPoint<'a>),
    Other,
}

impl Element<'_> {
    /// Returns whether the element is a series in columns.
    pub(super) fn is_series(&self) -> bool {
        match self {
            Element::Point(RawPoint { fields }) => {
                fields.iter().any(|(name, raw)| is_column(name) && raw.get().starts_with('['))
            }
            Element::Other => false,
        }
    }

    /// Parses the element as a point, on the general path.
    pub(super) fn parse(self) -> Result<NewMetric> {
        match self {
            Element::Point(RawPoint { fields }) => {
                let all = fields.into_iter().map(|(name, raw)| (name, FieldValue::Json(raw.to_owned())));
                NewMetric::from_fields(Fields::new(all.collect()))
            }
            Element::Other => Err(Error::new(ErrorCode::Malformed, "point: must be a JSON object")),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Element<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push(field);
                }
                Ok(Element::Point(RawPoint { fields }))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                while array.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Element::Other)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Element::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The unparsed fields of a point.
pub(super) struct RawPoint<'a> {
    fields: Vec<(String, &'a RawValue)>,
}
