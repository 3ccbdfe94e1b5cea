/// Answers the requests of the documentation's examples from a thread; gives back its address.
fn responder() -> std::io::Result<String> {
    use std::io::{BufRead, BufReader, Read, Write};
    const RUN: &str = r#"{"id":1,"name":"first try","created_at":"2018-08-03T09:21:29.347960Z","finished_at":
        "2018-08-03T09:22:29.347960Z","state":"FINISHED","job_id":"5ec9f286-e12d-41bc-886e-0174ef2bddae",
        "job_metadata":{"command":"train","master_name":"w-0","pods":["w-0"],"exit_codes":{"0":0},"reason":null},
        "num_workers":1,"num_cpus":null,"max_bandwidth":null,"image":null,"backend":null,"run_all_nodes":true,
        "gpu_enabled":false,"light_target":false,"use_horovod":false}"#;
    const METRIC: &str = r#"{"run_id":1,"name":"accuracy","date":"2018-08-03T09:21:44.331823Z","value":"0.7845",
        "cumulative":false,"metadata":""}"#;
    const BATCH: &str = r#"{"accepted":3,"rejected_count":0,"rejected":[]}"#;
    const POINTS: &str = r#"{"accuracy":[{"date":"2018-08-03T09:21:44.331823Z","value":"0.7845"}]}"#;
    const PODS: &str = r#"[{"name":"w-0","labels":"{'app': 'mlbench'}","phase":"Running","ip":"127.0.0.1"}]"#;
    fn answer(stream: std::net::TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let (mut first, mut length) = (String::new(), 0);
        stream.read_line(&mut first)?;
        let mut line = first.clone();
        while line.trim() != "" {
            line.clear();
            stream.read_line(&mut line)?;
            if let Some(number) = line.to_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse().unwrap_or(0);
            }
        }
        stream.read_exact(&mut vec![0; length])?;
        let (status, body) = match first.trim_end().trim_end_matches(" HTTP/1.1") {
            "GET /api/pods/" => ("200 OK", PODS),
            "POST /api/metrics/" => ("201 Created", METRIC),
            "POST /api/metrics/batch/" => ("200 OK", BATCH),
            head if head.starts_with("GET /api/metrics/") => ("200 OK", POINTS),
            _ => ("200 OK", RUN),
        };
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.get_mut().write_all(format!("{head}{body}").as_bytes())
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A request that breaks off is its sender's to tell of.
            let _ = answer(stream);
        }
    });
    Ok(url)
}
