use mlbench_client::Client;
use mlbench_tests::{TestServer, new_run};
use tokio::io::{AsyncReadExt, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// Passes the next request to the server, and ends the connection when the response begins.
async fn swallow_response(listener: &TcpListener, server: &TestServer) {
    let (mut client, _) = listener.accept().await.unwrap();
    let mut upstream = TcpStream::connect(server.address()).await.unwrap();
    let (mut request, _) = client.split();
    let (mut response, mut to_server) = upstream.split();
    let mut first = [0];
    tokio::select! {
        sent = copy(&mut request, &mut to_server) => panic!("the client has gone: {sent:?}"),
        read = response.read_exact(&mut first) => read.unwrap(),
    };
}

async fn pass(listener: &TcpListener, server: &TestServer) {
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut upstream = TcpStream::connect(server.address()).await.unwrap();
        // The client has what it asked for, however the connection ends.
        let _ = copy_bidirectional(&mut client, &mut upstream).await;
    }
}

#[tokio::test]
async fn a_run_whose_response_was_lost_in_a_crash_starts_once() {
    let mut server = TestServer::start().await;
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client =
        Client::builder().base_url(format!("http://{}", relay.local_addr().unwrap())).build().unwrap();
    let request = new_run("once", "true");
    let crash = async {
        swallow_response(&relay, &server).await;
        server.kill9().await;
        server.restart().await;
        pass(&relay, &server).await;
    };
    let run = tokio::select! {
        run = client.runs().start(&request) => run,
        () = crash => unreachable!("connections are passed on until the run has started"),
    };
    assert_eq!(run.unwrap().id.get(), 1);
    assert_eq!(server.client().runs().list().await.unwrap().len(), 1);
}
