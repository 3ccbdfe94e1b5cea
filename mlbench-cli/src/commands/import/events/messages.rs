//! The messages of TensorBoard, with the fields that matter here. Others are passed over.

use std::collections::HashMap;

/// One entry of an event file.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    #[prost(oneof = "What", tags = "3, 4, 5, 6, 7, 8, 9, 10")]
    pub(super) what: Option<What>,
}

/// What an event is about.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum What {
    #[prost(bytes, tag = "3")]
    FileVersion(Vec<u8>),
    #[prost(bytes, tag = "4")]
    GraphDef(Vec<u8>),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "6")]
    LogMessage(Unread),
    #[prost(message, tag = "7")]
    SessionLog(Unread),
    #[prost(message, tag = "8")]
    RunMetadata(Unread),
    #[prost(bytes, tag = "9")]
    MetaGraphDef(Vec<u8>),
    #[prost(message, tag = "10")]
    SourceMetadata(Unread),
}

/// A message whose fields do not matter.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Unread {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(super) value: Vec<Value>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(message, optional, tag = "9")]
    pub(super) metadata: Option<Metadata>,
    #[prost(oneof = "Content", tags = "2, 3, 4, 5, 6, 8")]
    pub(super) content: Option<Content>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Content {
    #[prost(float, tag = "2")]
    SimpleValue(f32),
    #[prost(bytes, tag = "3")]
    OldHistogram(Vec<u8>),
    #[prost(message, tag = "4")]
    Image(Unread),
    #[prost(message, tag = "5")]
    Histogram(Unread),
    #[prost(message, tag = "6")]
    Audio(Unread),
    #[prost(message, boxed, tag = "8")]
    Tensor(Box<Tensor>),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub(super) plugin_data: Option<PluginData>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PluginData {
    #[prost(string, tag = "1")]
    pub(super) plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) content: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Tensor {
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<Shape>,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    pub(super) float_val: Vec<f32>,
    #[prost(double, repeated, tag = "6")]
    pub(super) double_val: Vec<f64>,
    #[prost(int32, repeated, tag = "7")]
    pub(super) int_val: Vec<i32>,
    #[prost(int64, repeated, tag = "10")]
    pub(super) int64_val: Vec<i64>,
    #[prost(bool, repeated, tag = "11")]
    pub(super) bool_val: Vec<bool>,
    /// Numbers of 16 bits.
    #[prost(int32, repeated, tag = "13")]
    pub(super) half_val: Vec<i32>,
    #[prost(uint32, repeated, tag = "16")]
    pub(super) uint32_val: Vec<u32>,
    #[prost(uint64, repeated, tag = "17")]
    pub(super) uint64_val: Vec<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Dimension {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

/// The content of the plugin `hparams`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Hyperparameters {
    #[prost(message, optional, tag = "3")]
    pub(super) session_start: Option<SessionStart>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SessionStart {
    #[prost(map = "string, message", tag = "1")]
    pub(super) values: HashMap<String, Hyperparameter>,
}

/// A value of any type.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Hyperparameter {
    #[prost(oneof = "HyperparameterKind", tags = "2, 3, 4")]
    pub(super) kind: Option<HyperparameterKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum HyperparameterKind {
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Bool(bool),
}
