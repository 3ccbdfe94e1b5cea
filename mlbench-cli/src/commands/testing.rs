//! Test data.

use mlbench_client::Run;

/// Returns a run that failed, as the server reports it.
pub(super) fn failed_run(id: i64, name: &str) -> Run {
    serde_json::from_value(serde_json::json!({
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
