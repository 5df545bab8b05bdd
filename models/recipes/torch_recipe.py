"""What the recipes that train with PyTorch share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn

from models.recipes.build import put
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Net = TypeVar("Net", bound=nn.Module)


def make_reproducible(seed: int) -> None:
    """From here on the same seed gives the same weights on the same machine and version of PyTorch."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(seed)


def load(net: Net, state: Path) -> Net:
    """The network with the weights of a file, as it answers and no longer learns."""
    net.load_state_dict(torch.load(state, weights_only=True))
    net.eval()
    return net


def folded(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Factor and offset of a batch normalisation, float64, one a channel."""
    factor = (norm.weight / torch.sqrt(norm.running_var.double() + norm.eps)).detach()
    offset = norm.bias.detach().double() - norm.running_mean.double() * factor
    return factor.numpy(), offset.numpy()


def put_alike(model: str, data: bytes, off: float, tolerance: float) -> None:
    """Write an ONNX file and into the manifest, unless it answers otherwise than PyTorch by more than the tolerance."""
    print(f"{len(data)} bytes, {off:.2g} from PyTorch")
    if off > tolerance:
        sys.exit("the exported graph answers otherwise than the network")
    put(Registry.builtin().get(model), data)
