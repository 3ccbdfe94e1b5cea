//! What the cluster has said about an object lately.

use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::ListParams;

/// What the controllers say of a pod when they take it away.
const REMOVAL_REASONS: [&str; 6] =
    ["TaintManagerEviction", "NodeNotReady", "Evicted", "Preempted", "OOMKilling", "SystemOOM"];

/// The newest warning about an object, `reason: message`. None when events cannot be read: they only explain.
pub(super) async fn newest_warning(api: &Api<Event>, kind: &str, name: &str) -> Option<String> {
    newest(api, kind, name, |event| event.type_.as_deref() == Some("Warning")).await
}

/// Why a pod was taken away, as far as a controller said so.
pub(super) async fn removal_reason(api: &Api<Event>, pod: &str) -> Option<String> {
    newest(api, "Pod", pod, |event| {
        event.reason.as_deref().is_some_and(|word| REMOVAL_REASONS.contains(&word))
    })
    .await
}

async fn newest(api: &Api<Event>, kind: &str, name: &str, wanted: impl Fn(&Event) -> bool) -> Option<String> {
    let fields = format!("involvedObject.kind={kind},involvedObject.name={name}");
    let events = match api.list(&ListParams::default().fields(&fields)).await {
        Ok(events) => events,
        Err(error) => {
            tracing::debug!(%error, "events cannot be read");
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
