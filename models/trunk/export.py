"""A trained network as an ONNX file that one session runs: fixed shapes, weights stored in 16 bits and read as 32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

#: Weights with fewer numbers than this stay as they are.
SMALL = 1024


def export(model: nn.Module, side: int, outputs: Sequence[str], path: Path) -> None:
    """Writes the model for one picture ``rgb`` (1, 3, side, side) float in [0, 1]."""
    model = model.eval().to(memory_format=torch.contiguous_format)
    example = (torch.rand(1, 3, side, side),)
    program = torch.onnx.export(
        model, example, input_names=["rgb"], output_names=list(outputs), opset_version=18, dynamo=True, verbose=False
    )
    assert program is not None
    proto = program.model_proto
    halve(proto)
    forget(proto)
    onnx.checker.check_model(proto)
    path.write_bytes(proto.SerializeToString())


def forget(proto: onnx.ModelProto) -> None:
    """Takes out the exporter's notes, which name files of the machine that it ran on."""
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del proto.metadata_props[:]
    del proto.graph.metadata_props[:]
    for value in (*proto.graph.value_info, *proto.graph.input, *proto.graph.output):
        del value.metadata_props[:]


def halve(proto: onnx.ModelProto) -> None:
    """Stores large weights in 16 bits; the session widens them once, when it is built."""
    graph, casts = proto.graph, []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < SMALL:
            continue
        name, small = weight.name, f"{weight.name}.half"
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), small))
        casts.append(helper.make_node("Cast", [small], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
