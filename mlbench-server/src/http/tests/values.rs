//! `GET /api/values/`.

use hyper::StatusCode;
use serde_json::json;

use super::harness::{Api, run_metric};

#[tokio::test]
async fn one_request_has_the_newest_values_of_all_runs() {
    let api = Api::start().await;
    let (first, second) = (api.ended_run("a").await.id, api.ended_run("b").await.id);
    let points = [
        run_metric(first, "train_loss @ 0", 1, "0.50".to_owned()),
        run_metric(first, "val_global_Prec@1 @ 0", 1, "81".to_owned()),
        run_metric(second, "loss", 1, "NaN".to_owned()),
        run_metric(second, "loss", 0, "2.5e3".to_owned()),
    ];
    api.app.storage.record_metrics(points.to_vec()).await.unwrap();

    let response = api.get("/api/values/").await;
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    let expected = json!({"runs": [
        {"run_id": first, "accuracy": {"name": "val_global_Prec@1 @ 0", "value": 81}, "loss": {"name": "train_loss @ 0", "value": 0.5}},
        {"run_id": second, "loss": {"name": "loss", "value": 2500}},
    ], "next": null});
    assert_eq!(response.json(), expected);

    let named = api.get("/api/values/?metric=loss&metric=val_global_Prec%401+%40+0&limit=1").await.json();
    let expected =
        json!({"runs": [{"run_id": first, "metrics": {"val_global_Prec@1 @ 0": 81.0}}], "next": first});
    assert_eq!(named, expected);
    let rest = api.get(&format!("/api/values/?metric=loss&after={first}")).await.json();
    assert_eq!(rest["runs"], json!([{"run_id": second, "metrics": {"loss": 2500.0}}]));

    let (status, code, detail) = api.get("/api/values/?limit=10001").await.error();
    assert_eq!((status, code), (400, "invalid_field"));
    assert!(detail.starts_with("limit: must be a whole number from 1 to 10000"), "{detail}");
}
