"""Writes a network's random weights, images and ONNX Runtime's features of them, for the tests.

    reference.py NETWORK COUNT SIZE FOLDER
"""

import sys
from pathlib import Path

import networks
import numpy as np
import onnxruntime

network, count, size, folder = networks.Network(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
x = np.random.default_rng(1).normal(size=(count, 3, size, size)).astype(np.float32)
session = onnxruntime.InferenceSession(networks.to_onnx(network).SerializeToString(), providers=["CPUExecutionProvider"])
networks.write_safetensors(folder / "weights.safetensors", network.weights)
networks.write_safetensors(folder / "x.safetensors", {"x": x})
networks.write_safetensors(folder / "features.safetensors", {"y": session.run(None, {"x": x})[0].reshape(count, -1)})
