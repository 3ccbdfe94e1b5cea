//! The API without sockets: sends requests to the real router on a real store.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper::{HeaderMap, Method, Request, StatusCode};
use mlbench_core::api::{Endpoint, Fields, Metric, Problem, RunRequest};
use mlbench_core::run::{NewRun, Run};
use mlbench_core::storage::Storage;
use mlbench_core::{MetricName, Owner, RunEvent, RunId, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::super::config::{HttpConfig, Surface};
use super::super::page::Page;
use super::super::request::ServerState;
use super::super::request_metrics::{CountedResponse, RequestMetrics};
use super::super::service::ApiService;
use super::fakes::{FakeCluster, PODS, end_run, pod, run_fake_launcher};
use crate::app::access::AuthPolicy;
use crate::app::hub::EventHub;
use crate::app::run_cache::RunJsonCache;
use crate::app::runs::{RunDefaults, resolve};
use crate::app::sessions::Sessions;
use crate::app::{App, Exports, RunPolicy};
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::launcher::LauncherHandle;
use crate::sqlite::{self, SqliteStorage};
use crate::task_group::TaskGroup;
use crate::vitals::Vitals;

/// Longer than any test waits: what happens only after this time fails a test.
pub(super) const NEVER: Duration = Duration::from_secs(3_600);

/// The time at which the manual clock begins.
pub(super) const NOW: &str = "2018-08-03T09:21:29.347960Z";

/// Returns the date `seconds` after [`NOW`].
pub(super) fn later(seconds: u64) -> String {
    let now: Timestamp = NOW.parse().unwrap();
    now.saturating_add(Duration::from_secs(seconds)).to_string()
}

/// The configuration of a listener without authentication and without a page.
pub(super) fn config() -> HttpConfig {
    HttpConfig { page: Page::of(&[]), ..HttpConfig::new(Surface::Api(AuthPolicy::Open)) }
}

/// Awaits work of a real thread, such as a write, during which a paused clock does not move.
pub(super) async fn in_real_time<T>(work: impl Future<Output = T>) -> T {
    let (ended, end) = std::sync::mpsc::channel::<()>();
    // The runtime does not move its clock while it has a blocking task.
    let standstill = tokio::task::spawn_blocking(move || end.recv());
    let result = work.await;
    drop(ended);
    let _ = standstill.await.unwrap();
    result
}

/// A server without sockets.
pub(super) struct Api {
    pub(super) app: App,
    pub(super) service: ApiService,
    pub(super) metrics: Arc<RequestMetrics>,
    pub(super) cluster: Arc<FakeCluster>,
    tasks: TaskGroup,
    directory: TempDir,
}

/// A response with its whole body in memory.
#[derive(Debug)]
pub(super) struct ApiResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Api {
    /// Starts a server with a launcher that starts and stops runs immediately.
    pub(super) async fn start() -> Self {
        let api = Self::without_launcher().await;
        api.spawn_fake_launcher();
        api
    }

    /// Starts and stops runs immediately from now on.
    pub(super) fn spawn_fake_launcher(&self) {
        let (app, stop) = (self.app.clone(), self.tasks.stop_token());
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = run_fake_launcher(app) => {}
            }
        });
    }

    /// Starts a server that stores runs and never starts or stops them.
    pub(super) async fn without_launcher() -> Self {
        Self::with(HttpConfig { allowed_hosts: vec!["example.com".to_owned()], ..config() }).await
    }

    pub(super) async fn with(config: HttpConfig) -> Self {
        Self::with_policy(config, RunPolicy::Single).await
    }

    pub(super) async fn with_policy(config: HttpConfig, policy: RunPolicy) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("db");
        let options = sqlite::Options { page_points: 100, ..sqlite::Options::new(database) };
        let cluster = Arc::new(FakeCluster::default());
        let (opened, tasks) = (SqliteStorage::open(options).unwrap(), TaskGroup::new("test"));
        let commits = opened.commits();
        let storage: Arc<dyn Storage> = Arc::new(opened);
        let of_app: Arc<dyn Cluster> = Arc::clone(&cluster) as Arc<dyn Cluster>;
        let app = App {
            events: EventHub::start(&tasks, Arc::clone(&storage), Arc::clone(&of_app), commits),
            storage,
            cluster: of_app,
            launcher: LauncherHandle::default(),
            vitals: Vitals::default(),
            clock: Clock::manual(NOW.parse().unwrap()),
            policy,
            run_tokens: matches!(config.surface, Surface::Api(AuthPolicy::Bearer { .. })),
            heartbeat: NEVER,
            sessions: Sessions::default(),
            run_cache: RunJsonCache::default(),
            default_command: Ok("mlbench benchmark logistic-regression".to_owned()),
            exports: Exports {
                server: "0123abcd".to_owned(),
                host: "box".to_owned(),
                directory: Some(directory.path().to_owned()),
            },
            time_limit: None,
        };
        app.storage.set_pods(&PODS.map(pod), app.clock.now()).await.unwrap();
        let metrics = Arc::default();
        let stop = tasks.stop_token();
        let service = ApiService::new(&ServerState::new(app.clone(), config, Arc::clone(&metrics), stop));
        Self { app, service, metrics, cluster, tasks, directory }
    }

    /// Returns the path of a file in the directory of the database, whose name is `db`.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Sends a request and reads the whole response.
    pub(super) async fn send<B>(&self, request: Request<B>) -> ApiResponse
    where
        B: Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (parts, body) = self.service.clone().respond(request).await.into_parts();
        // A stream of events does not end.
        let is_endless = parts.headers.get("content-type").is_some_and(|media| media == "text/event-stream");
        let body = if is_endless { Bytes::new() } else { body.collect().await.unwrap().to_bytes() };
        ApiResponse { status: parts.status, headers: parts.headers, body }
    }

    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &(impl AsRef<[u8]> + ?Sized),
    ) -> ApiResponse {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost:8000");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::new(Bytes::copy_from_slice(body.as_ref()))).unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> ApiResponse {
        self.call(Method::GET, path, &[], "").await
    }

    pub(super) async fn post(&self, path: &str, json: &str) -> ApiResponse {
        self.call(Method::POST, path, &[("content-type", "application/json")], json).await
    }

    /// Sends a request and returns the response while its body is still being sent.
    pub(super) async fn begin(&self, path: &str) -> CountedResponse {
        let request = Request::get(path).header("host", "localhost");
        self.service.clone().respond(request.body(Full::<Bytes>::default()).unwrap()).await
    }

    pub(super) async fn delete(&self, path: &str) -> ApiResponse {
        self.call(Method::DELETE, path, &[], "").await
    }

    /// Writes a run in state `INITIALIZED` to the store.
    pub(super) async fn stored_run(&self, name: &str) -> Run {
        let body = json!({"name": name}).to_string();
        let request = RunRequest::from_fields(Fields::from_json(body.as_bytes()).unwrap()).unwrap();
        let defaults =
            RunDefaults { max_workers: 2, max_cpus: None, max_time: None, default_command: Ok("true") };
        let spec = resolve(&request, defaults).unwrap();
        let new = NewRun::new(request.name, Uuid::new_v4(), spec);
        self.app.storage.start_run_unless_active(new, self.app.clock.now()).await.unwrap()
    }

    /// Starts a run that executes elsewhere.
    pub(super) async fn external_run(&self) -> RunId {
        let run = self.post("/api/runs/", r#"{"name":"elsewhere","external":true}"#).await.json();
        run["id"].as_i64().and_then(RunId::new).unwrap()
    }

    /// Writes a run in state `STOPPED` to the store.
    pub(super) async fn ended_run(&self, name: &str) -> Run {
        let run = self.stored_run(name).await;
        end_run(&self.app, run.id, RunEvent::Stop).await;
        run
    }

    /// Writes a run with `count` points in each of the series `loss` and `time` to the store.
    pub(super) async fn run_with_points(&self, count: i64) -> RunId {
        let run = self.ended_run("many").await.id;
        let point = |name, i: i64| run_metric(run, name, i, i.to_string());
        let metrics = ["loss", "time"].into_iter().flat_map(|name| (0..count).map(move |i| point(name, i)));
        self.app.storage.record_metrics(metrics.collect()).await.unwrap();
        run
    }

    /// Posts one metric. `owner` is a JSON member: `"run_id":1` or `"pod_name":"a"`.
    pub(super) async fn post_metric(&self, owner: &str, name: &str, date: &str, value: &str) {
        let metric = json!({"name": name, "date": date, "value": value});
        let body = format!("{{{owner},{}", &metric.to_string()[1..]);
        let response = self.post("/api/metrics", &body).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    }
}

impl ApiResponse {
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the values of a series in a successful response, or an empty array without that series.
    #[track_caller]
    pub(super) fn values(&self, name: &str) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.json()[name].as_array().into_iter().flatten().map(|point| point["value"].clone()).collect()
    }

    /// Returns the problem document, after checking that it is complete.
    #[track_caller]
    pub(super) fn problem(&self) -> Problem {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        assert_eq!(problem.message, problem.detail);
        assert_eq!(problem.request_id, self.header("x-request-id"));
        assert!(!problem.request_id.is_empty() && !problem.title.is_empty());
        problem
    }

    /// Returns the status, code and detail of an error.
    #[track_caller]
    pub(super) fn error(&self) -> (u16, &'static str, String) {
        let problem = self.problem();
        (problem.status, problem.code.as_str(), problem.detail)
    }
}

/// A point of a run, `micros` microseconds after the epoch.
pub(super) fn run_metric(run: RunId, name: &str, micros: i64, value: String) -> Metric {
    Metric {
        owner: Owner::Run(run),
        name: MetricName::new(name).unwrap(),
        date: Timestamp::from_micros(micros),
        value: value.into(),
        cumulative: false,
        step: None,
        epoch: None,
        metadata: String::new(),
    }
}

/// An exported run, written by another program from the description of the format.
pub(super) const EXPORTED: &[u8] = include_bytes!("../../../../tests/data/run.zip");

/// Sends a valid request of an endpoint, for this run.
pub(super) async fn call_example(api: &Api, endpoint: Endpoint, run: RunId) -> ApiResponse {
    let (path, body) = example(endpoint, run);
    let method: Method = endpoint.spec().method.as_str().parse().unwrap();
    match endpoint {
        Endpoint::ImportRun => {
            api.call(method, &path, &[("content-type", "application/zip")], EXPORTED).await
        }
        _ => api.call(method, &path, &[("content-type", "application/json")], &body).await,
    }
}

/// Returns a path of the endpoint that names existing resources, and a body that it accepts.
pub(super) fn example(endpoint: Endpoint, run: RunId) -> (String, String) {
    let metric = json!({"pod_name": PODS[0], "name": "loss", "value": 1});
    let id = run.to_string();
    let (segments, body): (&[&str], _) = match endpoint {
        Endpoint::CreateMetric => (&[], metric.to_string()),
        Endpoint::CreateMetrics => (&[], format!("[{metric}]")),
        Endpoint::CreateRun => (&[], r#"{"name":"another"}"#.to_owned()),
        Endpoint::CreateSession => (&[], r#"{"token":"none is required"}"#.to_owned()),
        Endpoint::GetMetrics | Endpoint::ListPodSeries => (&[PODS[0]], String::new()),
        Endpoint::AppendRunLogs => {
            let body = json!({"lines": ["a line"]}).to_string();
            (&[&id], body)
        }
        Endpoint::UpdateRun => (&[&id], r#"{"tags":{"team":"vision"}}"#.to_owned()),
        Endpoint::GetRun
        | Endpoint::DeleteRun
        | Endpoint::StopRun
        | Endpoint::ExportRun
        | Endpoint::GetRunLogs
        | Endpoint::ListRunSeries => (&[&id], String::new()),
        Endpoint::Events => return (format!("{}?topics=runs,run:{id}", endpoint.path(&[])), String::new()),
        Endpoint::Live
        | Endpoint::Ready
        | Endpoint::ImportRun
        | Endpoint::ListMetrics
        | Endpoint::ListRuns
        | Endpoint::ListRunValues
        | Endpoint::CompareRuns
        | Endpoint::ListPods
        | Endpoint::GetSession
        | Endpoint::DeleteSession
        | Endpoint::Prometheus
        | Endpoint::GetOpenApi
        | Endpoint::GetDocs => (&[], String::new()),
    };
    let query = if endpoint == Endpoint::CompareRuns { format!("?runs={id}") } else { String::new() };
    (endpoint.path(segments) + &query, body)
}
