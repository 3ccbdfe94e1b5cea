"""Stores and reads the points of a file with MLflow, and prints how long that takes and how much space.

A line of the file has a series, a step, a date in milliseconds and a value. MLflow works without a server, in the
process that logs: on SQLite as its documentation recommends for one machine.
"""

import collections
import json
import os
import sys
import time

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
from mlflow.entities import Metric

# The most metrics that one call may have.
BATCH = 1_000

points, folder = sys.argv[1:]
client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
run = client.create_run(client.create_experiment("speed")).info.run_id
metrics = []
for line in open(points):
    name, step, date, value = line.split()
    metrics.append(Metric(name, float(value), int(date), int(step)))


def size():
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


before = size()
begin = time.perf_counter()
for first in range(0, len(metrics), BATCH):
    client.log_batch(run, metrics=metrics[first : first + BATCH])
stored = time.perf_counter() - begin
taken = size() - before
counts = collections.Counter(metric.key for metric in metrics)
begin = time.perf_counter()
for name, count in counts.items():
    assert len(client.get_metric_history(run, name)) == count, name
read = time.perf_counter() - begin
print(json.dumps({"version": mlflow.__version__, "stored": stored, "bytes": taken, "read": read}))
