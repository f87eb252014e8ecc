"""Tensors that have shape, type and device but no memory: a model runs on them, and costs nothing.

torch's FakeTensorMode works out what every operation would return. A model made on the device
`meta` gets such weights here, so that the real training code can be run over it and watched.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from dubash.model.options import MethodOptions

NF4_BLOCK, NF4_NESTED = 64, 256
"""Weights behind one scale of NF4, and scales behind one of their own."""


def weightless(model: nn.Module, method: MethodOptions) -> FakeTensorMode:
    """Give a model on `meta` weights that pass for weights on a CPU, in place.

    Returns the mode under which it runs. Quantised layers get what loading would have made.
    """
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    made: dict[int, Any] = {}

    def fake(tensor: Tensor) -> Any:
        if id(tensor) not in made:
            found: Any = FakeTensor(mode, tensor.detach(), torch.device("cpu"))
            if isinstance(tensor, nn.Parameter):
                found = nn.Parameter(found, tensor.requires_grad)
            made[id(tensor)] = found
        return made[id(tensor)]

    for module in model.modules():
        kind = type(module).__name__
        if hasattr(module, "in_features") and kind in ("Linear4bit", "Linear8bitLt"):
            with mode:
                (_four_bits if kind == "Linear4bit" else _eight_bits)(module, method)
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is not None and not isinstance(tensor, FakeTensor):
                    tensors[name] = fake(tensor)
    return mode


def _four_bits(module: Any, method: MethodOptions) -> None:
    """As bitsandbytes leaves a layer: packed weights, and the state that unpacks them."""
    from bitsandbytes.functional import QuantState

    shape = (module.out_features, module.in_features)
    numbers = math.prod(shape)
    scales, offset, nested = math.ceil(numbers / NF4_BLOCK), None, None
    absmax = torch.empty(scales)
    if method.double_quantization:
        absmax, offset = torch.empty(scales, dtype=torch.uint8), torch.empty(())
        nested = QuantState(
            torch.empty(math.ceil(scales / NF4_NESTED)), code=torch.empty(256),
            blocksize=NF4_NESTED, dtype=torch.float32,
        )  # fmt: skip
    packed = torch.empty(math.ceil(numbers / 2), 1, dtype=torch.uint8)
    weight: Any = nn.Parameter(packed, requires_grad=False)
    weight.quant_state = QuantState(
        absmax, torch.Size(shape), torch.empty(16), NF4_BLOCK, "nf4", module.compute_dtype,
        offset, nested,
    )  # fmt: skip
    module._parameters["weight"] = weight
    module.support_avx512bf16_for_cpu = False


def _eight_bits(module: Any, _method: MethodOptions) -> None:
    shape = (module.out_features, module.in_features)
    weight: Any = nn.Parameter(torch.empty(shape, dtype=torch.int8), requires_grad=False)
    weight.CB = None
    module._parameters["weight"] = weight
    module.state.CB, module.state.SCB = weight.data, torch.empty(shape[0])
