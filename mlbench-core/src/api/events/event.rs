//! Events, as the server sends them and the client reads them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::topic::Topic;
use crate::api::pod::Pod;
use crate::api::run::Run;
use crate::log::LogLine;
use crate::metric::number::serialize_number;
use crate::metric::{MetricName, MetricValue};
use crate::name::{PodName, RunId};
use crate::time::Timestamp;

/// An event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Position in the store up to which the stream is complete, for what it is about.
    pub id: i64,
    /// What happened.
    pub data: EventData,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum EventData {
    /// The stream begins.
    Open(StreamOpen),
    /// Runs changed or were deleted.
    Runs(RunsChanged),
    /// The list of pods.
    Pods(PodList),
    /// New points of one pod or run.
    Points(NewPoints),
    /// New lines of one run.
    Logs(NewLines),
    /// The stream has a gap.
    Resync(Resync),
}

/// The first event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct StreamOpen {
    /// The position after which the stream begins.
    ///
    /// What a client reads after this event has everything up to here.
    pub cursor: i64,
    /// What the stream is about.
    #[cfg_attr(test, ts(type = "Array<string>"), schemars(with = "Vec<String>"))]
    pub topics: Vec<Topic>,
}

/// Runs that changed, and runs that were deleted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct RunsChanged {
    /// The runs as they are now, without their output.
    pub runs: Vec<Run>,
    /// Ids of runs that were deleted.
    pub deleted: Vec<RunId>,
}

/// The whole list of worker pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct PodList {
    /// The pods by name.
    pub pods: Vec<Pod>,
}

/// The points of one pod or run with positions after `after`, up to the id of the event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct NewPoints {
    /// The position after which the points begin.
    pub after: i64,
    /// The run, unless the points belong to a pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub run_id: Option<RunId>,
    /// The pod, unless the points belong to a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub pod_name: Option<PodName>,
    /// The points of each metric in the order in which they arrived.
    #[cfg_attr(test, ts(type = "Record<string, Array<EventPoint>>"))]
    pub metrics: BTreeMap<MetricName, Vec<EventPoint>>,
}

/// A point of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct EventPoint {
    /// Time of the measurement.
    pub date: Timestamp,
    /// The measured value.
    pub value: MetricValue,
    /// Training step of the measurement, if the client sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub step: Option<i64>,
    /// Training epoch of the measurement, if the client sent one.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "serialize_number")]
    #[cfg_attr(test, ts(optional))]
    pub epoch: Option<f64>,
}

/// New lines of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct NewLines {
    /// The run.
    pub run_id: RunId,
    /// The lines by ascending sequence number.
    pub lines: Vec<LogLine>,
}

/// A gap: the client must read the state again, and the stream goes on after the id of this event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Resync {
    /// Why events were left out.
    pub reason: String,
}

impl EventData {
    /// Returns the name of the event on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Runs(_) => "runs",
            Self::Pods(_) => "pods",
            Self::Points(_) => "points",
            Self::Logs(_) => "logs",
            Self::Resync(_) => "resync",
        }
    }

    /// Writes the data of the event. It has no line ends.
    ///
    /// # Errors
    /// None in practice: every event can be serialized.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::Open(data) => serde_json::to_vec(data),
            Self::Runs(data) => serde_json::to_vec(data),
            Self::Pods(data) => serde_json::to_vec(data),
            Self::Points(data) => serde_json::to_vec(data),
            Self::Logs(data) => serde_json::to_vec(data),
            Self::Resync(data) => serde_json::to_vec(data),
        }
    }

    /// Reads an event. `None` for one that this version does not know.
    ///
    /// # Errors
    /// When the data does not fit to the name.
    pub fn from_json(name: &str, data: &[u8]) -> serde_json::Result<Option<Self>> {
        Ok(Some(match name {
            "open" => Self::Open(serde_json::from_slice(data)?),
            "runs" => Self::Runs(serde_json::from_slice(data)?),
            "pods" => Self::Pods(serde_json::from_slice(data)?),
            "points" => Self::Points(serde_json::from_slice(data)?),
            "logs" => Self::Logs(serde_json::from_slice(data)?),
            "resync" => Self::Resync(serde_json::from_slice(data)?),
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::OutputStream;

    #[test]
    fn an_event_is_the_same_after_the_wire_and_one_line() {
        let run_id = RunId::new(3).unwrap();
        let point = EventPoint {
            date: Timestamp::EPOCH,
            value: "0.5\r\nid: 9".into(),
            step: Some(1),
            epoch: Some(2.0),
        };
        let metrics = [(MetricName::new("loss\r\n").unwrap(), vec![point])];
        let points = NewPoints { after: 4, run_id: Some(run_id), pod_name: None, metrics: metrics.into() };
        let text = "a\rb\nc\u{2028}d".to_owned();
        let line = LogLine { seq: 7, date: Timestamp::EPOCH, rank: None, stream: OutputStream::Stderr, text };
        for data in [
            EventData::Open(StreamOpen { cursor: 3, topics: vec![Topic::Runs, Topic::Run(run_id)] }),
            EventData::Runs(RunsChanged { runs: Vec::new(), deleted: vec![run_id] }),
            EventData::Pods(PodList { pods: Vec::new() }),
            EventData::Points(points),
            EventData::Logs(NewLines { run_id, lines: vec![line] }),
            EventData::Resync(Resync { reason: "slow".to_owned() }),
        ] {
            let json = data.to_json().unwrap();
            assert!(!json.contains(&b'\n') && !json.contains(&b'\r'), "{data:?}");
            assert_eq!(EventData::from_json(data.name(), &json).unwrap(), Some(data));
        }
        assert_eq!(EventData::from_json("later", b"{}").unwrap(), None);
        let json = |epoch| {
            let point = EventPoint { date: Timestamp::EPOCH, value: "1".into(), step: None, epoch };
            serde_json::to_string(&point).unwrap()
        };
        assert_eq!(json(None), r#"{"date":"1970-01-01T00:00:00.000000Z","value":"1"}"#);
        assert!(json(Some(2.0)).ends_with(r#""epoch":2}"#));
    }
}
