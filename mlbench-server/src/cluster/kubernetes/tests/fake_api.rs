//! An API server in memory that counts its requests.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use kube::client::Body;
use kube::{Client, Config};
use serde_json::{Value, json};

use super::super::connection::KubernetesCluster;
use super::super::objects::names::RUN_LABEL;
use super::super::options::Options;
use super::super::testing;
use crate::clock::Clock;
use crate::task_group::TaskGroup;

/// How long the API server keeps a watch open.
const WATCH: Duration = Duration::from_secs(60);

/// How the API server responds.
#[derive(Default)]
pub(super) struct Answers {
    /// The pods that exist.
    pub(super) pods: Vec<Value>,
    /// Parts of the paths of the requests that fail with status 500.
    pub(super) broken: Vec<&'static str>,
}

/// An API server whose objects are those that were created, and pods that a test gives.
pub(super) struct FakeApi {
    answers: Answers,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: Vec<String>,
    objects: Vec<(String, Value)>,
    broken: Vec<&'static str>,
}

impl FakeApi {
    pub(super) fn new(answers: Answers) -> Arc<Self> {
        Arc::new(Self { answers, state: Mutex::default() })
    }

    /// Connects a cluster, and waits for its first list of pods.
    pub(super) async fn cluster(self: &Arc<Self>, background: &TaskGroup) -> KubernetesCluster {
        self.cluster_of("one", background).await
    }

    /// Connects the cluster of a server that is this holder of the lease.
    pub(super) async fn cluster_of(
        self: &Arc<Self>,
        holder: &str,
        background: &TaskGroup,
    ) -> KubernetesCluster {
        let api = Arc::clone(self);
        let service = tower::service_fn(move |request| {
            let api = Arc::clone(&api);
            async move { Ok::<_, Infallible>(api.respond(request).await) }
        });
        let config = Config::new("http://127.0.0.1".parse().unwrap());
        let client = Client::new(service, "default");
        let options = Options { max_workers: 100, holder: holder.to_owned(), ..testing::options() };
        KubernetesCluster::with_client(client, config, options, Clock::System, background).await
    }

    /// Lets the requests with this part in their path fail from now on.
    pub(super) fn break_down(&self, part: &'static str) {
        self.state.lock().unwrap().broken.push(part);
    }

    /// Adds an object at a path.
    pub(super) fn put(&self, path: &str, object: Value) {
        self.state.lock().unwrap().objects.push((path.to_owned(), object));
    }

    /// Returns the requests so far, as method and path.
    pub(super) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    async fn respond(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let (path, query) = (head.uri.path().to_owned(), head.uri.query().unwrap_or_default().to_owned());
        self.state.lock().unwrap().requests.push(format!("{} {path}", head.method));
        if query.contains("watch=true") {
            let never = std::future::pending::<()>();
            let _end = tokio::time::timeout(WATCH, never).await;
            return Response::new(Body::from(Vec::new()));
        }
        let is_broken = |parts: &[&str]| parts.iter().any(|part| path.contains(part));
        if is_broken(&self.answers.broken) || is_broken(&self.state.lock().unwrap().broken) {
            return answer(500, "broken");
        }
        let body = body.collect_bytes().await.unwrap();
        let mut state = self.state.lock().unwrap();
        match head.method.as_str() {
            "POST" => {
                let mut object: Value = serde_json::from_slice(&body).unwrap();
                let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap());
                if state.objects.iter().any(|(existing, _)| *existing == path) {
                    return answer(409, "exists already");
                }
                object["metadata"]["uid"] = json!(format!("uid-{}", state.objects.len()));
                object["metadata"]["resourceVersion"] = json!(state.requests.len().to_string());
                state.objects.push((path, object.clone()));
                Response::new(Body::from(object.to_string().into_bytes()))
            }
            "GET" if path.ends_with("/pods") => {
                let of_a_run = query.contains(RUN_LABEL);
                let selected = |pod: &&Value| !of_a_run || !pod["metadata"]["labels"][RUN_LABEL].is_null();
                list("Pod", &self.answers.pods.iter().filter(selected).cloned().collect::<Vec<_>>())
            }
            "GET" if path.rsplit('/').next().is_some_and(|kind| kind.ends_with('s')) => list("List", &[]),
            "GET" => match state.objects.iter().find(|(existing, _)| *existing == path) {
                Some((_, object)) => Response::new(Body::from(object.to_string().into_bytes())),
                None => answer(404, "not found"),
            },
            "PUT" => {
                let mut object: Value = serde_json::from_slice(&body).unwrap();
                let version = state.requests.len().to_string();
                let Some((_, found)) = state.objects.iter_mut().find(|(existing, _)| *existing == path)
                else {
                    return answer(404, "not found");
                };
                if found["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] {
                    return answer(409, "changed meanwhile");
                }
                object["metadata"]["resourceVersion"] = json!(version);
                found.clone_from(&object);
                Response::new(Body::from(object.to_string().into_bytes()))
            }
            "DELETE" => {
                state.objects.retain(|(existing, _)| *existing != path);
                answer(200, "deleted")
            }
            method => panic!("unexpected request {method} {path}"),
        }
    }
}

fn list(kind: &str, items: &[Value]) -> Response<Body> {
    let list =
        json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items});
    Response::new(Body::from(list.to_string().into_bytes()))
}

fn answer(code: u16, message: &str) -> Response<Body> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": if code == 404 { "NotFound" } else { "" }, "code": code});
    let mut response = Response::new(Body::from(status.to_string().into_bytes()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}
