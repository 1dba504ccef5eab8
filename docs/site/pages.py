# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""One page of Markdown (CommonMark with tables, as the forge shows it) as HTML: headings with the forge's anchors, code
in colours by classes, links by a function of the caller. No inline style or script comes of it."""

import html
import re
from dataclasses import dataclass, field

from anchors import slug
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

# What pygments calls otherwise, or does not know.
LANGUAGES = {"yml": "yaml", "caddy": "text", "haproxy": "text", "promql": "text", "jsx": "js"}
COMMENTS = re.compile(r"\A(\s*<!--.*?-->)*\s*", re.S)
PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@dataclass
class Section:
    """A heading and the text until the next one."""
    level: int
    title: str
    anchor: str
    text: list = field(default_factory=list)


@dataclass
class Page:
    title: str
    html: str
    sections: list


def plain(token):
    """The words of an inline token, without marks."""
    return "".join(child.content if child.type in ("text", "code_inline") else " " if "break" in child.type else ""
                   for child in token.children or [])


def sections_of(tokens):
    """Gives each heading its anchor. Returns the sections; text before the first heading is of none."""
    sections, taken = [], set()
    for before, token in zip([None, *tokens], tokens):
        if before is not None and before.type == "heading_open":
            title = plain(token)
            anchor = slug(title, taken)
            before.attrSet("id", anchor)
            sections.append(Section(int(before.tag[1]), title, anchor))
        elif sections and token.type == "inline":
            sections[-1].text.append(plain(token))
        elif sections and token.type == "fence":
            sections[-1].text.append(token.content)
    return sections


def code(token):
    language = token.info.split()[0] if token.info.strip() else "text"
    try:
        lexer = get_lexer_by_name(LANGUAGES.get(language, language), stripnl=False)
    except ClassNotFound:
        raise SystemExit(f"pygments knows no language {language}; name another one in LANGUAGES") from None
    shown = highlight(token.content, lexer, HtmlFormatter(nowrap=True))
    return f'<div class="code"><pre><code class="language-{html.escape(language)}">{shown}</code></pre></div>\n'


def table_heads(tokens):
    """Without heads of nothing: Markdown wants a row of heads also where a table has none, or none above its first column."""
    kept, at = [], 0
    while at < len(tokens):
        end = at + 1
        if tokens[at].type == "thead_open":
            end = next(i for i in range(at, len(tokens)) if tokens[i].type == "thead_close") + 1
            if not any(token.content for token in tokens[at:end] if token.type == "inline"):
                at = end
                continue
        for opened, inline, closed in zip(tokens[at:end], tokens[at + 1:end], tokens[at + 2:end]):
            if opened.type == "th_open" and not inline.content:
                opened.tag = closed.tag = "td"
        kept += tokens[at:end]
        at = end
    return kept


def prepare(tokens, resolve):
    """Links through `resolve(href) → href or None`; the places of columns as classes in place of inline style."""
    for token in tokens:
        if align := re.fullmatch(r"text-align:(\w+)", token.attrGet("style") or ""):
            del token.attrs["style"]
            token.attrJoin("class", align.group(1))
        if token.type == "image":
            token.attrSet("src", resolve(token.attrGet("src")))
            token.attrSet("loading", "lazy")
        elif token.type == "link_open":
            link(token, resolve)
        prepare(token.children or [], resolve)


def link(token, resolve):
    target = resolve(token.attrGet("href"))
    if target is None:  # a file of the repository that is no page
        del token.attrs["href"]
        token.attrSet("class", "file")
        return
    token.attrSet("href", target)
    if re.match(r"https?:", target):
        token.attrSet("rel", "noreferrer")


class Renderer:
    """The parser's own, but for code, headings and tables."""

    def __init__(self):
        self.rules = PARSER.renderer.rules
        self.rules["fence"] = lambda tokens, index, options, env: code(tokens[index])
        self.rules["code_block"] = self.rules["fence"]
        self.rules["heading_close"] = self.heading_close
        self.rules["table_open"] = lambda *_: '<div class="table"><table>\n'
        self.rules["table_close"] = lambda *_: "</table></div>\n"

    @staticmethod
    def heading_close(tokens, index, options, env):
        opened, inline = tokens[index - 2], tokens[index - 1]
        name = html.escape(plain(inline), quote=True)
        mark = "" if opened.tag == "h1" else f' <a class="anchor" href="#{opened.attrGet("id")}" aria-label="Link to: {name}">#</a>'
        return f"{mark}</{opened.tag}>\n"

    @staticmethod
    def render(tokens):
        return PARSER.renderer.render(tokens, PARSER.options, {})


RENDERER = Renderer()


def parsed(text):
    """Tokens and sections: enough to know a page's title and anchors."""
    tokens = PARSER.parse(COMMENTS.sub("", text))
    return tokens, sections_of(tokens)


def page(text, resolve):
    tokens, sections = parsed(text)
    if not sections or sections[0].level != 1:
        raise SystemExit(f"a page begins with a heading, not with {text[:60]!r}")
    prepare(tokens, resolve)
    tokens = table_heads(tokens)
    return Page(sections[0].title, RENDERER.render(tokens), sections)
