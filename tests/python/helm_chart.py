"""Renders a chart with Helm's own SDK, or does with a release what the commands of helm do; prints JSON.

    helm_chart.py render CHART NAME NAMESPACE VALUES     the objects, by kind and name
    helm_chart.py lint CHART VALUES                      the findings
    helm_chart.py objects MANIFESTS                      the objects of a file of YAML, by kind and name
    helm_chart.py install|upgrade CHART NAME NAMESPACE VALUES
    helm_chart.py uninstall NAME NAMESPACE

VALUES is JSON.
"""

import json
import re
import sys

import helm_python


def objects(text):
    """Returns the objects of YAML documents, by kind and name."""
    found = {}
    for document in re.split(r"^---$", text, flags=re.MULTILINE):
        if thing := helm_python.values_from_yaml(document):
            key = f"{thing['kind']} {thing['metadata']['name']}"
            assert key not in found, f"{key} exists twice"
            found[key] = thing
    return found


def render(chart, name, namespace, values):
    with helm_python.Chart.load(chart) as loaded:
        loaded.validate_schema(json.loads(values))
        files = loaded.render(json.loads(values), name=name, namespace=namespace)
    return objects("\n---\n".join(text for file, text in sorted(files.items()) if file.endswith(".yaml")))


def lint(chart, values):
    report = helm_python.lint(chart, json.loads(values), strict=True)
    return report["messages"] + report["errors"]


def install(chart, name, namespace, values):
    with helm_python.Config(namespace=namespace) as config:
        config.install(chart, name, values=json.loads(values))


def upgrade(chart, name, namespace, values):
    with helm_python.Config(namespace=namespace) as config:
        config.upgrade(chart, name, values=json.loads(values))


def uninstall(name, namespace):
    with helm_python.Config(namespace=namespace) as config:
        config.uninstall(name)


COMMANDS = {
    "render": render,
    "lint": lint,
    "objects": lambda file: objects(open(file, encoding="utf-8").read()),
    "install": install,
    "upgrade": upgrade,
    "uninstall": uninstall,
}

try:
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
except helm_python.HelmError as error:
    sys.exit(str(error))
