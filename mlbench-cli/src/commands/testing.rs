//! Test data.

use mlbench_client::{Comparison, Run};
use serde_json::json;

/// Returns a run that failed, as the server reports it.
pub(super) fn failed_run(id: i64, name: &str) -> Run {
    serde_json::from_value(json!({
        "id": id, "name": name, "created_at": "2018-08-03T09:21:29.347960Z",
        "finished_at": "2018-08-03T09:21:41.847960Z", "state": "FAILED",
        "job_id": "5ec9f286-e12d-41bc-886e-0174ef2bddae",
        "job_metadata": {
            "command": "train {rank}", "master_name": "w-0", "pods": ["w-0", "w-1"],
            "exit_codes": {"0": 0, "1": 3}, "reason": "rank 1 ended with exit code 3"
        },
        "num_workers": 2, "num_cpus": 0.5, "max_bandwidth": null, "image": null, "backend": "ring",
        "run_all_nodes": false, "gpu_enabled": false, "light_target": true, "use_horovod": false,
        "environment": {"A": "1", "B": "2"}, "params": {"lr": 0.1, "deep": true}, "tags": {"team": "vision"}
    }))
    .unwrap()
}

fn estimate(n: u32, median: f64, low: f64, high: Option<f64>) -> serde_json::Value {
    json!({"n": n, "median": median, "low": low, "high": high, "interval": "min_max"})
}

fn group(id: u64, workers: u32, time: f64, speed_up: f64) -> serde_json::Value {
    let values = json!({
        "compute": 0.75, "communication": 0.2, "transfer": 0.05, "waiting": 0.15, "other": 0.05
    });
    json!({
        "label": format!("{workers} workers"), "names": [format!("run {id}")], "runs": [id],
        "parameters": {
            "image": null, "command": "train", "backend": null, "run_all_nodes": true,
            "num_workers": workers, "num_cpus": null, "max_bandwidth": null, "gpu_enabled": false,
            "light_target": false, "use_horovod": false
        },
        "oversubscribed": workers > 2, "n": 3, "reached": 2,
        "time_to_accuracy": estimate(3, time, time * 0.9, None), "no_time_reason": null, "baseline": 0,
        "speed_up": estimate(3, speed_up, speed_up, Some(speed_up)),
        "efficiency": estimate(3, speed_up / f64::from(workers), 0.0, None), "no_speed_up_reason": null,
        "phases": {"source": "totals", "total": 1.0, "seconds": values, "shares": values, "steps": {}},
        "trainings": [{
            "run": id, "number": 2, "reached": false, "seconds": null, "date": null,
            "reason": "no points of x", "pending": false, "best": null
        }],
        "all_reduce": []
    })
}

/// Returns a comparison of two groups.
pub(super) fn comparison() -> Comparison {
    serde_json::from_value(json!({
        "metric": "val_global_Prec@1", "direction": "at_least", "goal": 80.0, "clock": "training", "cores": 2.0,
        "groups": [group(1, 2, 7.5, 1.0), group(2, 4, 0.0015, 2.0)], "runs": [], "warnings": ["a warning"]
    }))
    .unwrap()
}
