"""Posts metrics of a run to mlbench, with Python's standard library only. Copy it beside your own program."""

import json
import os
import urllib.request


def post(step, metrics):
    """Stores metrics of this run, values by name, as those of a step. Prints them where there is no server."""
    url, run = os.environ.get("MLBENCH_URL"), os.environ.get("MLBENCH_RUN_ID")
    if not url or not run:
        print(step, metrics, flush=True)
        return
    # The newest point of a series whose name ends in ` @ 0` is that of rank 0, which comparisons and the page show.
    points = [
        {"run_id": int(run), "name": f"{name} @ 0", "value": value, "step": step}
        for name, value in metrics.items()
    ]
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("MLBENCH_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(
        url.rstrip("/") + "/api/metrics/batch/", json.dumps(points).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        rejected = json.load(response)["rejected"]
    if rejected:
        raise ValueError(f"the server rejected metrics: {rejected}")
