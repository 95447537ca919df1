"""Let a torchvision that was built for CUDA be imported beside a torch that was built for the CPU.

PyPI has torchvision for CUDA only; beside a CPU torch its operators do not load, and importing it fails on
the first of them. No check here calls one, so their names are enough. run.py lays this into environments.
"""

from __future__ import annotations

import importlib.abc
import importlib.metadata
import sys

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
kept = []


class BeforeTorchvision(importlib.abc.MetaPathFinder):
    """Finds nothing: it names the operators when torchvision is about to be imported."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            if torch.version.cuda is None and "+" not in importlib.metadata.version("torchvision"):
                library = torch.library.Library("torchvision", "DEF")
                for operator in ("nms", "qnms"):
                    library.define(operator + SCHEMA)
                kept.append(library)


sys.meta_path.insert(0, BeforeTorchvision())
