"""Reports as files: Word, a web page, a workbook, PDF; the same report gives the same bytes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from triage.errors import InputError, OutputError
from triage.io.atomic import AtomicFile
from triage.reports.content import Report
from triage.reports.formats import FORMATS

__all__ = ["read_template", "render", "write"]


def write(report: Report, path: Path, *, template: Path | None = None) -> None:
    """Write a report into a file, which appears whole or not at all.

    Args:
        report: What it says.
        path: The file; its suffix ``.docx``, ``.html``, ``.xlsx`` or ``.pdf`` says the format.
        template: A Word template with placeholders, for ``.docx`` only; other formats pass it over.

    Raises:
        OutputError: The suffix is none of these, or the file cannot be written.
        InputError: The template cannot be read or is refused.
        PdfUnavailableError: PDF needs a system library that is missing.
    """
    data = render(report, path.suffix, template=read_template(template) if template else None)
    target = AtomicFile(path)
    target.open()
    try:
        target.handle.write(data)
        target.commit()
    except BaseException:
        target.abort()
        raise


def render(report: Report, format: str, *, template: bytes | None = None) -> bytes:  # noqa: A002  # the word for it
    """Return a report as a document.

    Args:
        report: What it says.
        format: ``docx``, ``html``, ``xlsx`` or ``pdf``, with or without a dot.
        template: A Word template with placeholders, for ``docx`` only.

    Raises:
        OutputError: There is no such format.
        InputError: The template is refused.
        PdfUnavailableError: PDF needs a system library that is missing.
    """
    name = format.lower().lstrip(".")
    if f".{name}" not in FORMATS:
        raise OutputError(f"不支持的报告格式“{format[:20]}”；请用 {'、'.join(FORMATS)}")
    # Each format loads its own library, and only when it is asked for.
    module = import_module(f"triage.reports.documents.{name}")
    data: bytes = module.render_docx(report, template) if name == "docx" else getattr(module, f"render_{name}")(report)
    return data


def read_template(path: Path) -> bytes:
    """Return a template's bytes.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"无法读取模板 {path}：{error.strerror or '读取失败'}；请检查路径和权限") from error
