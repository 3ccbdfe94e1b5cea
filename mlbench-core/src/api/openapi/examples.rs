//! Values of the examples.

use serde_json::{Value, json};

const DATE: &str = "2018-08-03T09:21:29.347960Z";
const LATER: &str = "2018-08-03T09:24:05.120000Z";

pub(super) fn metric() -> Value {
    json!({
        "run_id": 7, "name": "val_global_Prec@1 @ 0", "date": DATE, "value": "78.45", "cumulative": false,
        "metadata": "", "step": 390, "epoch": 1,
    })
}

pub(super) fn new_metric() -> Value {
    json!({"run_id": 7, "name": "val_global_Prec@1 @ 0", "value": 78.45, "step": 390, "epoch": 1})
}

pub(super) fn new_metrics() -> Value {
    json!([new_metric(), {"run_id": 7, "name": "train_loss @ 0", "value": "NaN"}])
}

pub(super) fn new_series() -> Value {
    json!({"run_id": 7, "name": "train_loss @ 0", "value": [2.3, 2.1, 1.9], "step": [1, 2, 3], "epoch": 0})
}

pub(super) fn new_lines() -> String {
    let second = json!({"run_id": 7, "name": "train_loss @ 0", "value": 2.3});
    format!("{}\n{second}\n", new_metric())
}

pub(super) fn batch_result() -> Value {
    json!({
        "accepted": 1,
        "rejected_count": 1,
        "rejected": [{"index": 1, "code": "not_found", "message": "run 8 does not exist"}],
    })
}

pub(super) fn new_run() -> Value {
    json!({
        "name": "Name of the run",
        "num_workers": 2,
        "custom_image_command": "mlbench benchmark logistic-regression",
        "params": {"lr": 0.1},
        "tags": {"team": "vision"},
    })
}

pub(super) fn patch() -> Value {
    json!({"params": {"seed": 42}, "tags": {"team": "vision", "draft": null}})
}

pub(super) fn run() -> Value {
    json!({
        "id": 7,
        "name": "Name of the run",
        "created_at": DATE,
        "finished_at": LATER,
        "state": "FINISHED",
        "job_id": "c7c9ef3a-2d4b-4a5c-8a86-0d2f7a6f0c11",
        "job_metadata": {
            "command": "mlbench benchmark logistic-regression",
            "master_name": "local-mlbench-worker-0",
            "pods": ["local-mlbench-worker-0", "local-mlbench-worker-1"],
            "exit_codes": {"0": 0, "1": 0},
            "reason": null,
        },
        "num_workers": 2,
        "num_cpus": null,
        "max_bandwidth": null,
        "image": null,
        "backend": null,
        "run_all_nodes": true,
        "gpu_enabled": false,
        "light_target": false,
        "use_horovod": false,
        "environment": {},
        "params": {"lr": 0.1},
        "tags": {"team": "vision"},
    })
}

pub(super) fn run_with_output() -> Value {
    let mut run = run();
    run["job_metadata"]["stdout"] = json!(["[0] epoch 1", "[1] epoch 1"]);
    run["job_metadata"]["stderr"] = json!([]);
    run
}

pub(super) fn points() -> Value {
    json!({"train_loss @ 0": [{"date": DATE, "value": "2.3"}, {"date": LATER, "value": "0.19"}]})
}

pub(super) fn points_by_pod() -> Value {
    let points = json!([{"date": DATE, "value": "61865984"}]);
    json!({"local-mlbench-worker-0": {"container_memory_usage_bytes": points}})
}

pub(super) fn csv() -> String {
    format!("metric,date,value\r\ntrain_loss @ 0,{DATE},2.3\r\n")
}

pub(super) fn ndjson() -> String {
    let point = json!({"run_id": 7, "name": "train_loss @ 0", "date": DATE, "value": "2.3"});
    format!("{point}\n")
}

pub(super) fn logs() -> Value {
    let line = json!({"seq": 1, "date": DATE, "rank": 0, "stream": "stdout", "text": "epoch 1"});
    json!({"lines": [line], "next": 1, "unfinished": []})
}

pub(super) fn series() -> Value {
    json!([{
        "name": "train_loss @ 0", "count": 390, "first_date": DATE, "last_date": LATER, "min": 0.19, "max": 2.3,
        "last_value": "0.19",
    }])
}

pub(super) fn pods() -> Value {
    json!([{
        "name": "local-mlbench-worker-0",
        "labels": "{'app': 'mlbench', 'component': 'worker'}",
        "phase": "Running",
        "ip": "127.0.0.1",
    }])
}

pub(super) fn values() -> Value {
    let accuracy = json!({"name": "val_global_Prec@1 @ 0", "value": 78.45});
    json!({"runs": [{"run_id": 7, "accuracy": accuracy, "loss": {"name": "train_loss @ 0", "value": 0.19}}], "next": null})
}

pub(super) fn comparison() -> Value {
    let end = json!({"name": "val_global_Prec@1 @ 0", "count": 9, "last": "78.45", "best": 78.45, "direction": "at_least"});
    let run = json!({
        "id": 7, "name": "Name of the run", "state": "FINISHED", "created_at": DATE, "finished_at": LATER,
        "seconds": 155.8, "group": 0, "result": null, "phases": null, "end_values": [end], "all_reduce": [],
    });
    json!({
        "metric": "val_global_Prec@1", "direction": "at_least", "goal": 70, "clock": "training", "cores": 4,
        "groups": [], "runs": [run], "warnings": [],
    })
}

pub(super) fn event_stream() -> String {
    let open = json!({"cursor": 41, "topics": ["runs"]});
    let runs = json!({"runs": [], "deleted": [6]});
    format!("id: 41\nevent: open\ndata: {open}\n\nid: 42\nevent: runs\ndata: {runs}\n\n")
}
