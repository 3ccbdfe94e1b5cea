//! The table of endpoints: the router, the access rules, the client and the tests all read it.
//!
//! Every consumer matches on [`Endpoint`] exhaustively, so a new endpoint does not compile until it is routed, called by
//! the client and exercised by the tests. `README.md` repeats the table for readers, and a test compares the two.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A method of the API.
///
/// The server responds to HEAD like to GET without the body, and to OPTIONS from the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or acts.
    Post,
    /// Changes.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 4] = [Self::Get, Self::Post, Self::Patch, Self::Delete];

    /// Returns the method's name in a request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The weakest credential that an endpoint accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// No credential.
    Public,
    /// The token of an active run, for that run only.
    RunToken,
    /// The token that only reads the server's own metrics.
    MetricsToken,
    /// The token of the server.
    Operator,
}

/// The listeners that serve an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listener {
    /// The one of `--listen`.
    Api,
    /// The ones of `--listen` and `--ingest-listen`.
    ApiAndIngest,
}

/// One row of the table of endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Operation id (`resource.action`), and the label `endpoint` of the request metrics.
    pub id: &'static str,
    /// Method.
    pub method: Method,
    /// Path, with a trailing slash where the specification has one.
    ///
    /// `{name}` is one segment. The server accepts every path with and without the trailing slash.
    pub path: &'static str,
    /// Status of success.
    pub success: u16,
    /// Weakest credential that is accepted.
    pub access: Access,
    /// Listeners that serve it.
    pub listener: Listener,
    /// What it does, as a short imperative.
    pub summary: &'static str,
}

impl Spec {
    const fn new(id: &'static str, method: Method, path: &'static str, summary: &'static str) -> Self {
        Self { id, method, path, success: 200, access: Access::Operator, listener: Listener::Api, summary }
    }

    const fn success(self, status: u16) -> Self {
        Self { success: status, ..self }
    }

    const fn access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    const fn on_ingest(self) -> Self {
        Self { listener: Listener::ApiAndIngest, ..self }
    }

    /// Returns the segments of the path: literals, and `{name}` for any one segment.
    pub fn segments(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.path.split('/').filter(|segment| !segment.is_empty())
    }
}

/// Declares the enum and the list of its variants together, so that no variant is missing from the list.
macro_rules! endpoints {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// An endpoint of the server.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Endpoint {
            $($(#[$doc])* $name,)+
        }

        impl Endpoint {
            /// Every endpoint in matching order.
            ///
            /// What workers send comes first, and a literal path before a pattern that covers it.
            pub const ALL: [Self; [$(Self::$name),+].len()] = [$(Self::$name),+];
        }
    };
}

endpoints! {
    /// Stores one metric.
    CreateMetric,
    /// Stores many metrics.
    CreateMetrics,
    /// Checks whether the server is alive.
    Live,
    /// Checks whether the server is ready.
    Ready,
    /// Reads the metrics of one pod or run.
    GetMetrics,
    /// Reads the metrics of all pods or runs.
    ListMetrics,
    /// Lists all runs.
    ListRuns,
    /// Starts a run.
    CreateRun,
    /// Imports a run of another server.
    ImportRun,
    /// Reads one run.
    GetRun,
    /// Changes a run.
    UpdateRun,
    /// Deletes a run.
    DeleteRun,
    /// Stops a run.
    StopRun,
    /// Exports a run.
    ExportRun,
    /// Reads the output of a run.
    GetRunLogs,
    /// Stores lines of an external run.
    AppendRunLogs,
    /// Compares runs.
    CompareRuns,
    /// Reads the newest values of all runs.
    ListRunValues,
    /// Lists the series of a run.
    ListRunSeries,
    /// Lists the series of a pod.
    ListPodSeries,
    /// Lists the worker pods.
    ListPods,
    /// Reads whether a browser is signed in.
    GetSession,
    /// Signs a browser in.
    CreateSession,
    /// Signs a browser out.
    DeleteSession,
    /// Streams what changes.
    Events,
    /// Reads the server's own metrics, and the newest of the pods.
    Prometheus,
    /// Reads the description of the API.
    GetOpenApi,
    /// Reads the description of the API as a page.
    GetDocs,
}

impl Endpoint {
    /// Returns the endpoint's row of the table.
    #[must_use]
    pub const fn spec(self) -> Spec {
        use Access::{MetricsToken, Public, RunToken};
        use Method::{Delete, Get, Patch, Post};
        match self {
            Self::CreateMetric => Spec::new("metrics.create", Post, "/api/metrics/", "Store one metric")
                .success(201)
                .access(RunToken)
                .on_ingest(),
            Self::CreateMetrics => {
                Spec::new("metrics.create_batch", Post, "/api/metrics/batch/", "Store many metrics")
                    .access(RunToken)
            }
            Self::Live => {
                Spec::new("health.live", Get, "/healthz", "Check whether the server is alive").access(Public)
            }
            Self::Ready => {
                Spec::new("health.ready", Get, "/readyz", "Check whether the server is ready").access(Public)
            }
            Self::GetMetrics => {
                let path = "/api/metrics/{pod_name_or_run_id}/";
                Spec::new("metrics.get", Get, path, "Read the metrics of one pod or run")
            }
            Self::ListMetrics => {
                Spec::new("metrics.list", Get, "/api/metrics/", "Read the metrics of all pods or all runs")
            }
            Self::ListRuns => Spec::new("runs.list", Get, "/api/runs/", "List all runs"),
            Self::CreateRun => Spec::new("runs.create", Post, "/api/runs/", "Start a run"),
            Self::ImportRun => {
                let summary = "Import a run that a server has exported";
                Spec::new("runs.import", Post, "/api/imports/", summary).success(201)
            }
            Self::GetRun => Spec::new("runs.get", Get, "/api/runs/{id}/", "Read one run with its output"),
            Self::UpdateRun => {
                let summary = "Add parameters to a run and change its tags";
                Spec::new("runs.update", Patch, "/api/runs/{id}/", summary).access(RunToken)
            }
            Self::DeleteRun => {
                let summary = "Delete a run with its metrics and output";
                Spec::new("runs.delete", Delete, "/api/runs/{id}/", summary).success(204)
            }
            Self::StopRun => Spec::new("runs.stop", Post, "/api/runs/{id}/stop/", "Stop a run"),
            Self::ExportRun => {
                let summary = "Export a run with its metrics and output, to import it elsewhere";
                Spec::new("runs.export", Get, "/api/runs/{id}/export/", summary)
            }
            Self::GetRunLogs => {
                Spec::new("runs.logs", Get, "/api/runs/{id}/logs/", "Read the output of a run page by page")
            }
            Self::AppendRunLogs => {
                let summary = "Store lines of the output of an external run";
                Spec::new("runs.append_logs", Post, "/api/runs/{id}/logs/", summary).access(RunToken)
            }
            Self::CompareRuns => {
                let summary = "Compare runs: time to accuracy, speed-up and phases";
                Spec::new("runs.compare", Get, "/api/comparison/", summary)
            }
            Self::ListRunValues => {
                let summary = "Read the newest accuracy and loss, or other metrics, of all runs";
                Spec::new("runs.values", Get, "/api/values/", summary)
            }
            Self::ListRunSeries => {
                let summary = "List the metrics of a run with their statistics";
                Spec::new("runs.series", Get, "/api/runs/{id}/series/", summary)
            }
            Self::ListPodSeries => {
                let summary = "List the metrics of a pod with their statistics";
                Spec::new("pods.series", Get, "/api/pods/{name}/series/", summary)
            }
            Self::ListPods => {
                Spec::new("pods.list", Get, "/api/pods/", "List the worker pods in the cluster")
            }
            Self::GetSession => {
                let summary = "Read whether the server requires a token and the browser is signed in";
                Spec::new("session.get", Get, "/api/session/", summary).access(Public)
            }
            Self::CreateSession => {
                let summary = "Sign a browser in with the token of the server";
                Spec::new("session.create", Post, "/api/session/", summary).success(204).access(Public)
            }
            Self::DeleteSession => Spec::new("session.delete", Delete, "/api/session/", "Sign a browser out")
                .success(204)
                .access(Public),
            Self::Events => Spec::new("events.stream", Get, "/api/events/", "Stream changes as they happen"),
            Self::Prometheus => {
                let summary = "Read the state of the server and the newest pod metrics for Prometheus";
                Spec::new("health.metrics", Get, "/metrics", summary).access(MetricsToken)
            }
            Self::GetOpenApi => {
                let summary = "Read the description of this API (OpenAPI 3.1)";
                Spec::new("openapi.document", Get, "/api/openapi.json", summary).access(Public)
            }
            Self::GetDocs => {
                let summary = "Read the description of this API as a page";
                Spec::new("openapi.page", Get, "/api/docs/", summary).access(Public)
            }
        }
    }

    /// Returns the path with `segments` in place of each `{name}`, in order, percent-encoded.
    #[must_use]
    pub fn path(self, segments: &[&str]) -> String {
        let mut segments = segments.iter();
        let parts = self.spec().path.split('/').map(|part| match part.starts_with('{') {
            true => encode_segment(segments.next().copied().unwrap_or_default()),
            false => Cow::Borrowed(part),
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Returns whether every path of `other` is also a path of this endpoint.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        let (mut own, mut others) = (self.spec().segments(), other.spec().segments());
        loop {
            match (own.next(), others.next()) {
                (None, None) => return true,
                (Some(own), Some(other)) if own.starts_with('{') || own == other => {}
                _ => return false,
            }
        }
    }
}

/// The characters that RFC 3986 reserves or forbids in a segment, with `/` and `%`.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes a text as one segment of a path.
#[must_use]
pub fn encode_segment(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, SEGMENT).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_survives_any_text() {
        assert_eq!(encode_segment("worker-0"), "worker-0");
        assert_eq!(encode_segment("a/b c%@ü"), "a%2Fb%20c%25%40%C3%BC");
    }

    #[test]
    fn a_path_takes_its_segments_in_order() {
        assert_eq!(Endpoint::GetRunLogs.path(&["7"]), "/api/runs/7/logs/");
        assert_eq!(Endpoint::GetMetrics.path(&["a/b"]), "/api/metrics/a%2Fb/");
        assert_eq!(Endpoint::Live.path(&[]), "/healthz");
    }

    #[test]
    fn the_table_lists_every_endpoint_once() {
        for (i, endpoint) in Endpoint::ALL.into_iter().enumerate() {
            assert_eq!(endpoint as usize, i, "{endpoint:?} is out of place");
            for other in &Endpoint::ALL[i + 1..] {
                let (a, b) = (endpoint.spec(), other.spec());
                assert!(a.id != b.id && (a.method, a.path) != (b.method, b.path), "{}", a.id);
            }
        }
    }

    /// Two patterns may share paths when no method is in both. The router then serves both at such a path.
    #[test]
    fn the_only_overlap_is_a_pod_named_batch() {
        let mut overlaps = Vec::new();
        for (i, first) in Endpoint::ALL.into_iter().enumerate() {
            for second in Endpoint::ALL.into_iter().skip(i + 1) {
                let (a, b) = (first.spec(), second.spec());
                if a.path != b.path && (first.covers(second) || second.covers(first)) {
                    assert_ne!(a.method, b.method, "{} hides {}", a.id, b.id);
                    overlaps.push((a.id, b.id));
                }
            }
        }
        assert_eq!(overlaps, [("metrics.create_batch", "metrics.get")]);
    }
}
