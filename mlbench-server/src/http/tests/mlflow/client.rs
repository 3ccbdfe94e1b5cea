//! MLflow's client, as it speaks.

use hyper::StatusCode;
use serde_json::Value;

use super::super::harness::Api;

/// The milliseconds of [`NOW`].
pub(super) const NOW_MS: i64 = 1_533_288_089_347;

/// MLflow's client on a server.
pub(super) struct Client<'a>(pub(super) &'a Api);

impl Client<'_> {
    /// Calls an operation that succeeds.
    pub(super) async fn post(&self, operation: &str, body: &Value) -> Value {
        let response = self.0.post(&format!("/api/2.0/mlflow/{operation}"), &body.to_string()).await;
        assert_eq!(response.status, StatusCode::OK, "{operation} {body}: {response:?}");
        response.json()
    }

    pub(super) async fn get(&self, operation: &str) -> Value {
        let response = self.0.get(&format!("/api/2.0/mlflow/{operation}")).await;
        assert_eq!(response.status, StatusCode::OK, "{operation}: {response:?}");
        response.json()
    }

    /// Calls an operation that is refused, and returns status, name and message.
    pub(super) async fn refusal(&self, operation: &str, body: &Value) -> (u16, String, String) {
        let response = self.0.post(&format!("/api/2.0/mlflow/{operation}"), &body.to_string()).await;
        assert_eq!(response.header("content-type"), "application/json", "{response:?}");
        assert!(!response.header("x-request-id").is_empty());
        let text = |name: &str| response.json()[name].as_str().unwrap().to_owned();
        (response.status.as_u16(), text("error_code"), text("message"))
    }

    pub(super) async fn run(&self, body: &Value) -> String {
        let created = self.post("runs/create", body).await;
        created["run"]["info"]["run_id"].as_str().unwrap().to_owned()
    }

    /// Returns the ids of the runs of a page, without their zeros, and its token.
    pub(super) async fn search(&self, body: &Value) -> (Vec<String>, Option<String>) {
        let page = self.post("runs/search", body).await;
        let id = |run: &Value| run["info"]["run_id"].as_str().unwrap().trim_start_matches('0').to_owned();
        let token = page["next_page_token"].as_str().map(ToOwned::to_owned);
        (page["runs"].as_array().unwrap().iter().map(id).collect(), token)
    }

    pub(super) async fn info(&self, id: &str) -> Value {
        self.get(&format!("runs/get?run_id={id}")).await["run"]["info"].clone()
    }
}

/// Returns the pairs of a list of keys and values as an object.
pub(super) fn pairs(list: &Value) -> Value {
    let list = list.as_array().unwrap().iter();
    list.map(|item| (item["key"].as_str().unwrap().to_owned(), item["value"].clone())).collect()
}
