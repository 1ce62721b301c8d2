"""Measures package compute against ONNX Runtime on networks that live by depthwise and grouped convolutions,
with random weights: the same as in compute/mobile_test.go, whose benchmark it calls. Rounds take turns.

    .venv-peers/bin/python scripts/peers/mobile.py [--networks mobilenet_v2,...] [--batches 1,8] [--rounds 5]
"""

import argparse
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import runtimes


class Builder:
    def __init__(self):
        self.nodes, self.weights, self.random = [], [], np.random.default_rng(0)

    def op(self, kind, *inputs, **attributes):
        out = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def constant(self, array):
        name = f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    def draw(self, scale, shift, *shape):
        return self.constant(self.random.normal(shift, scale, shape))

    def conv(self, x, cin, out, kernel, stride, groups, pad=None):
        pad = (kernel - 1) // 2 if pad is None else pad
        w = self.draw((2 / (kernel * kernel * cin // groups)) ** 0.5, 0, out, cin // groups, kernel, kernel)
        return self.op("Conv", x, w, self.draw(0.1, 0, out), kernel_shape=[kernel] * 2, strides=[stride] * 2,
                       pads=[pad] * 4, group=groups)

    def relu6(self, x):
        return self.op("Clip", x, self.constant(0), self.constant(6))

    def model(self, y):
        graph = helper.make_graph(self.nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 224, 224])],
                                  [helper.make_tensor_value_info(y, TensorProto.FLOAT, None)], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def mobilenet_v2(b):
    x, cin = b.relu6(b.conv("x", 3, 32, 3, 2, 1)), 32
    for expansion, out, count, first in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(count):
            stride, inner, y = first if i == 0 else 1, cin * expansion, x
            if expansion > 1:
                y = b.relu6(b.conv(y, cin, inner, 1, 1, 1))
            y = b.conv(b.relu6(b.conv(y, inner, inner, 3, stride, inner)), inner, out, 1, 1, 1)
            x, cin = b.op("Add", x, y) if stride == 1 and cin == out else y, out
    return b.op("GlobalAveragePool", b.relu6(b.conv(x, cin, 1280, 1, 1, 1)))


def mobilenet_v3_large(b):
    x, cin = b.op("HardSwish", b.conv("x", 3, 16, 3, 2, 1)), 16
    for kernel, inner, out, squeeze, hard, stride in (
            (3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2), (5, 120, 40, 1, 0, 1), (5, 120, 40, 1, 0, 1),
            (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1),
            (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1), (5, 960, 160, 1, 1, 1)):
        act, y = "HardSwish" if hard else "Relu", x
        if inner != cin:
            y = b.op(act, b.conv(y, cin, inner, 1, 1, 1))
        y = b.op(act, b.conv(y, inner, inner, kernel, stride, inner))
        if squeeze:
            narrow = (inner // 4 + 7) // 8 * 8
            s = b.op("Relu", b.conv(b.op("GlobalAveragePool", y), inner, narrow, 1, 1, 1))
            y = b.op("Mul", y, b.op("HardSigmoid", b.conv(s, narrow, inner, 1, 1, 1), alpha=1 / 6, beta=0.5))
        y = b.conv(y, inner, out, 1, 1, 1)
        x, cin = b.op("Add", x, y) if stride == 1 and cin == out else y, out
    return b.op("GlobalAveragePool", b.op("HardSwish", b.conv(x, cin, 960, 1, 1, 1)))


def convnext_tiny(b):
    def last(x):
        return b.op("Transpose", x, perm=[0, 2, 3, 1])

    def first(x):
        return b.op("Transpose", x, perm=[0, 3, 1, 2])

    def norm(x, channels):  # channels last
        return b.op("LayerNormalization", x, b.draw(0.1, 1, channels), b.draw(0.1, 0, channels), axis=-1, epsilon=1e-6)

    def linear(x, cin, out):
        return b.op("Add", b.op("MatMul", x, b.draw(cin ** -0.5, 0, cin, out)), b.draw(0.1, 0, out))

    def gelu(x):
        inner = b.op("Add", b.op("Erf", b.op("Div", x, b.constant(2 ** 0.5))), b.constant(1))
        return b.op("Mul", b.op("Mul", x, inner), b.constant(0.5))

    x, channels = first(norm(last(b.conv("x", 3, 96, 4, 4, 1, 0)), 96)), 96
    for stage, depth in enumerate((3, 3, 9, 3)):
        if stage:
            x, channels = b.conv(first(norm(last(x), channels)), channels, 2 * channels, 2, 2, 1, 0), 2 * channels
        for _ in range(depth):
            y = norm(last(b.conv(x, channels, channels, 7, 1, channels)), channels)
            y = linear(gelu(linear(y, channels, 4 * channels)), 4 * channels, channels)
            x = b.op("Add", x, b.op("Mul", first(y), b.draw(0.1, 0.3, channels, 1, 1)))
    return b.op("GlobalAveragePool", x)


def resnext50_32x4d(b):
    x, cin = b.op("MaxPool", b.op("Relu", b.conv("x", 3, 64, 7, 2, 1)), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4), 64
    for stage, depth in enumerate((3, 4, 6, 3)):
        for i in range(depth):
            width, stride = 128 << stage, 2 if stage and i == 0 else 1
            y = b.op("Relu", b.conv(x, cin, width, 1, 1, 1))
            y = b.conv(b.op("Relu", b.conv(y, width, width, 3, stride, 32)), width, 2 * width, 1, 1, 1)
            x = b.op("Relu", b.op("Add", y, b.conv(x, cin, 2 * width, 1, stride, 1) if i == 0 else x))
            cin = 2 * width
    return b.op("GlobalAveragePool", x)


NETWORKS = {f.__name__: f for f in (mobilenet_v2, mobilenet_v3_large, convnext_tiny, resnext50_32x4d)}


def compute_rate(binary, threads, network, batch, seconds):
    out = subprocess.run([binary, "-test.run", "^$", "-test.bench", f"^BenchmarkMobileNetworks$/^{network}$/^batch{batch}$",
                          "-test.benchtime", f"{seconds}s", "-test.cpu", str(threads)], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"([\d.]+) images/s", out).group(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    args = parser.parse_args()
    print("| network, 224 px | batch | onnxruntime f32, images/s | compute f32, images/s | ratio, median (min–max) |")
    print("| --- | --- | --- | --- | --- |")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "compute.test"
        subprocess.run(["go", "test", "-c", "-o", binary, "./compute"], check=True)
        for name in args.networks.split(","):
            builder = Builder()
            session = onnxruntime.InferenceSession(builder.model(NETWORKS[name](builder)), options, providers=["CPUExecutionProvider"])
            for batch in (int(v) for v in args.batches.split(",")):
                x = runtimes.random_images(batch, 224)
                peer, own = [], []
                for _ in range(args.rounds):
                    peer.append(runtimes.clock(lambda: session.run(None, {"x": x}), batch, args.seconds))
                    own.append(compute_rate(binary, args.threads, name, batch, args.seconds))
                ratios = [a / b for a, b in zip(own, peer)]
                print(f"| {name} | {batch} | {statistics.median(peer):.1f} | {statistics.median(own):.1f} | "
                      f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |", flush=True)


main()
