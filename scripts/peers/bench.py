"""Measures `kleid bench embed` against ONNX Runtime on the same network with random weights, in one run:
rounds are interleaved, the medians and their ratio are printed.

    scripts/bench-peers [--rounds 5] [--seconds 3] [--threads 2] [--batches 1,8] [--size 224]
"""

import argparse
import json
import statistics
import subprocess
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


class ResNet18:
    """The network as an ONNX graph, batch normalisation folded, as an exporter would leave it."""

    def __init__(self):
        self.nodes, self.weights, self.count = [], [], 0
        self.rng = np.random.default_rng(0)

    def name(self):
        self.count += 1
        return f"t{self.count}"

    def add(self, op, inputs, **attributes):
        out = self.name()
        self.nodes.append(helper.make_node(op, inputs, [out], **attributes))
        return out

    def constant(self, array):
        name = self.name()
        self.weights.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    def conv(self, x, cin, cout, kernel, stride):
        w = self.rng.normal(0, (2 / (cin * kernel * kernel)) ** 0.5, (cout, cin, kernel, kernel))
        pad = (kernel - 1) // 2
        return self.add("Conv", [x, self.constant(w), self.constant(np.zeros(cout))],
                        kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)

    def build(self):
        x = self.add("Relu", [self.conv("x", 3, 64, 7, 2)])
        x = self.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        cin = 64
        for stage, width in enumerate([64, 128, 256, 512]):
            for block in range(2):
                stride = 2 if stage > 0 and block == 0 else 1
                y = self.add("Relu", [self.conv(x, cin, width, 3, stride)])
                y = self.conv(y, width, width, 3, 1)
                shortcut = x if stride == 1 and cin == width else self.conv(x, cin, width, 1, stride)
                x = self.add("Relu", [self.add("Add", [y, shortcut])])
                cin = width
        x = self.add("GlobalAveragePool", [x])
        graph = helper.make_graph(
            self.nodes, "resnet18",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
            [helper.make_tensor_value_info(x, TensorProto.FLOAT, None)], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def onnx_round(session, batch, size, seconds):
    x = np.random.default_rng(1).normal(size=(batch, 3, size, size)).astype(np.float32)
    session.run(None, {"x": x})
    n, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        session.run(None, {"x": x})
        n += batch
    return n / (time.perf_counter() - start)


def kleid_round(binary, what, batch, threads, seconds, size):
    out = subprocess.run([binary, "bench", what, "--network", "resnet18", "--random-weights", "--batch", str(batch),
                          "--threads", str(threads), "--seconds", str(seconds), "--size", str(size), "--json"],
                         check=True, capture_output=True, text=True).stdout
    return json.loads(out.splitlines()[-1])["images_per_second"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="bin/kleid")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--size", type=int, default=224)
    args = parser.parse_args()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(ResNet18().build(), options, providers=["CPUExecutionProvider"])

    print("| network | precision | threads | batch | onnxruntime images/s | kleid images/s | ratio, median (min-max) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for batch in [int(b) for b in args.batches.split(",")]:
        peers, ours = [], []
        for _ in range(args.rounds):
            peers.append(onnx_round(session, batch, args.size, args.seconds))
            ours.append(kleid_round(args.binary, "embed", batch, args.threads, args.seconds, args.size))
        report(f"resnet18 {args.size} px", args.threads, batch, peers, ours)
    peers, ours = [], []
    for _ in range(args.rounds):
        peers.append(onnx_round(session, 8, args.size, args.seconds))
        ours.append(kleid_round(args.binary, "train", 8, args.threads, args.seconds, args.size))
    report(f"resnet18 {args.size} px, training step against inference", args.threads, 8, peers, ours)


def report(network, threads, batch, peers, ours):
    ratios = [a / b for a, b in zip(ours, peers)]
    print(f"| {network} | f32 | {threads} | {batch} | {statistics.median(peers):.1f} | {statistics.median(ours):.1f} | "
          f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |", flush=True)


main()
