//! The API through its real router, on a real store. Only the workers are played.

mod auth;
mod bad_input;
mod batches;
mod bodies;
mod connections;
mod endpoints;
mod host;
mod metrics;
mod negotiation;
mod prometheus;
mod queue;
mod reading;
mod runs;
mod stalled;
mod zip_download;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Request, StatusCode};
use mlbench_core::api::{Endpoint, Problem};
use mlbench_core::run::{Run, RunOutcome, Worker};
use mlbench_core::{Error, Pod, PodName, PodPhase, RunEvent, RunId, Timestamp};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;

use super::request::ServerState;
use super::request_metrics::RequestMetrics;
use super::service::ApiService;
use super::{HttpConfig, Surface};
use crate::app::access::AuthPolicy;
use crate::app::run_cache::RunJsonCache;
use crate::app::{App, RunPolicy};
use crate::clock::Clock;
use crate::cluster::{
    Cluster, ClusterError, Offsets, OrphanSearch, Orphans, Output, PodSample, ProvisionRequest,
    ProvisionStatus, RankRef, ReleaseStatus, Signal, Task,
};
use crate::launcher::LauncherHandle;
use crate::sqlite::{self, SqliteStorage};
use crate::task_group::TaskGroup;

/// Pods of the specification's examples, and the date of the manual clock.
const PODS: [&str; 2] = ["quiet-mink-mlbench-worker-0", "quiet-mink-mlbench-worker-1"];
const NOW: &str = "2018-08-03T09:21:29.347960Z";

/// The configuration of a listener without authentication.
fn config() -> HttpConfig {
    HttpConfig::new(Surface::Api(AuthPolicy::Open))
}

/// A server without sockets.
struct Api {
    app: App,
    service: ApiService,
    metrics: Arc<RequestMetrics>,
    cluster: Arc<FewWorkers>,
    background: TaskGroup,
    folder: TempDir,
}

/// An response in memory.
#[derive(Debug)]
struct ApiResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Api {
    /// A server whose runs start and stop at once.
    async fn start() -> Self {
        let api = Self::without_launcher().await;
        api.play();
        api
    }

    /// Has runs start and stop at once from now on.
    fn play(&self) {
        let (app, stop) = (self.app.clone(), self.background.stop_token());
        self.background.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = play_launcher(app) => {}
            }
        });
    }

    /// A server that stores what is asked for and does nothing about it.
    async fn without_launcher() -> Self {
        Self::with(HttpConfig { allowed_hosts: vec!["example.com".to_owned()], ..config() }).await
    }

    async fn with(options: HttpConfig) -> Self {
        Self::with_policy(options, RunPolicy::Single).await
    }

    async fn with_policy(options: HttpConfig, policy: RunPolicy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = sqlite::Options { page_points: 100, ..sqlite::Options::new(folder.path().join("db")) };
        let storage = Arc::new(SqliteStorage::open(settings).unwrap());
        let cluster = Arc::new(FewWorkers::default());
        let clock = Clock::manual(NOW.parse().unwrap());
        let app = App {
            storage,
            cluster: Arc::clone(&cluster) as Arc<dyn Cluster>,
            launcher: LauncherHandle::default(),
            clock,
            policy,
            run_cache: RunJsonCache::default(),
            default_command: Ok("mlbench benchmark logistic-regression".to_owned()),
        };
        app.storage.set_pods(&PODS.map(pod), app.clock.now()).await.unwrap();
        let metrics = Arc::default();
        let service = ApiService::new(&ServerState::new(app.clone(), options, Arc::clone(&metrics)));
        Self { app, service, metrics, cluster, background: TaskGroup::new("test"), folder }
    }

    /// A file beside the database, which is called `db`.
    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> ApiResponse {
        let (parts, body) = self.service.clone().respond(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        ApiResponse { status: parts.status, headers: parts.headers, body }
    }

    async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> ApiResponse {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost:8000");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::from(body.to_owned())).unwrap()).await
    }

    async fn get(&self, path: &str) -> ApiResponse {
        self.call(Method::GET, path, &[], "").await
    }

    async fn post(&self, path: &str, json: &str) -> ApiResponse {
        self.call(Method::POST, path, &[("content-type", "application/json")], json).await
    }

    async fn delete(&self, path: &str) -> ApiResponse {
        self.call(Method::DELETE, path, &[], "").await
    }

    /// A run in state `INITIALIZED`, straight into the store.
    async fn stored_run(&self, name: &str) -> Run {
        let body = format!(r#"{{"name":{}}}"#, serde_json::to_string(name).unwrap());
        let fields = mlbench_core::api::Fields::from_json(body.as_bytes()).unwrap();
        let request = mlbench_core::api::RunRequest::from_fields(fields).unwrap();
        let defaults = crate::app::runs::RunDefaults { max_workers: 2, default_command: Ok("true") };
        let new = mlbench_core::run::NewRun {
            spec: crate::app::runs::resolve(&request, defaults).unwrap(),
            name: request.name,
            job_id: uuid::Uuid::new_v4(),
        };
        self.app.storage.start_run_unless_active(new, self.app.clock.now()).await.unwrap()
    }

    /// A run that has ended.
    async fn ended_run(&self, name: &str) -> Run {
        let run = self.stored_run(name).await;
        end(&self.app, run.id, RunEvent::Stop).await;
        run
    }

    async fn post_metric(&self, owner: &str, name: &str, date: &str, value: &str) {
        let metric = serde_json::json!({"name": name, "date": date, "value": value});
        let body = format!("{{{owner},{}", &metric.to_string()[1..]);
        let response = self.post("/api/metrics", &body).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    }
}

impl ApiResponse {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem document, checked to be one.
    #[track_caller]
    fn problem(&self) -> Problem {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        assert_eq!(problem.message, problem.detail);
        assert_eq!(problem.request_id, self.header("x-request-id"));
        assert!(!problem.request_id.is_empty() && !problem.title.is_empty());
        problem
    }

    /// Status, code and detail of a refusal.
    #[track_caller]
    fn refusal(&self) -> (u16, &'static str, String) {
        let problem = self.problem();
        (problem.status, problem.code.as_str(), problem.detail)
    }
}

/// A path of an endpoint with things that exist, and a body that it accepts.
fn example(endpoint: Endpoint, run: RunId) -> (String, String) {
    let metric = serde_json::json!({"pod_name": PODS[0], "name": "loss", "value": 1});
    let id = run.to_string();
    let (segments, body): (&[&str], _) = match endpoint {
        Endpoint::CreateMetric => (&[], metric.to_string()),
        Endpoint::CreateMetrics => (&[], format!("[{metric}]")),
        Endpoint::CreateRun => (&[], r#"{"name":"another"}"#.to_owned()),
        Endpoint::GetMetrics | Endpoint::ListPodSeries => (&[PODS[0]], String::new()),
        Endpoint::GetRun
        | Endpoint::DeleteRun
        | Endpoint::StopRun
        | Endpoint::GetRunLogs
        | Endpoint::ListRunSeries => (&[&id], String::new()),
        Endpoint::Live
        | Endpoint::Ready
        | Endpoint::ListMetrics
        | Endpoint::ListRuns
        | Endpoint::ListPods
        | Endpoint::Prometheus => (&[], String::new()),
    };
    (endpoint.path(segments), body)
}

fn pod(name: &str) -> Pod {
    let labels = [("app", "mlbench"), ("component", "worker"), ("release", "quiet-mink")];
    Pod {
        name: PodName::new(name).unwrap(),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        phase: PodPhase::Running,
        ip: "10.244.2.58".to_owned(),
    }
}

async fn end(app: &App, id: RunId, event: RunEvent) {
    let ending = RunOutcome { event, reason: None, at: app.clock.now() };
    app.storage.decide_outcome(id, ending).await.unwrap();
    app.storage.end_run(id).await.unwrap();
}

/// Starts and stops what is asked for, at once.
async fn play_launcher(app: App) {
    loop {
        app.launcher.woken().await;
        for run in app.storage.active_runs().await.unwrap() {
            if run.stop_requested_at.is_some() {
                end(&app, run.id, RunEvent::Stop).await;
            } else if !run.is_queued() {
                let worker =
                    |name| Worker { pod: PodName::new(name).unwrap(), host: "h".to_owned(), port: 1 };
                app.storage.assign_workers(run.id, PODS.map(worker).into()).await.unwrap();
                app.storage.run_started(run.id, 2).await.unwrap();
            }
        }
        app.launcher.changed();
    }
}

/// A cluster of which only the number of workers matters.
struct FewWorkers {
    number: AtomicU32,
    pods: watch::Sender<Arc<[Pod]>>,
}

impl Default for FewWorkers {
    fn default() -> Self {
        Self { number: AtomicU32::new(4), pods: watch::Sender::new(Arc::from(PODS.map(pod))) }
    }
}

/// A number of workers that makes the cluster panic when it is asked for it.
const PANIC: u32 = u32::MAX;

fn nobody<T>() -> Result<T, ClusterError> {
    Err(ClusterError::Refused("nobody works here".to_owned()))
}

#[async_trait]
impl Cluster for FewWorkers {
    fn name(&self) -> &'static str {
        "few"
    }

    fn pods(&self) -> watch::Receiver<Arc<[Pod]>> {
        self.pods.subscribe()
    }

    fn max_workers(&self) -> u32 {
        let number = self.number.load(Ordering::Relaxed);
        assert!(number != PANIC, "the cluster panics at 10.0.0.1");
        number
    }

    async fn provision(&self, _: &ProvisionRequest<'_>) -> Result<ProvisionStatus, ClusterError> {
        nobody()
    }

    async fn launch(&self, _: &Task) -> Result<(), ClusterError> {
        nobody()
    }

    async fn follow(&self, _: &RankRef, _: Offsets, _: Duration) -> Result<Output, ClusterError> {
        nobody()
    }

    async fn signal(&self, _: &RankRef, _: Signal) -> Result<usize, ClusterError> {
        nobody()
    }

    async fn release(&self, _: &Run) -> Result<ReleaseStatus, ClusterError> {
        nobody()
    }

    async fn remove_orphans(&self, _: &OrphanSearch<'_>) -> Result<Orphans, ClusterError> {
        nobody()
    }

    async fn sample(&self) -> Vec<PodSample> {
        Vec::new()
    }
}

/// Seconds after the date of the clock.
fn later(seconds: u64) -> String {
    let now: Timestamp = NOW.parse().unwrap();
    now.saturating_add(Duration::from_secs(seconds)).to_string()
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing() {
    let api = Api::start().await;
    api.cluster.number.store(PANIC, Ordering::Relaxed);
    let response = api.get("/readyz").await;
    let (status, code, detail) = response.refusal();
    assert_eq!((status, code), (500, "internal"));
    assert!(!detail.contains("10.0.0.1"), "{detail}");
    assert_eq!(api.get("/healthz").await.status, StatusCode::OK);
}

#[test]
fn every_error_has_the_status_that_the_contract_names() {
    use mlbench_core::ErrorCode as Code;
    for (code, status) in [
        (Code::Malformed, 400),
        (Code::InvalidField, 400),
        (Code::UnknownField, 400),
        (Code::Unauthorized, 401),
        (Code::Forbidden, 403),
        (Code::ForbiddenHost, 403),
        (Code::ForbiddenOrigin, 403),
        (Code::NotFound, 404),
        (Code::MethodNotAllowed, 405),
        (Code::NotAcceptable, 406),
        (Code::RequestTimeout, 408),
        (Code::RunActive, 409),
        (Code::RunDeleting, 409),
        (Code::PayloadTooLarge, 413),
        (Code::UnsupportedMediaType, 415),
        (Code::InsufficientCapacity, 422),
        (Code::Internal, 500),
        (Code::Overloaded, 503),
        (Code::Unavailable, 503),
    ] {
        assert_eq!(super::problem::status(code).as_u16(), status, "{code}");
        assert_eq!(Error::new(code, "").code(), code);
    }
}
