# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""deploy/helm/confab as text: what can be said of a chart without helm."""

import json
import re

import yaml
from chart_values import UPSTREAM
from support import DEPLOY, ROOT, same

CHART = DEPLOY / "helm/confab"
KINDS = {"backendconfig.yaml", "config.yaml", "hpa.yaml", "ingress.yaml", "keys.yaml", "pdb.yaml", "service.yaml",
         "serviceaccount.yaml", "servicemonitor.yaml", "turn-service.yaml", "workload.yaml"}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}


def values():
    return yaml.safe_load((CHART / "values.yaml").read_text())


def schema():
    return json.loads((CHART / "values.schema.json").read_text())


def templates():
    return {path.name: path.read_text() for path in sorted((CHART / "templates").iterdir())}


def is_type(value, name):
    return isinstance(value, TYPES[name]) and not (name in ("integer", "number") and isinstance(value, bool))


def errors(value, rule, place="values"):
    """The part of JSON Schema that values.schema.json uses; another word in it is an error."""
    if "$ref" in rule:
        rule = schema()["definitions"][rule["$ref"].rsplit("/", 1)[1]]
    known = {"type", "enum", "anyOf", "minimum", "maximum", "minLength", "pattern", "properties", "required", "items",
             "additionalProperties", "$schema", "title", "definitions"}
    assert set(rule) <= known, f"{place}: this check does not know {set(rule) - known}"
    if "anyOf" in rule and all(errors(value, one, place) for one in rule["anyOf"]):
        return [f"{place}: {value!r} fits none"]
    wanted = rule.get("type", [])
    if wanted and not any(is_type(value, one) for one in ([wanted] if isinstance(wanted, str) else wanted)):
        return [f"{place}: {value!r} is no {wanted}"]
    if "enum" in rule and value not in rule["enum"]:
        return [f"{place}: {value!r} is none of {rule['enum']}"]
    found = []
    if is_type(value, "number") and not rule.get("minimum", value) <= value <= rule.get("maximum", value):
        found.append(f"{place}: {value} is out of range")
    if isinstance(value, str) and not (len(value) >= rule.get("minLength", 0) and re.search(rule.get("pattern", ""), value)):
        found.append(f"{place}: {value!r} has another form")
    if isinstance(value, list):
        for number, item in enumerate(value):
            found += errors(item, rule.get("items", {}), f"{place}[{number}]")
    if isinstance(value, dict):
        found += [f"{place}.{name} is missing" for name in rule.get("required", []) if name not in value]
        for name, item in value.items():
            inner = rule.get("properties", {}).get(name, rule.get("additionalProperties", {}))
            found += errors(item, inner, f"{place}.{name}")
    return found


def merged(base, over):
    """As helm puts values over those of the chart: maps are joined, all else is replaced."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{name: merged(base.get(name), value) for name, value in over.items()}}


def schema_holds():
    same(errors(values(), schema()), [], "values.yaml")
    for name, over in UPSTREAM.items():
        same(errors(merged(values(), over), schema()), [], name)


def schema_refuses():
    wrong = [({"kind": "StatefulSet"}, "kind"), ({"replicaCount": "2"}, "replicaCount"), ({"podHostNetwork": "true"}, "podHostNetwork"),
             ({"livekit": {"port": 70000}}, "livekit.port"), ({"livekit": {"keys": {"a": 1}}}, "livekit.keys.a"),
             ({"livekit": {"rtc": {"udp_port": "7882-"}}}, "livekit.rtc.udp_port"),
             ({"loadBalancer": {"type": "nginx"}}, "loadBalancer.type")]
    for over, place in wrong:
        found = errors(merged(values(), over), schema())
        assert len(found) == 1 and found[0].startswith(f"values.{place}:"), f"{over}: {found}"


def uses_of_values(text):
    """Paths that a template reads, also through variables that stand for a part of the values."""
    variables = dict(re.findall(r"(\$\w+) := \.Values\.([\w.]+)", text))
    found = set(re.findall(r"\.Values\.([\w.]+\w)", text))
    for variable, path in variables.items():
        found |= {f"{path}.{rest}" for rest in re.findall(rf"{re.escape(variable)}\.([\w.]+\w)", text)}
    return found


def known_values():
    for name, text in templates().items():
        for path in uses_of_values(text):
            part = values()
            for word in path.split("."):
                assert isinstance(part, dict) and word in part, f"{name} uses .Values.{path}, which values.yaml lacks"
                part = part[word]


def used_values():
    """A value that nothing reads promises what the chart does not do. `livekit` goes to the server as a whole."""
    text = "\n".join(templates().values())
    used = uses_of_values(text) | {word for names in re.findall(r'range \$name := list ((?:"\w+" ?)+)', text)
                                   for word in re.findall(r"\w+", names)}
    for top, inner in values().items():
        names = [f"{top}.{name}" for name in inner] if isinstance(inner, dict) and inner and top != "livekit" else [top]
        for name in names:
            assert any(one == name or one == top or one.startswith(name + ".") for one in used), f"nothing uses {name}"


def named_templates():
    text = "\n".join(templates().values())
    defined = re.findall(r'define "([^"]+)"', text)
    same(len(defined), len(set(defined)), "names that are defined twice")
    same(set(re.findall(r'include "([^"]+)"', text)), set(defined), "what is included, and what is defined")


def balanced():
    for name, text in templates().items():
        actions = [re.sub(r"^-? *", "", action) for action in re.findall(r"\{\{(.*?)\}\}", text, re.S)]
        same(len(actions), text.count("{{"), f"{name}: actions, and their beginnings")
        opened = [action for action in actions if re.match(r"(if|with|range|define)\b", action)]
        closed = [action for action in actions if re.match(r"end\b", action)]
        same(len(closed), len(opened), f"{name}: what is opened and closed")


def versions():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = re.search(r"project\(confab VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    same(chart["appVersion"], version, "appVersion")
    same(set(templates()) - {"NOTES.txt", "_helpers.tpl", "_pod.tpl"}, KINDS, "the templates")


def checks(_work):
    return [
        ("chart as text, without helm: the schema holds for its values and upstream's [DEP-03]", schema_holds),
        ("chart as text, without helm: the schema refuses wrong values", schema_refuses),
        ("chart as text, without helm: no template uses a value that values.yaml lacks", known_values),
        ("chart as text, without helm: each value is used", used_values),
        ("chart as text, without helm: what is included is defined, and the other way round", named_templates),
        ("chart as text, without helm: each block is closed", balanced),
        ("chart as text, without helm: version of the program, a template for each object", versions),
    ]
