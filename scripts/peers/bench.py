"""Measures `kleid bench embed` and `kleid bench train` against ONNX Runtime on the same network with random
weights, in one run: rounds are interleaved, the medians and their ratio are printed. A training step is
set against ONNX Runtime's inference, which is about a third of its work, and where PyTorch is installed
(it is not pinned, being large: .venv-peers/bin/pip install torch) against PyTorch's training step.

    scripts/bench-peers [--rounds 5] [--seconds 3] [--threads 2] [--batches 1,8] [--size 224]
                        [--train-batch 16] [--train-size 128]
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

try:
    import torch
except ImportError:
    torch = None


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


class TorchResNet18:
    """The same network in PyTorch, with batch normalisation, and its training step with AdamW."""

    def __init__(self, threads):
        torch.set_num_threads(threads)
        nn = torch.nn

        def conv_norm(cin, cout, kernel, stride):
            return nn.Sequential(nn.Conv2d(cin, cout, kernel, stride, (kernel - 1) // 2, bias=False), nn.BatchNorm2d(cout))

        class Block(nn.Module):
            def __init__(self, cin, cout, stride):
                super().__init__()
                self.first, self.second = conv_norm(cin, cout, 3, stride), conv_norm(cout, cout, 3, 1)
                self.shortcut = nn.Identity() if stride == 1 and cin == cout else conv_norm(cin, cout, 1, stride)

            def forward(self, x):
                return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))

        layers, cin = [conv_norm(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)], 64
        for stage, width in enumerate([64, 128, 256, 512]):
            layers += [Block(cin, width, 2 if stage > 0 else 1), Block(width, width, 1)]
            cin = width
        self.network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))
        self.network = self.network.to(memory_format=torch.channels_last)  # the faster layout on CPUs
        self.optimiser = torch.optim.AdamW(self.network.parameters(), 1e-4)

    def round(self, batch, size, seconds):
        x = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
        y = torch.randint(0, 10, (batch,))

        def step():
            self.optimiser.zero_grad()
            torch.nn.functional.cross_entropy(self.network(x), y).backward()
            self.optimiser.step()

        step()
        n, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            step()
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
    parser.add_argument("--train-batch", type=int, default=16)
    parser.add_argument("--train-size", type=int, default=128)
    args = parser.parse_args()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(ResNet18().build(), options, providers=["CPUExecutionProvider"])

    print("| network | threads | batch | peer | peer's images/s | kleid's images/s | ratio, median (min-max) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for batch in [int(b) for b in args.batches.split(",")]:
        peers, ours = [], []
        for _ in range(args.rounds):
            peers.append(onnx_round(session, batch, args.size, args.seconds))
            ours.append(kleid_round(args.binary, "embed", batch, args.threads, args.seconds, args.size))
        report(f"resnet18, {args.size} px, inference", args.threads, batch, "onnxruntime", peers, ours)
    trainer = TorchResNet18(args.threads) if torch else None
    batch, size = args.train_batch, args.train_size
    inference, training, ours = [], [], []
    for _ in range(args.rounds):
        inference.append(onnx_round(session, batch, size, args.seconds))
        if trainer:
            training.append(trainer.round(batch, size, args.seconds))
        ours.append(kleid_round(args.binary, "train", batch, args.threads, args.seconds, size))
    name = f"resnet18, {size} px, training step"
    report(name, args.threads, batch, "onnxruntime's inference", inference, ours)
    if trainer:
        report(name, args.threads, batch, "torch's training step", training, ours)


def report(network, threads, batch, peer, peers, ours):
    ratios = [a / b for a, b in zip(ours, peers)]
    print(f"| {network} | {threads} | {batch} | {peer} | {statistics.median(peers):.1f} | {statistics.median(ours):.1f} | "
          f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |", flush=True)


main()
