use mlbench_client::{LogsQuery, OutputStream, RunState, RunsQuery};
use mlbench_tests::TestServer;

#[tokio::test]
async fn output_is_read_page_by_page_without_a_gap() {
    let server = TestServer::start().await;
    let run = server.run("seq 1 250").await;
    let client = server.client();
    let mut query = LogsQuery { rank: Some(1), limit: Some(100), ..LogsQuery::default() };
    let mut pages = Vec::new();
    loop {
        let page = client.runs().logs(run.id, &query).await.unwrap();
        query.after = Some(page.next);
        if page.lines.is_empty() {
            break;
        }
        pages.push(page.lines);
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    let lines: Vec<_> = pages.concat().into_iter().map(|line| line.text).collect();
    assert_eq!(lines, (1..=250).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn logs_limits_the_output_shown_with_a_run() {
    let server = TestServer::start().await;
    let run = server.run("sh -c 'seq 1 3; echo err >&2'").await;
    let metadata = async |logs| {
        let run = server.client().runs().get_with(run.id, RunsQuery { logs }).await.unwrap();
        run.job_metadata
    };
    let all = metadata(None).await;
    let (stdout, stderr) = (all.stdout.unwrap(), all.stderr.unwrap());
    assert_eq!(stdout.len(), 6);
    assert!(
        stdout.contains(&"[0] 3".to_owned()) && stderr.contains(&"[1] err".to_owned()),
        "{stdout:?} {stderr:?}"
    );
    assert_eq!(metadata(Some(2)).await.stdout.unwrap(), stdout[4..]);
    assert_eq!(metadata(Some(0)).await.stdout, None);
    let listed = server.client().runs().list().await.unwrap();
    assert_eq!(listed[0].job_metadata.stdout, None);
}

#[tokio::test]
async fn output_that_is_not_lines_of_text_is_kept_as_text() {
    let server = TestServer::start().await;
    let odd = "printf 'a\\377b\\n'\nhead -c 40000 /dev/zero | tr '\\0' x\nprintf '\\nno newline'\n";
    let run = server.run(&server.script(odd)).await;
    assert_eq!(run.state, RunState::Finished);
    let lines = server.lines_of(run.id, 0, OutputStream::Stdout).await;
    assert_eq!(lines[0], "a\u{fffd}b");
    assert_eq!(lines.last().unwrap(), "no newline");
    let long = &lines[1..lines.len() - 1];
    assert_eq!(long.concat(), "x".repeat(40_000));
    assert!(long.len() > 1 && long.iter().all(|line| line.len() <= 16 * 1024), "{}", long.len());
}

#[tokio::test]
async fn output_can_be_read_during_the_run() {
    let server = TestServer::start().await;
    let run = server.start_run("sh -c 'echo first; sleep 1000'").await;
    server.wait_for_lines(run.id, 2).await;
    assert!(server.client().runs().get(run.id).await.unwrap().state.is_active());
    server.client().runs().stop(run.id).await.unwrap();
    assert_eq!(server.wait(run.id).await.state, RunState::Stopped);
}
