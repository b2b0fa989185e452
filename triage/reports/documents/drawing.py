"""A drawing as a list of shapes, written as SVG for web pages and as PNG for Word.

Both come from the same shapes and the shipped font, so a chart looks the same everywhere and its bytes do not change with
the fonts, settings or caches of a machine. A plotting library would bring all three; four kinds of shape are all we need.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from PIL import Image, ImageDraw, ImageFont

from triage.reports.documents.font import SANS, font_bytes

Point = tuple[float, float]

_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}
_FINER = 3
"""Pictures are drawn so much larger and then reduced: Pillow's lines have hard edges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A line through points, or with ``fill`` the area inside.

    Attributes:
        points: x to the right, y down, in points (1/72 inch).
        stroke: Colour ``#rrggbb`` of the line; empty for none.
        fill: Colour of the area; empty for none.
        width: Of the line, in points.
        dashed: Dashes of 4, gaps of 3; of straight lines only.
    """

    points: tuple[Point, ...]
    stroke: str = ""
    fill: str = ""
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A filled circle."""

    at: Point
    radius: float
    fill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A text on one line.

    Attributes:
        at: Where its base line starts, or its middle or end by ``anchor``.
        size: In points.
    """

    at: Point
    text: str
    size: float
    fill: str
    anchor: Literal["start", "middle", "end"] = "start"


Shape = Path | Dot | Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Shapes on a white sheet.

    Attributes:
        width: In points.
        height: In points.
        title: What it shows, in a sentence, for those who do not see it.
        shapes: From back to front.
    """

    width: float
    height: float
    title: str
    shapes: tuple[Shape, ...]


def box(left: float, top: float, width: float, height: float, *, fill: str) -> Path:
    """Return a filled rectangle."""
    right, bottom = left + width, top + height
    return Path(points=((left, top), (right, top), (right, bottom), (left, bottom)), fill=fill)


def svg(drawing: Drawing, *, css_class: str = "chart") -> str:
    """Return the drawing as an SVG element that needs no style sheet and no script."""
    shapes = "".join(map(_svg_shape, drawing.shapes))
    size = f"{_number(drawing.width)} {_number(drawing.height)}"
    return (
        f'<svg class="{css_class}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" '
        f'font-family="{SANS.family}, Microsoft YaHei, sans-serif" '
        f"aria-label={quoteattr(drawing.title)}>{shapes}</svg>"
    )


def png(drawing: Drawing, *, dots: float = 200) -> bytes:
    """Return the drawing as a picture.

    Args:
        drawing: What to draw.
        dots: Per inch.
    """
    scale = dots / 72
    size = (round(drawing.width * scale), round(drawing.height * scale))
    large = Image.new("RGB", (size[0] * _FINER, size[1] * _FINER), "#ffffff")
    brush = _Brush(ImageDraw.Draw(large), scale * _FINER)
    for shape in drawing.shapes:
        brush.draw(shape)
    packed = io.BytesIO()
    reduced = large.resize(size, Image.Resampling.BOX)
    reduced.quantize(colors=64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        packed, "PNG", dpi=(dots, dots)
    )
    return packed.getvalue()


def _svg_shape(shape: Shape) -> str:
    if isinstance(shape, Label):
        (x, y) = shape.at
        return (
            f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(shape.size)}" fill="{shape.fill}" '
            f'text-anchor="{shape.anchor}">{escape(shape.text)}</text>'
        )
    if isinstance(shape, Dot):
        (x, y) = shape.at
        return f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(shape.radius)}" fill="{shape.fill}"/>'
    points = " ".join(f"{_number(x)},{_number(y)}" for x, y in shape.points)
    if shape.fill:
        return f'<polygon points="{points}" fill="{shape.fill}"/>'
    dashes = ' stroke-dasharray="4 3"' if shape.dashed else ""
    return (
        f'<polyline points="{points}" fill="none" stroke="{shape.stroke}" stroke-width="{_number(shape.width)}" '
        f'stroke-linejoin="round"{dashes}/>'
    )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


class _Brush:
    """Draws shapes on a picture of ``scale`` dots per point."""

    def __init__(self, draw: ImageDraw.ImageDraw, scale: float) -> None:
        self._draw = draw
        self._scale = scale
        self._fonts: dict[float, ImageFont.FreeTypeFont] = {}

    def draw(self, shape: Shape) -> None:
        if isinstance(shape, Label):
            self._draw.text(self._at(shape.at), shape.text, shape.fill, self._font(shape.size), _ANCHORS[shape.anchor])
        elif isinstance(shape, Dot):
            x, y = self._at(shape.at)
            radius = shape.radius * self._scale
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=shape.fill)
        elif shape.fill:
            self._draw.polygon([self._at(point) for point in shape.points], fill=shape.fill)
        else:
            self._line(shape)

    def _line(self, path: Path) -> None:
        width = max(1, round(path.width * self._scale))
        for points in _dashes(path.points) if path.dashed else [path.points]:
            self._draw.line([self._at(point) for point in points], fill=path.stroke, width=width, joint="curve")

    def _at(self, point: Point) -> Point:
        return point[0] * self._scale, point[1] * self._scale

    def _font(self, size: float) -> ImageFont.FreeTypeFont:
        if size not in self._fonts:
            # Pillow's own layout engine: what a machine has installed beside it must not move letters.
            self._fonts[size] = ImageFont.truetype(
                io.BytesIO(font_bytes(SANS)), size * self._scale, layout_engine=ImageFont.Layout.BASIC
            )
        return self._fonts[size]


def _dashes(points: Sequence[Point], dash: float = 4, gap: float = 3) -> list[list[Point]]:
    """Cut a line into dashes; the pattern goes on around corners."""
    pieces: list[list[Point]] = []
    into = 0.0
    for (x1, y1), (x2, y2) in pairwise(points):
        length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
        done = 0.0
        while done < length:
            inside = into % (dash + gap)
            step = min((dash if inside < dash else dash + gap) - inside, length - done)
            ends = [(x1 + (x2 - x1) * part / length, y1 + (y2 - y1) * part / length) for part in (done, done + step)]
            if inside < dash:
                pieces.append(ends)
            done, into = done + max(step, 1e-6), into + max(step, 1e-6)
    return pieces
