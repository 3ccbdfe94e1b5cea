// Included by the examples of this crate, so that they run: a server that has one finished run, 7, and one pod.

/// Runs an example with a client and the run that its server has.
macro_rules! example {
    ($client:ident, $run:ident, { $($example:tt)* }) => {{
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let ($client, $run) = (client(), run());
            $($example)*
            Ok(())
        })
    }};
}

/// Returns a client of a server that runs until the example ends.
fn client() -> mlbench_client::Client {
    mlbench_client::Client::builder().base_url(server()).build().unwrap()
}

/// Returns the run that the server has.
fn run() -> mlbench_client::RunId {
    mlbench_client::RunId::new(7).unwrap()
}

/// Starts the server and returns its URL.
fn server() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(|| serve(stream.unwrap()));
        }
    });
    url
}

fn serve(stream: std::net::TcpStream) -> std::io::Result<()> {
    use std::io::{BufRead, Read, Write};
    let mut writer = stream.try_clone()?;
    let mut reader = std::io::BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            match line.trim().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().unwrap();
                }
                Some(_) => {}
                None => break,
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        let mut words = head.split(' ');
        let (status, body) = response(words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let media = if body.starts_with("id:") { "text/event-stream" } else { "application/json" };
        write!(
            writer,
            "HTTP/1.1 {status} X\r\nContent-Type: {media}\r\nMlbench-Cursor: 9\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}

fn response(method: &str, target: &str) -> (u16, &'static str) {
    const RUN: &str = r#"{"id":7,"name":"first try","created_at":"2026-11-27T09:21:29Z","finished_at":"2026-11-27T09:30:00Z",
        "state":"FINISHED","job_id":"5ec9f286-e12d-41bc-886e-0174ef2bddae","job_metadata":{"command":"true",
        "master_name":"","pods":[],"exit_codes":{},"reason":null},"num_workers":1,"num_cpus":null,"max_bandwidth":null,
        "image":null,"backend":null,"run_all_nodes":true,"gpu_enabled":false,"light_target":false,"use_horovod":false}"#;
    const SERIES: &str = r#"[{"name":"loss","count":3,"first_date":"2026-11-27T09:21:44Z",
        "last_date":"2026-11-27T09:21:44Z","min":0.25,"max":0.5,"last_value":"0.25"}]"#;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match (method, path) {
        ("GET", "/api/pods/") => (200, r#"[{"name":"worker-0","labels":"{}","phase":"Running","ip":"10.0.0.7"}]"#),
        ("GET", "/api/pods/worker-0/series/" | "/api/runs/7/series/") => (200, SERIES),
        ("GET", "/api/metrics/") => (200, r#"{"7":{"loss":[{"date":"2026-11-27T09:21:44Z","value":"0.5"}]}}"#),
        ("GET", "/api/metrics/7/") if query.contains("cursor=") || query.contains("minmax") => (200, "{}"),
        ("GET", "/api/metrics/7/") if query.contains("accuracy") => {
            (200, r#"{"accuracy":[{"date":"2026-11-27T09:21:44Z","value":"0.5"}]}"#)
        }
        ("GET", "/api/metrics/7/") if query.contains("fields=") => (200, r#"{"loss":[{"value":"0.5","step":1}]}"#),
        ("GET", "/api/metrics/7/") => (200, r#"{"loss":[{"date":"2026-11-27T09:21:44Z","value":"0.5"}]}"#),
        ("POST", "/api/metrics/") => (
            201,
            r#"{"run_id":7,"name":"accuracy","date":"2026-11-27T09:21:44Z","value":"0.7845","cumulative":false,
            "metadata":""}"#,
        ),
        ("POST", "/api/metrics/batch/") => (200, r#"{"accepted":2,"rejected_count":0,"rejected":[]}"#),
        ("GET", "/api/runs/") => (200, Box::leak(format!("[{RUN}]").into_boxed_str())),
        ("GET", "/api/values/") => (200, r#"{"runs":[{"run_id":7,"loss":{"name":"loss","value":0.25}}]}"#),
        ("GET", "/api/comparison/") => (
            200,
            r#"{"metric":"val_global_Prec@1","direction":"at_least","goal":80.0,"clock":"training","cores":null,
            "groups":[],"runs":[],"warnings":[]}"#,
        ),
        ("GET", "/api/runs/7/logs/") if query.contains("after=") => (200, r#"{"next":1,"lines":[]}"#),
        ("GET", "/api/runs/7/logs/") => (
            200,
            r#"{"next":1,"lines":[{"seq":1,"date":"2026-11-27T09:21:44Z","rank":0,"stream":"stdout","text":"epoch 1"}]}"#,
        ),
        ("POST", "/api/runs/7/logs/") => (200, r#"{"accepted":1}"#),
        ("DELETE", "/api/runs/7/") | (_, "/api/session/") if method != "GET" => (204, ""),
        ("GET", "/api/session/") => (200, r#"{"required":true,"signed_in":false}"#),
        ("GET" | "PATCH", "/api/runs/7/") | ("POST", "/api/runs/" | "/api/runs/7/stop/" | "/api/imports/") => (200, RUN),
        ("GET", "/api/runs/7/export/") => (200, "zip"),
        ("GET", "/api/events/") => (
            200,
            "id: 7\nevent: open\ndata: {\"cursor\":7,\"topics\":[]}\n\nid: 8\nevent: runs\ndata: {\"runs\":[],\"deleted\":[3]}\n\n",
        ),
        ("GET", "/api/openapi.json") => (200, r#"{"openapi":"3.1.0"}"#),
        ("GET", "/healthz" | "/readyz" | "/metrics" | "/api/docs/") => (200, "ok"),
        _ => (
            404,
            r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"run 8 does not exist","instance":"/",
            "code":"not_found","request_id":"r-1","message":"run 8 does not exist"}"#,
        ),
    }
}
