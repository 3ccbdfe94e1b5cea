//! [`Server`]: a fake HTTP server that follows the script of a test.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::client::{Client, ClientBuilder};

/// Lets the clock jump, as it does for a program that was suspended.
pub(crate) async fn suspend(duration: Duration) {
    tokio::time::pause();
    tokio::time::advance(duration).await;
    tokio::time::resume();
}

/// How the server reacts to a request.
#[derive(Clone)]
pub(crate) enum Step {
    /// Sends a status, further headers (each with its line end) and a body.
    Respond(u16, &'static str, String),
    /// Sends these bytes and closes the connection.
    Raw(&'static str),
    /// Closes the connection without a response.
    Drop,
    /// Never responds.
    Stall,
    /// Begins to respond, and sends a byte again and again.
    Trickle,
}

impl Step {
    pub(crate) fn ok(body: &str) -> Self {
        Self::Respond(200, "", body.to_owned())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Respond(status, "", String::new())
    }
}

/// A request that the server received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Method and target.
    pub(crate) head: String,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

pub(crate) struct Server {
    url: String,
    script: Arc<Script>,
}

struct Script {
    steps: Mutex<VecDeque<Step>>,
    then: Step,
    received: Mutex<Vec<Received>>,
    arrival: Notify,
    connections: Mutex<usize>,
}

impl Server {
    /// Starts a server that reacts to the first requests with `steps` and to all later ones with `then`.
    pub(crate) async fn new(steps: impl IntoIterator<Item = Step>, then: Step) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Script {
            steps: Mutex::new(steps.into_iter().collect()),
            then,
            received: Mutex::default(),
            arrival: Notify::new(),
            connections: Mutex::default(),
        });
        let serving = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *serving.connections.lock().unwrap() += 1;
                tokio::spawn(serve(Arc::clone(&serving), stream));
            }
        });
        Self { url, script }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder().base_url(&self.url)
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.script.received.lock().unwrap().clone()
    }

    /// Waits until so many requests have arrived, and returns them.
    pub(crate) async fn wait_for_requests(&self, count: usize) -> Vec<Received> {
        let arrived = async {
            while self.received().len() < count {
                self.script.arrival.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), arrived).await.unwrap();
        self.received()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.script.connections.lock().unwrap()
    }
}

async fn serve(script: Arc<Script>, stream: TcpStream) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let request = read(&mut stream).await?;
        script.received.lock().unwrap().push(request);
        script.arrival.notify_one();
        let step = script.steps.lock().unwrap().pop_front().unwrap_or_else(|| script.then.clone());
        match step {
            Step::Respond(status, headers, body) => {
                let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
            }
            Step::Raw(bytes) => {
                stream.write_all(bytes.as_bytes()).await.ok()?;
                return None;
            }
            Step::Drop => return None,
            Step::Stall => std::future::pending().await,
            Step::Trickle => {
                stream.write_all(b"HTTP/1.1 200 X\r\nContent-Length: 99999999\r\n\r\n").await.ok()?;
                let mut interval = tokio::time::interval(Duration::from_millis(5));
                loop {
                    interval.tick().await;
                    stream.write_all(b" ").await.ok()?;
                }
            }
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|&length| length > 0)?;
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let header = |name: &str| {
        lines.iter().find_map(|line| {
            line.split_once(": ")
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
        })
    };
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received {
        head: lines[0].trim_end_matches(" HTTP/1.1").to_owned(),
        idempotency_key: header("idempotency-key"),
        authorization: header("authorization"),
        body: String::from_utf8(body).unwrap(),
    })
}

pub(crate) const RUN: &str = r#"{"id":3,"name":"x","created_at":"2018-08-03T09:21:29.347960Z","finished_at":null,
    "state":"STARTED","job_id":"5ec9f286-e12d-41bc-886e-0174ef2bddae","job_metadata":{"command":"true","master_name":"",
    "pods":[],"exit_codes":{},"reason":null},"num_workers":1,"num_cpus":null,"max_bandwidth":null,"image":null,
    "backend":null,"run_all_nodes":true,"gpu_enabled":false,"light_target":false,"use_horovod":false}"#;

pub(crate) const METRIC: &str = r#"{"run_id":3,"name":"loss","date":"2018-08-03T09:21:44.331823Z","value":"1",
    "cumulative":false,"metadata":""}"#;

pub(crate) const POINTS: &str = r#"{"loss":[{"date":"2018-08-03T09:21:44.331823Z","value":"0.5"}]}"#;

pub(crate) const SERIES: &str = r#"{"name":"loss","count":3,"first_date":"2018-08-03T09:21:44.331823Z",
    "last_date":"2018-08-03T09:21:44.331823Z","min":-3.0,"max":0.5,"last_value":"0.50"}"#;

pub(crate) const PROBLEM: &str = r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"run 3 is active",
    "instance":"/api/runs/","code":"run_active","request_id":"r-1","message":"run 3 is active"}"#;
