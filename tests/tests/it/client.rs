//! The examples of the client, against a real server.

use mlbench_client::blocking;
use mlbench_tests::TestServer;

#[path = "../../../mlbench-client/examples/tour.rs"]
#[expect(dead_code, reason = "a test calls what the example's main calls")]
mod tour;

#[tokio::test]
async fn the_tour_of_the_client_works() {
    let server = TestServer::start().await;
    let spool = server.dir().join("spool");
    tour::tour(&server.client(), &spool).await.unwrap();
    assert!(server.client().runs().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_program_without_a_runtime_starts_a_run_and_waits() {
    let server = TestServer::start().await;
    let client = server.client();
    let pods = tokio::task::spawn_blocking(move || {
        let client = blocking::Client::new(&client).unwrap();
        let first = client.wait(async |client| client.pods().list().await);
        // The connection of the first call is used again.
        first.and(client.wait(async |client| client.pods().list().await))
    });
    assert_eq!(pods.await.unwrap().unwrap().len(), 2);
}
