"""What schemathesis does not know by itself: media types, and rules that a schema cannot express."""

import json
import re

import schemathesis
from schemathesis.core.failures import Failure

# The refusals of requests that fit to the document, by the `detail` of the problem, and why the document cannot have
# the rule.
BEYOND_A_SCHEMA = [
    # OpenAPI 3.1 has no rules across the parameters of a query.
    r"(downsample|last_n|cursor|before|fields): cannot be combined with ",
    r"points: (missing; required with downsample|requires downsample)",
    r"fields: summarize and downsample return only ",
    r"cursor: belongs to sort=",
    r"baseline: run \d+ is not compared; ",
    r"(direction|goal): requires metric; ",
    r"runs: requires metric_type=run; ",
    # A pattern cannot say that a list names nothing twice, without naming all orders of its words.
    r"fields: \w+ is listed more than once",
    # A form has pairs as texts, and JSON Schema has no rule for the first halves of texts.
    r"(params|tags|environment|exit_codes|env_from_secrets|node_selector): .* is there twice; remove one",
    # Nor has it one for the members of two objects, or for the same member of two items.
    r"env_from_secrets: .* is in environment too; remove one",
    r"volumes: two have the (name|mount_path) ",
    # Only a response has valid cursors: the key after the id depends on the data.
    r"cursor: .* is not a cursor; ",
    # JSON Schema has no rule for the lengths of two arrays.
    r"\w+: has \d+ items, value has \d+; ",
    # JSON Schema counts characters, and the limits are in bytes of UTF-8.
    r".*(at most \d+ bytes|has \d+ bytes; use at most|1 to \d+ bytes, not [1-9])",
    # The words of a shell are beyond a readable pattern.
    r"custom_image_command: (has an unclosed quote|empty; name a program)",
    # The official images, and whether they can use GPUs, belong to the version of the server.
    r"image_name: .* is not an official image; ",
    r"gpu_enabled: must be false; ",
    # What pods can have, local workers cannot, and the document is the same for both.
    r"\w+: local workers are no pods; ",
    r"volumes: .* and local workers have only empty_dir; ",
    # An archive is bytes to a schema.
    r"archive: is not the whole export of a run",
]


@schemathesis.check
def refusals_have_a_reason(ctx, response, case):
    """Valid requests are refused with 400 only for rules that are beyond a schema."""
    if response.status_code != 400 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    detail = response.json().get("detail", "")
    if not any(re.match(rule, detail, re.DOTALL) for rule in BEYOND_A_SCHEMA):
        raise Failure(operation=case.operation.label, title="Valid request refused", message=detail)


# The parameters that take several values. Of all others the last value counts, as in Django, so that a case with a wrong
# value before a right one is accepted although its generator calls it invalid.
REPEATED = {"metric", "metric_filter", "param", "state", "tag"}


@schemathesis.hook
def filter_query(context, query):
    return not any(isinstance(value, list) and name not in REPEATED for name, value in (query or {}).items())


@schemathesis.serializer("application/x-ndjson", "application/ndjson")
def write_lines(context, value):
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return json.dumps(value).encode()


# A schema cannot describe an archive, so that all of them are refused.
@schemathesis.serializer("application/zip")
def write_bytes(context, value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.deserializer("text/javascript")
def read_javascript(context, response):
    return response.json()


@schemathesis.deserializer("text/csv", "application/x-ndjson")
def read_text(context, response):
    return response.text


# The documents say no more of these than that they are bytes.
@schemathesis.deserializer(
    "application/zip", "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
)
def read_bytes(context, response):
    return response.content.hex()
