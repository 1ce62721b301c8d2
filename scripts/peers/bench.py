"""Measures Kleid's networks beside other runtimes, all with the same random weights and in one run: rounds
take turns, and ratios are of the same round. One table, and below it how far Kleid's features are from ONNX
Runtime's. Called by scripts/bench-peers.

    scripts/bench-peers [--networks resnet18,resnet50] [--batches 1,8] [--threads 2] [--rounds 5]
                        [--seconds 2] [--train-batch 16] [--train-size 128] [--quick]
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import numpy as np

import networks
import runtimes
from runtimes import Kleid, OnnxRuntime, OpenVino, Torch, TorchTraining


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="bin/kleid")
    parser.add_argument("--networks", default="resnet18,resnet50", help="also resnet34 and inception_v3")
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of each round")
    parser.add_argument("--train-batch", type=int, default=16, help="0 leaves training out")
    parser.add_argument("--train-size", type=int, default=128)
    parser.add_argument("--quick", action="store_true", help="2 rounds of half a second")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds = 2, 0.5

    notes = []
    if runtimes.openvino is None:
        notes.append("OpenVINO is not installed: its rows are left out.")
    if runtimes.torch is None:
        notes.append("PyTorch is not installed: its rows are left out, and training has no peer.")
    print("| network | size | runtime | precision | threads | batch | images/s, median | min–max | ratio to onnxruntime f32 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name in args.networks.split(","):
            inference(args, networks.Network(name), Path(folder), notes)
        if args.train_batch:
            training(args)
    print()
    print(f"Medians of {args.rounds} rounds of {args.seconds:g} s that took turns; a ratio is the median of the rounds' ratios. "
          "A training step's ratio is to torch's: forward, backward and AdamW.")
    for note in notes:
        print(note)


def inference(args, network, folder, notes):
    weights, onnx_path, int8_path = folder / "w.safetensors", folder / "f32.onnx", folder / "int8.onnx"
    networks.write_safetensors(weights, network.weights)
    onnx_path.write_bytes(networks.to_onnx(network).SerializeToString())
    runtimes.quantise(onnx_path, int8_path, runtimes.random_images(8, network.size))

    rows = {("onnxruntime", "f32"): OnnxRuntime(onnx_path, args.threads), ("onnxruntime", "int8"): OnnxRuntime(int8_path, args.threads)}
    if runtimes.openvino:
        rows[("openvino", "f32")] = OpenVino(onnx_path, args.threads, True)
        rows[("openvino", "int8")] = OpenVino(int8_path, args.threads, False)
    if runtimes.torch:
        rows[("torch, channels last", "f32")] = Torch(networks.to_torch(network, False), args.threads)
    x = runtimes.random_images(8, network.size)
    peer = rows[("onnxruntime", "f32")].features(x)
    for precision in ("f32", "bf16", "int8"):
        kleid = Kleid(args.binary, network.name, precision, args.threads)
        note, works = compare(kleid, weights, folder, x, peer)
        notes.append(f"{network.name}, kleid {precision}: {note}")
        if works:
            rows[("kleid", precision)] = kleid
    for batch in args.batches.split(","):
        measure(args, network.name, network.size, rows, int(batch), ("onnxruntime", "f32"))


def compare(kleid, weights, folder, x, peer):
    """Runs Kleid on the very weights and images of the peer, and says how far its features are."""
    given, answer = folder / "x.safetensors", folder / "y.safetensors"
    networks.write_safetensors(given, {"x": x})
    figures, problem = kleid.call("--weights", weights, "--input", given, "--output", answer, "--seconds", "0.01")
    if figures is None:
        return f"left out: {problem}", False
    y = networks.read_safetensors(answer)["y"].astype(np.float64)
    cosine = (y * peer).sum(1) / np.linalg.norm(y, axis=1) / np.linalg.norm(peer, axis=1)
    return (f"cosine to onnxruntime f32 of {len(x)} images at least {cosine.min():.7f}, mean {cosine.mean():.7f}; "
            f"largest difference {abs(y - peer).max():.2g}, where the features' deviation is {peer.std():.2g}"), True


def training(args):
    network = networks.Network("resnet18")
    rows = {}
    if runtimes.torch:
        rows[("torch, channels last", "f32")] = TorchTraining(networks.to_torch(network, True), args.threads)
    rows[("kleid", "f32")] = Kleid(args.binary, network.name, "f32", args.threads, what="train")
    measure(args, network.name + ", training step", args.train_size, rows, args.train_batch, ("torch, channels last", "f32"))


def measure(args, name, size, rows, batch, base):
    x = runtimes.random_images(batch, size)
    rates = {row: [] for row in rows}
    for _ in range(args.rounds):
        for row, runtime in rows.items():
            rates[row].append(runtime.rate(x, args.seconds))
    for (runtime, precision), values in rates.items():
        ratio = "–"
        if base in rates:
            ratio = f"{statistics.median(a / b for a, b in zip(values, rates[base])):.2f}"
        print(f"| {name} | {size} px | {runtime} | {precision} | {args.threads} | {batch} | {statistics.median(values):.1f} | "
              f"{min(values):.1f}–{max(values):.1f} | {ratio} |", flush=True)


main()
