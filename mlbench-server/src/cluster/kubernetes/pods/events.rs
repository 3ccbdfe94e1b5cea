//! Recent events about an object.

use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::ListParams;

/// Reasons of the events with which controllers remove a pod.
const REMOVAL_REASONS: [&str; 6] =
    ["TaintManagerEviction", "NodeNotReady", "Evicted", "Preempted", "OOMKilling", "SystemOOM"];

/// Returns the newest warning about an object as `reason: message`.
///
/// Returns `None` when events cannot be read, because they only explain.
pub(crate) async fn newest_warning(api: &Api<Event>, kind: &str, name: &str) -> Option<String> {
    newest(api, kind, name, |event| event.type_.as_deref() == Some("Warning")).await
}

/// Returns why a controller removed a pod, or `None` without an event about it.
pub(crate) async fn removal_reason(api: &Api<Event>, pod: &str) -> Option<String> {
    newest(api, "Pod", pod, |event| {
        event.reason.as_deref().is_some_and(|reason| REMOVAL_REASONS.contains(&reason))
    })
    .await
}

async fn newest(api: &Api<Event>, kind: &str, name: &str, wanted: impl Fn(&Event) -> bool) -> Option<String> {
    let fields = format!("involvedObject.kind={kind},involvedObject.name={name}");
    let events = match api.list(&ListParams::default().fields(&fields)).await {
        Ok(events) => events,
        Err(error) => {
            tracing::debug!(%error, "cannot read events");
            return None;
        }
    };
    let event = events.items.into_iter().filter(|event| wanted(event)).max_by_key(date)?;
    let message = event.message.unwrap_or_default();
    Some(format!("{}: {}", event.reason.unwrap_or_default(), message.trim()))
}

fn date(event: &Event) -> Option<Timestamp> {
    let counted = event.last_timestamp.as_ref().map(|date| date.0);
    counted.or(event.event_time.as_ref().map(|date| date.0)).or(event
        .metadata
        .creation_timestamp
        .as_ref()
        .map(|d| d.0))
}
