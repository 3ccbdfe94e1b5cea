"""Logs to the server with MLflow's own client, unmodified, and reads everything back.

A program of a user would be the first two functions, with MLFLOW_TRACKING_URI in its environment.
"""

import math
import sys
import time
import warnings

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

warnings.filterwarnings("ignore")


def train():
    """Logs a run with a child run, as a script does."""
    mlflow.set_experiment("digits")
    with mlflow.start_run(run_name="parent") as parent:
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({"C": 1.0, "model": "resnet"})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"nan": math.nan, "inf": math.inf, "early": 2.0}, step=-3)
        mlflow.set_tag("team", "vision")
        with mlflow.start_run(run_name="child", nested=True) as child:
            mlflow.log_metric("loss", 0.5)
    return parent.info.run_id, child.info.run_id


def fit():
    """Lets autologging describe a model of scikit-learn."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    mlflow.sklearn.autolog()
    with mlflow.start_run(run_name="iris") as run:
        features, classes = load_iris(return_X_y=True)
        LogisticRegression(max_iter=300).fit(features, classes)
    mlflow.sklearn.autolog(disable=True)
    return run.info.run_id


def refused(word, call, *arguments):
    """Checks that a call is refused with a word in its message, and soon."""
    begin = time.monotonic()
    try:
        call(*arguments)
    except Exception as error:  # requests raises its own where files are uploaded
        assert word in str(error), error
        assert time.monotonic() - begin < 20, "the client tries again and again"
        return
    raise AssertionError(f"{call} is not refused")


client = MlflowClient()
parent, child = train()
run = client.get_run(parent)
assert run.info.status == "FINISHED" and run.info.run_name == "parent" and run.info.end_time, run
assert run.data.params == {"lr": "0.1", "C": "1.0", "model": "resnet"}, run.data.params
metrics = dict(run.data.metrics)
assert math.isnan(metrics.pop("nan")) and metrics == {"loss": 0.2, "inf": math.inf, "early": 2.0}, metrics
assert run.data.tags["team"] == "vision" and run.data.tags["mlflow.source.type"] == "LOCAL", run.data.tags
assert client.get_run(child).data.tags["mlflow.parentRunId"] == parent
history = client.get_metric_history(parent, "loss")
assert [(point.step, point.value) for point in history] == [(step, 1 / (step + 1)) for step in range(5)]
assert [point.step for point in client.get_metric_history(parent, "early")] == [-3]
refused("keeps its value", client.log_param, parent, "lr", 0.2)
client.log_param(parent, "lr", 0.1)

iris = client.get_run(fit())
assert iris.data.params["max_iter"] == "300" and iris.data.tags["estimator_name"] == "LogisticRegression"
assert iris.data.metrics["training_accuracy_score"] > 0.9, iris.data.metrics
assert any(name.startswith("mlflow.dataset.") for name in iris.data.tags), iris.data.tags

experiment = mlflow.get_experiment_by_name("digits").experiment_id
assert mlflow.set_experiment("digits").experiment_id == experiment
assert [found.name for found in client.search_experiments(order_by=["name ASC"])] == ["Default", "digits"]
refused("is there already", client.create_experiment, "digits")

now = int(time.time() * 1000)
hour_ago = now - 3_600_000
many = client.create_run(experiment, start_time=hour_ago, run_name="many")
batch = [Metric("curve", step / 7, now + step, step) for step in range(1000)]
for _ in range(2):  # as after a lost response
    client.log_batch(many.info.run_id, batch, [Param("p", "v")], [RunTag("t", "v")])
history = client.get_metric_history(many.info.run_id, "curve")
assert [(point.value, point.timestamp, point.step) for point in history] == [
    (metric.value, metric.timestamp, metric.step) for metric in batch
]
assert client.get_run(many.info.run_id).info.start_time == hour_ago
client.set_terminated(many.info.run_id, "KILLED")
assert client.get_run(many.info.run_id).info.status == "KILLED"


def names(filter="", order=None, view=mlflow.entities.ViewType.ACTIVE_ONLY):
    """Searches in pages of two."""
    found, token = [], None
    while True:
        page = client.search_runs([experiment], filter, view, 2, order, token)
        found += [run.info.run_name for run in page]
        token = page.token
        if not token:
            return found


assert names() == ["iris", "child", "parent", "many"], names()
assert names("metrics.loss < 0.3 and params.model = 'resnet' and tags.team LIKE 'vis%'") == ["parent"]
assert names("metrics.loss > 0", ["metrics.loss DESC"]) == ["child", "parent"]
assert names("attributes.status = 'KILLED'") == ["many"]
assert names(f"tags.`mlflow.parentRunId` = '{parent}'") == ["child"]
assert sorted(mlflow.search_runs([experiment], output_format="list"), key=lambda run: run.info.start_time)

client.delete_run(child)
assert client.get_run(child).info.lifecycle_stage == "deleted" and "child" not in names()
assert names(view=mlflow.entities.ViewType.DELETED_ONLY) == ["child"]
client.restore_run(child)
assert "child" in names()

with mlflow.start_run(run_id=parent):
    mlflow.log_metric("late", 1.0)
    refused("no files", mlflow.log_text, "a", "a.txt")
    refused("no files", mlflow.log_dict, {}, "a.json")
assert client.get_run(parent).data.metrics["late"] == 1.0
refused("no files", client.list_artifacts, parent)
client.delete_tag(parent, "team")
assert "team" not in client.get_run(parent).data.tags
refused("does not exist", client.get_run, "0" * 30 + "99")
try:
    client.get_experiment("99")
except MlflowException as error:
    assert error.error_code == "RESOURCE_DOES_NOT_EXIST", error
print(f"mlflow {mlflow.__version__} logged and read {len(names())} runs", file=sys.stdout)
