"""Looks into an ONNX file before a runtime does: which operators it uses and whether it wants to read other files.

The file is a protocol buffer (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); the dozen fields that matter here are
read without a library. Contents of tensors are skipped, so that a model of 100 MB takes no longer than one of 1 MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from models.errors import EncoderError

_DEEPEST = 16
"""Graphs within graphs (branches of If, bodies of Loop); encoders have one or two."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 70

_MODEL_GRAPH, _MODEL_OPSET, _MODEL_FUNCTION = 7, 8, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_SPARSE = 1, 5, 11, 12, 15
_TENSOR_NAME = 8
_FUNCTION_NODE = 7
_NODE_OPERATOR, _NODE_ATTRIBUTE = 4, 5
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_SPARSE_TENSORS = (1, 2)
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_DAMAGED = "model.onnx 不是完好的 ONNX 文件，请重新复制或重新导出"


@dataclass(slots=True)
class GraphFacts:
    """What a model file says about itself.

    Attributes:
        inputs: Names of the inputs that are not weights, in order.
        outputs: Names of the outputs, in order.
        operators: Names of all operators, those of inner graphs and functions included.
        opset: Version of the standard operators; 0 where it is not stated.
        external: Whether any weight lies in another file.
    """

    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    operators: set[str] = field(default_factory=set)
    opset: int = 0
    external: bool = False


def inspect_graph(data: bytes) -> GraphFacts:
    """Return the facts of a model file.

    Args:
        data: The file.

    Raises:
        EncoderError: It is no ONNX file, is damaged or nests graphs too deeply.
    """
    facts = GraphFacts()
    view, graphs = memoryview(data), 0
    for number, value in _fields(view):
        if number == _MODEL_GRAPH and isinstance(value, memoryview):
            graphs += 1
            _graph(value, facts, depth=0)
        elif number == _MODEL_OPSET and isinstance(value, memoryview):
            domain, version = _opset(value)
            facts.opset = version if domain in ("", "ai.onnx") else facts.opset
        elif number == _MODEL_FUNCTION and isinstance(value, memoryview):
            for inner, node in _fields(value):
                if inner == _FUNCTION_NODE and isinstance(node, memoryview):
                    _node(node, facts, depth=1)
    if graphs != 1:
        raise EncoderError(_DAMAGED)
    return facts


def _graph(view: memoryview, facts: GraphFacts, *, depth: int) -> None:
    if depth > _DEEPEST:
        raise EncoderError("model.onnx 中的子图嵌套过深，已拒绝")
    inputs, weights = [], set()
    for number, value in _fields(view):
        if not isinstance(value, memoryview):
            continue
        if number == _GRAPH_NODE:
            _node(value, facts, depth=depth)
        elif number == _GRAPH_INITIALIZER:
            weights.add(_tensor(value, facts))
        elif number == _GRAPH_SPARSE:
            _sparse(value, facts)
        elif number == _GRAPH_INPUT:
            inputs.append(_name(value))
        elif number == _GRAPH_OUTPUT and not depth:
            facts.outputs.append(_name(value))
    if not depth:
        # Old exporters list the weights among the inputs as well.
        facts.inputs = [name for name in inputs if name not in weights]


def _node(view: memoryview, facts: GraphFacts, *, depth: int) -> None:
    for number, value in _fields(view):
        if not isinstance(value, memoryview):
            continue
        if number == _NODE_OPERATOR:
            facts.operators.add(_text(value))
        elif number == _NODE_ATTRIBUTE:
            _attribute(value, facts, depth=depth)


def _attribute(view: memoryview, facts: GraphFacts, *, depth: int) -> None:
    for number, value in _fields(view):
        if not isinstance(value, memoryview):
            continue
        if number in _ATTRIBUTE_TENSORS:
            _tensor(value, facts)
        elif number in _ATTRIBUTE_GRAPHS:
            _graph(value, facts, depth=depth + 1)
        elif number in _ATTRIBUTE_SPARSE:
            _sparse(value, facts)


def _sparse(view: memoryview, facts: GraphFacts) -> None:
    for number, value in _fields(view):
        if number in _SPARSE_TENSORS and isinstance(value, memoryview):
            _tensor(value, facts)


def _tensor(view: memoryview, facts: GraphFacts) -> str:
    """Note where a tensor's numbers lie; return its name."""
    name = ""
    for number, value in _fields(view):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value == 1):
            facts.external = True
        elif number == _TENSOR_NAME and isinstance(value, memoryview):
            name = _text(value)
    return name


def _opset(view: memoryview) -> tuple[str, int]:
    domain, version = "", 0
    for number, value in _fields(view):
        if number == 1 and isinstance(value, memoryview):
            domain = _text(value)
        elif number == 2 and isinstance(value, int):
            version = value
    return domain, version


def _name(view: memoryview) -> str:
    return next((_text(value) for number, value in _fields(view) if number == 1 and isinstance(value, memoryview)), "")


def _text(view: memoryview) -> str:
    return bytes(view).decode("utf-8", "replace")


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the fields of a message: numbers as int, everything else as a view that copies nothing."""
    at = 0
    while at < len(view):
        key, at = _varint(view, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(view, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _varint(view, at)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise EncoderError(_DAMAGED)
        if at + length > len(view):
            raise EncoderError(_DAMAGED)
        yield number, view[at : at + length]
        at += length


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(view) and shift < _LONGEST_VARINT:
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise EncoderError(_DAMAGED)
