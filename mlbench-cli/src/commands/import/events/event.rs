//! Turns events into points and parameters.

use std::collections::HashMap;

use mlbench_client::{MetricName, MetricValue, ParamValue, Timestamp};
use prost::Message as _;

use super::messages::{
    Content, Event, HyperparameterKind, Hyperparameters, PluginData, Summary, Value, What,
};
use super::tensor::scalar;
use crate::commands::import::batch::{Batch, MAX_PER_RECORD, Point};
use crate::commands::import::number::{date, single};

/// The plugin of each tag, which only its first value names.
pub(in super::super) type Plugins = HashMap<String, String>;

/// Tags whose plugin is remembered.
const MAX_TAGS: usize = 100_000;
const HPARAMS: &str = "hparams";

/// Adds what an event has to a batch.
pub(super) fn add(batch: &mut Batch, plugins: &mut Plugins, event: Event) {
    let kind = match event.what {
        Some(What::Summary(summary)) => {
            let place = Place { date: date(event.wall_time), step: event.step };
            return add_summary(batch, plugins, place, summary);
        }
        None | Some(What::FileVersion(_) | What::SourceMetadata(_)) => return,
        Some(What::GraphDef(_) | What::MetaGraphDef(_)) => "graphs",
        Some(What::LogMessage(_)) => "log messages",
        Some(What::SessionLog(_)) => "session states",
        Some(What::RunMetadata(_)) => "traces",
    };
    batch.leave_out(kind);
}

/// Where the points of an event are.
#[derive(Clone, Copy)]
struct Place {
    date: Option<Timestamp>,
    step: i64,
}

fn add_summary(batch: &mut Batch, plugins: &mut Plugins, place: Place, summary: Summary) {
    if summary.value.len() > MAX_PER_RECORD {
        return batch.leave_out(&format!("events with over {MAX_PER_RECORD} values"));
    }
    for mut value in summary.value {
        let plugin = value.metadata.take().and_then(|metadata| metadata.plugin_data);
        if let Some(hparams) = plugin.as_ref().filter(|plugin| plugin.plugin_name == HPARAMS) {
            add_params(batch, hparams);
            continue;
        }
        match number(plugins, plugin, &value) {
            Ok(number) => match MetricName::new(value.tag) {
                Ok(name) => {
                    let Place { date, step } = place;
                    batch.points.push(Point { name, value: number, date, step: Some(step), epoch: None });
                }
                Err(_) => batch.leave_out("values whose tag has not 1 to 512 bytes"),
            },
            Err(kind) => batch.leave_out(&kind),
        }
    }
}

/// Returns the number of a value, or what else it is.
fn number(plugins: &mut Plugins, plugin: Option<PluginData>, value: &Value) -> Result<MetricValue, String> {
    let named = plugin.map(|plugin| plugin.plugin_name).filter(|name| !name.is_empty());
    if let Some(name) = &named
        && name != "scalars"
        && plugins.len() < MAX_TAGS
        && !plugins.contains_key(&value.tag)
    {
        plugins.insert(value.tag.clone(), name.clone());
    }
    let plugin = named.as_deref().or_else(|| plugins.get(&value.tag).map(String::as_str));
    match &value.content {
        Some(Content::SimpleValue(number)) => Ok(single(*number)),
        Some(Content::Tensor(tensor)) => match plugin {
            None | Some("scalars") => scalar(tensor).ok_or_else(|| "tensors".to_owned()),
            Some(other) => Err(other.to_owned()),
        },
        Some(Content::Image(_)) => Err("images".to_owned()),
        Some(Content::Histogram(_) | Content::OldHistogram(_)) => Err("histograms".to_owned()),
        Some(Content::Audio(_)) => Err("audio".to_owned()),
        None => Err(plugin.unwrap_or("empty values").to_owned()),
    }
}

/// Adds the hyperparameters that a session was started with.
fn add_params(batch: &mut Batch, plugin: &PluginData) {
    let Ok(Hyperparameters { session_start: Some(start) }) = Hyperparameters::decode(&plugin.content[..])
    else {
        return batch.leave_out("hparams details");
    };
    for (name, value) in start.values {
        match value.kind {
            Some(HyperparameterKind::Number(number)) => batch.params.push((name, number.into())),
            Some(HyperparameterKind::Text(text)) => batch.params.push((name, text.into())),
            Some(HyperparameterKind::Bool(value)) => batch.params.push((name, ParamValue::Bool(value))),
            None => batch.leave_out("hyperparameters without a plain value"),
        }
    }
}
