# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""The anchors of headings, as forges make them. Also tests/docs/run_docs holds links against these."""

import re


def slug(title, taken):
    """Small letters, no punctuation, a number for the second of a name; `taken` has the others of the page."""
    base = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
    anchor, number = base, 0
    while anchor in taken:
        number += 1
        anchor = f"{base}-{number}"
    taken.add(anchor)
    return anchor
