"""The trained network as ONNX: weights stored in half precision, computed in single."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from models.spoilage.net import Spoiler
from models.spoilage.sample import SIDE
from models.trunk.export import forget


def export(net: Spoiler, path: Path) -> None:
    """Write the network: ``rgb`` (N, 3, 256, 256) float32 in [0, 1] → ``dense`` (N, 4, 64, 64) and ``grade`` (N, 3), logits."""
    import onnx

    net = net.float().eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # the stub lacks this form
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        torch.onnx.export(net, (torch.zeros(1, 3, SIDE, SIDE),), whole, input_names=["rgb"], output_names=["dense", "grade"],
                          dynamic_shapes=({0: torch.export.Dim("n")},), external_data=False, verbose=False)  # fmt: skip
        model = onnx.load(whole)
    _halve(model)
    forget(model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _halve(model: object) -> None:
    """Store each large weight in half precision, with a Cast to single before its use."""
    import numpy as np
    from onnx import ModelProto, TensorProto, helper, numpy_helper

    assert isinstance(model, ModelProto)
    graph = model.graph
    casts = []
    for at, weight in enumerate(graph.initializer):
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < 64:
            continue
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), f"{weight.name}_half")
        casts.append(helper.make_node("Cast", [half.name], [weight.name], to=TensorProto.FLOAT))
        graph.initializer[at].CopyFrom(half)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
