"""Word templates that an office may replace: what they may contain, and how their placeholders are filled.

A template comes from outside and is judged before anything in it is used. Its placeholders are names and nothing else: no
calls, no loops, no arithmetic, so that none can read what it should not or keep a processor busy.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from triage.errors import InputError

MOST_BYTES = 20 << 20
MOST_UNPACKED = 100 << 20
MOST_PARTS = 1_000
RATIO = 200
"""Largest compression of a part above a megabyte: XML of Word packs some twentyfold, a bomb a thousandfold."""

SECTIONS = (
    "overview", "categories", "districts", "units", "events", "topics", "frequent", "risk", "overdue", "assessment", "notes",
)  # fmt: skip
"""Sections that a template may place by themselves: ``{{p section.events }}``."""

WORDS = (
    "title", "issue", "office", "area", "date", "period", "summary", "kind", "total", "previous", "change", "last_year",
    "year_change", "red", "orange", "overdue_total",
)  # fmt: skip
"""Texts that a template may name: ``{{ title }}``."""

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.If, nodes.Const, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not,
)  # fmt: skip
_BAD_PARTS = re.compile(
    r"vbaProject|vbaData|activeX|oleObject|embeddings/|afchunk|\.(?:exe|dll|js|vbs|hta|bin)$", re.IGNORECASE
)
_BAD_FIELDS = re.compile(rb"\b(?:DDEAUTO|DDE|INCLUDETEXT|INCLUDEPICTURE|MACROBUTTON|DATABASE|IMPORT)\b")
_TEXT = re.compile(r"<w:t(?:\s[^>]*)?>([^<]*)</w:t>")
_FIELD = re.compile(rb"<w:instrText[^>]*>([^<]*)<|w:instr=\"([^\"]*)\"")
_EXTERNAL = re.compile(rb"<[^>]*TargetMode\s*=\s*[\"']External[\"'][^>]*>", re.IGNORECASE)
_LINK = b"/relationships/hyperlink"
_HOW = "；占位符的写法见 docs/report-templates.md"


class TemplateRefusedError(InputError):
    """A Word template that cannot be used."""


def check_template(data: bytes) -> None:
    """Refuse a template that is no Word document, too large, or able to do anything but look good.

    Raises:
        TemplateRefusedError: Says what was found and what to do.
    """
    if len(data) > MOST_BYTES:
        raise TemplateRefusedError(f"模板超过 {MOST_BYTES >> 20} MB；请压缩其中的图片后再试")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_sizes(archive.infolist(), len(data))
            if "word/document.xml" not in archive.namelist():
                raise TemplateRefusedError("模板不是 Word 文档（.docx）；请在 Word 中另存为 .docx 再试")
            for entry in archive.infolist():
                _check_part(archive, entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise TemplateRefusedError("模板已损坏或不是 .docx；请在 Word 中打开后另存为 .docx 再试") from error


def _check_sizes(entries: list[zipfile.ZipInfo], size: int) -> None:
    total = sum(entry.file_size for entry in entries)
    squeezed = [entry for entry in entries if entry.file_size > max(1 << 20, RATIO * entry.compress_size)]
    if len(entries) > MOST_PARTS or total > MOST_UNPACKED or squeezed or total > max(1 << 20, RATIO * size):
        raise TemplateRefusedError("模板解压后过大，疑似压缩炸弹；请换用由 Word 另存的 .docx")


def _check_part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if _BAD_PARTS.search(name):
        raise TemplateRefusedError("模板含有宏、控件或嵌入对象；请删除后另存为 .docx 再试")
    if not name.endswith((".xml", ".rels")):
        return
    text = archive.read(entry)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"\0" in text[:200]:
        raise TemplateRefusedError("模板的 XML 含有 DOCTYPE 声明或编码不是 UTF-8；请在 Word 中另存为 .docx 再试")
    if b"macroEnabled" in text or b"<w:altChunk" in text:
        raise TemplateRefusedError("模板含有宏或外部内容；请删除后另存为 .docx 再试")
    if any(_LINK not in found.group() for found in _EXTERNAL.finditer(text)):
        raise TemplateRefusedError("模板引用了外部文件或网络地址；请改为嵌入的图片或本地样式后再试")
    if re.fullmatch(r"word/(?:document|header\d*|footer\d*|footnotes)\.xml", name):
        _check_braces(text.decode("utf-8", "replace"))
    fields = b" ".join(a or b for a, b in _FIELD.findall(text)).upper()
    if _BAD_FIELDS.search(fields):
        raise TemplateRefusedError("模板含有会读取外部内容的域（DDE、INCLUDETEXT 等）；请删除后再试")


def _check_braces(xml: str) -> None:
    """Refuse a paragraph whose braces do not match: the rest of the document would be taken for a placeholder."""
    for paragraph in xml.split("</w:p>"):
        line = "".join(_TEXT.findall(paragraph))
        if line.count("{{") != line.count("}}") or line.count("{%") != line.count("%}"):
            raise TemplateRefusedError(f"模板的占位符有误：“{line.strip()[:30]}”的花括号不成对{_HOW}")


class Placeholders(ImmutableSandboxedEnvironment):
    """Jinja with names only; anything else in a template is refused before it runs."""

    def __init__(self) -> None:
        super().__init__(autoescape=True, undefined=StrictUndefined)
        self.globals.clear()
        self.filters.clear()
        self.tests.clear()

    def _generate(self, source: nodes.Template, *rest: Any, **more: Any) -> str:
        for node in _every(source):
            _check_node(node)
        return super()._generate(source, *rest, **more)


def _every(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _every(child)


def _check_node(node: nodes.Node) -> None:
    if not isinstance(node, _ALLOWED):
        raise TemplateRefusedError(f"模板的占位符只能是名称或“如果”判断，不能含有循环、调用或运算{_HOW}")
    if isinstance(node, nodes.Name) and node.name not in (*WORDS, "body", "section"):
        raise TemplateRefusedError(
            f"模板中的占位符“{node.name[:30]}”不存在，可用的有：{'、'.join((*WORDS, 'body', 'section'))}"
        )
    if isinstance(node, nodes.Getattr) and not (
        isinstance(node.node, nodes.Name) and node.node.name == "section" and node.attr in SECTIONS
    ):
        raise TemplateRefusedError(f"模板中的章节“{node.attr[:30]}”不存在，可用的有：{'、'.join(SECTIONS)}")


def reason(error: TemplateError) -> TemplateRefusedError:
    """Return what to tell about a template that Jinja cannot read."""
    line = str(error.message or "").split("\n", maxsplit=1)[0][:80]
    return TemplateRefusedError(f"模板的占位符有误（{line}）；请检查花括号是否成对{_HOW}")
