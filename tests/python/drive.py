"""Calls every method in the published client's api.py on the server at sys.argv[1] (host:port).

It loads only that file, by its path, because the __init__ of the package imports PyTorch.
"""

import datetime
import importlib.util
import io
import pathlib
import sys
import time
import zipfile


def load_api():
    package = importlib.util.find_spec("mlbench_core")
    path = pathlib.Path(package.submodule_search_locations[0]) / "api.py"
    spec = importlib.util.spec_from_file_location("mlbench_api", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


api = load_api()
called = set()


class Recorder:
    """Forwards calls to the client, checks the status, and records which methods were called."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        def call(*args, expect=200, **kwargs):
            called.add(name)
            response = getattr(self.client, name)(*args, **kwargs).result()
            assert response.status_code == expect, (name, response.status_code, response.text)
            return response

        return call


def wait_for_end(client, run_id):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        run = client.get_run(run_id).json()
        if run["state"] not in ("INITIALIZED", "STARTED"):
            return run
    raise AssertionError("the run did not end: %s" % run)


def main(address):
    with api.ApiClient(in_cluster=False, url=address) as original:
        client = Recorder(original)

        pods = client.get_worker_pods().json()
        assert [pod["name"] for pod in pods] == ["local-mlbench-worker-0", "local-mlbench-worker-1"], pods

        # The run of the dashboard's integration test.
        created = client.create_run(
            "from python", 1, num_cpus=1.0, custom_image_name="busybox", custom_image_command="sleep 0.1"
        ).json()
        refused = client.create_run(
            "second", 1, custom_image_name="busybox", custom_image_command="true", expect=409
        ).json()
        assert "message" in refused, refused
        run = wait_for_end(client, created["id"])
        assert run["state"] == "FINISHED", run
        assert [listed["id"] for listed in client.get_runs().json()] == [run["id"]]

        # Metrics, form-encoded, with Python's spelling of dates and booleans.
        base = datetime.datetime(2018, 8, 3, 9, 21, 44, 331823)
        for step in range(10):
            stored = client.post_metric(
                run["id"],
                "loss @ 0",
                step / 2,
                cumulative=False,
                metadata="{rank: 0, epoch:1.5}",
                date=base + datetime.timedelta(seconds=step),
                expect=201,
            ).json()
            assert stored["value"] == str(step / 2), stored
        client.post_metric(run["id"], "TaskResult @ 0", "reached", expect=201)

        def values(**kwargs):
            metrics = client.get_run_metrics(run["id"], **kwargs).json()
            return [float(point["value"]) for point in metrics["loss @ 0"]]

        assert values() == [step / 2 for step in range(10)]
        assert values(since=base + datetime.timedelta(seconds=8)) == [4.0, 4.5]
        assert values(summarize=2) == [1.0, 3.5]
        assert values(metric_filter="loss @ 0", last_n=1) == [4.5]

        archive = zipfile.ZipFile(io.BytesIO(client.download_run_metrics(run["id"]).content))
        assert archive.read("official_result.txt").decode().strip() == "reached", archive.namelist()
        assert "result_loss @ 0.json" in archive.namelist(), archive.namelist()

        deadline = time.monotonic() + 60
        while not client.get_pod_metrics(pods[0]["name"], since=base, summarize=3).json():
            assert time.monotonic() < deadline, "the pods have no metrics"
        assert pods[0]["name"] in client.get_all_metrics().json()

        # An official image by its title, on a backend that the client knows.
        official = client.create_run(
            "official", 2, image="PyTorch Linear Logistic Regression", backend="GLOO", light_target=True
        ).json()
        ended = wait_for_end(client, official["id"])
        assert ended["state"] == "FAILED", "/conda/bin/python should be missing: %s" % ended

        for run_id in (run["id"], official["id"]):
            client.delete_run(run_id, expect=204)
            client.get_run(run_id, expect=404)

    methods = {name for name in vars(api.ApiClient) if not name.startswith("_")}
    assert called == methods, "not called: %s" % (methods - called)
    print("every method was called")


if __name__ == "__main__":
    main(sys.argv[1])
