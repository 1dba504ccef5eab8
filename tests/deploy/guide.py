# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""The pages about containers and Kubernetes, and the READMEs of deploy/: what they name exists."""

import re

import yaml
from chart import errors, merged, schema, values
from chart_rendered import Rendered, find_helm
from support import DEPLOY, GUIDE, ROOT, run, same

PAGES = [GUIDE / "containers.md", GUIDE / "kubernetes.md", DEPLOY / "README.md", DEPLOY / "systemd/README.md",
         ROOT / "tests/deploy/README.md"]


def links():
    for page in [*PAGES, GUIDE / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
    index = (GUIDE / "README.md").read_text()
    assert "(containers.md)" in index and "(kubernetes.md)" in index, "the guide does not lead here"


def files():
    """Paths of the repository in text and commands."""
    for page in PAGES:
        for path in re.findall(r"(?<![\w./])deploy/[\w./-]+\w", page.read_text()):
            assert (ROOT / path).exists(), f"{page.name}: {path}"
    said = run(DEPLOY / "container/build-image", "--help")
    for flag in re.findall(r"`(--\w+) web/dist`", (GUIDE / "containers.md").read_text()):
        assert flag in said, flag


def named_values():
    """`livekit.…` beyond the chart's own is the server's, and tests/docs holds that against it."""
    tops, seen = values(), 0
    for code in re.findall(r"`([a-z]\w*(?:\.\w+)*)(?::[^`]*)?`", (GUIDE / "kubernetes.md").read_text()):
        part, words = tops, code.split(".")
        if words[0] not in tops or code == "livekit.confab.workers":
            continue
        for word in words:
            assert word in part, f"values.yaml has no {code}"
            part = part[word]
        seen += 1
    assert seen > 20, f"only {seen} values are named"
    return f"{seen} values"


def examples(work):
    blocks = re.findall(r"^( *)```yml\n(.*?)^ *```", (GUIDE / "kubernetes.md").read_text(), re.S | re.M)
    assert len(blocks) == 4, f"{len(blocks)} examples"
    for indent, block in blocks:
        over = yaml.safe_load(re.sub(rf"^{indent}", "", block, flags=re.M))
        assert set(over) <= set(values()), f"unknown: {set(over) - set(values())}"
        same(errors(merged(values(), over), schema()), [], "an example")
        if find_helm():
            assert Rendered(work, over).objects
    return "rendered" if find_helm() else "not rendered: there is no helm"


def checks(work):
    return [
        ("guide: links lead somewhere, also to these pages", links),
        ("guide: files and flags that it names exist", files),
        ("guide: values of the chart that it names exist", named_values),
        ("guide: its values hold", lambda: examples(work)),
    ]
