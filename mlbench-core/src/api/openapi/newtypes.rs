//! Schemas of the types with a syntax of their own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::api::RunToken;
use crate::labels::{Params, Tags};
use crate::metric::{MetricName, MetricValue};
use crate::{PodName, RunId, RunName, Timestamp};

macro_rules! schema {
    ($($name:ident: $schema:tt,)+) => {
        $(impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        })+
    };
}

schema! {
    Timestamp: {
        "description": "Time in UTC with six fractional digits (RFC 3339). Texts sort by time.",
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$",
    },
    RunId: {
        "description": "Id of a run: 1, 2, 3 … in order of creation, never reused.",
        "type": "integer",
        "format": "int64",
        "minimum": 1,
    },
    RunName: {
        "description": "Name of a run, not unique: no control characters.",
        "type": "string",
        "minLength": 1,
        "maxLength": 100,
    },
    RunToken: {
        "description": "A token that may only report to one run, until that run has ended.",
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
    },
    PodName: {
        "description": "Name of a pod, a DNS-1123 subdomain.",
        "type": "string",
        "maxLength": 253,
        "pattern": super::field::POD_NAME,
    },
    MetricName: {
        "description": "Name of a metric, any text of 1 to 512 bytes in UTF-8.",
        "type": "string",
        "minLength": 1,
        "maxLength": 512,
    },
    MetricValue: {
        "description": "A number or any other text, byte for byte as it was sent.",
        "type": "string",
    },
    Params: {
        "description": "Parameters by name.",
        "type": "object",
        "additionalProperties": { "type": ["string", "number", "boolean"] },
    },
    Tags: {
        "description": "Tags by name.",
        "type": "object",
        "additionalProperties": { "type": "string" },
    },
}
