"""Reads the points of run 1 as JSON, Arrow and Parquet, and checks that all three have the same points."""

import datetime
import io
import json
import math
import sys
import urllib.request

import pyarrow
import pyarrow.ipc
import pyarrow.parquet

FIELDS = "date,value,cumulative,metadata,step,epoch"
TYPES = {
    "run_id": "int64",
    "name": "dictionary<values=string, indices=int32, ordered=0>",
    "date": "timestamp[us, tz=UTC]",
    "value": "double",
    "value_text": "string",
    "cumulative": "bool",
    "metadata": "string",
    "step": "int64",
    "epoch": "double",
}


def read(form):
    url = f"http://{sys.argv[1]}/api/metrics/1/?metric_type=run&fields={FIELDS}&format={form}"
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.read()


def date(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def check(row, name, point):
    assert row["name"] == name and row["run_id"] == 1, row
    assert row["date"] == date(point["date"]), (row, point)
    for field in ("cumulative", "metadata", "step", "epoch"):
        assert row[field] == point[field], (field, row, point)
    value, text = row["value"], point["value"]
    if row["value_text"] is not None:
        assert row["value_text"] == text, (row, point)
    if value is None:
        assert row["value_text"] is not None, row
    elif math.isnan(value):
        assert text == "NaN", (row, point)
    else:
        assert value == float(text), (row, point)


points = [(name, point) for name, series in json.loads(read("json")).items() for point in series]
tables = {
    "arrow": pyarrow.ipc.open_stream(read("arrow")).read_all(),
    "parquet": pyarrow.parquet.read_table(io.BytesIO(read("parquet"))),
}
for form, table in tables.items():
    assert {field.name: str(field.type) for field in table.schema} == TYPES, (form, table.schema)
    table.validate(full=True)
    rows = table.to_pylist()
    assert len(rows) == len(points), (form, len(rows), len(points))
    for row, (name, point) in zip(rows, points):
        check(row, name, point)
print(f"{len(points)} points are the same in every format")
