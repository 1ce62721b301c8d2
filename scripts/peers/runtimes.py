"""The runtimes that are measured, each with a method rate(x, seconds) that works through a batch again and
again and returns images a second."""

import json
import logging
import subprocess
import time

import numpy as np
import onnxruntime

try:
    import openvino
except ImportError:
    openvino = None
try:
    import torch
except ImportError:
    torch = None


def clock(run, images, seconds):
    """Images a second of run, after one round to warm up."""
    run()
    n, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        run()
        n += images
    return n / (time.perf_counter() - start)


class OnnxRuntime:
    def __init__(self, model, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def rate(self, x, seconds):
        return clock(lambda: self.session.run(None, {"x": x}), len(x), seconds)

    def features(self, x):
        return self.session.run(None, {"x": x})[0].reshape(len(x), -1)


class OpenVino:
    """OpenVINO with static shapes, which it wants: one compilation for each."""

    def __init__(self, model, threads, float32):
        self.core, self.compiled = openvino.Core(), {}
        self.model = model
        self.config = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
        if float32:  # else it computes in bfloat16 where the processor can
            self.config["INFERENCE_PRECISION_HINT"] = "f32"

    def rate(self, x, seconds):
        if x.shape not in self.compiled:
            model = self.core.read_model(self.model)
            model.reshape(list(x.shape))
            self.compiled[x.shape] = self.core.compile_model(model, "CPU", self.config).create_infer_request()
        request = self.compiled[x.shape]
        return clock(lambda: request.infer([x]), len(x), seconds)


class Torch:
    """PyTorch with channels last, its faster layout on CPUs."""

    def __init__(self, module, threads):
        torch.set_num_threads(threads)
        self.module = module

    def rate(self, x, seconds):
        x = torch.tensor(x).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            return clock(lambda: self.module(x), len(x), seconds)


class TorchTraining:
    """A training step with AdamW: forward, backward and update."""

    def __init__(self, module, threads):
        torch.set_num_threads(threads)
        self.module, self.optimiser = module, torch.optim.AdamW(module.parameters(), 1e-4)

    def rate(self, x, seconds):
        x = torch.tensor(x).to(memory_format=torch.channels_last)
        y = torch.arange(len(x)) % 10

        def step():
            self.optimiser.zero_grad()
            torch.nn.functional.cross_entropy(self.module(x), y).backward()
            self.optimiser.step()

        return clock(step, len(x), seconds)


class Kleid:
    """`kleid bench`, a process for each round."""

    def __init__(self, binary, network, precision, threads, what="embed"):
        self.command = [binary, "bench", what, "--network", network, "--threads", str(threads), "--json"]
        if what == "embed":
            self.command += ["--precision", precision]

    def call(self, *arguments):
        """The figures that it prints, or None and what it says when it fails."""
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            return None, done.stderr.strip().splitlines()[-1]
        return json.loads(done.stdout.splitlines()[-1]), done.stderr.strip()

    def rate(self, x, seconds):
        figures, problem = self.call("--batch", str(len(x)), "--size", str(x.shape[2]), "--seconds", str(seconds))
        if figures is None:
            raise SystemExit(problem)
        return figures["images_per_second"]


def quantise(float_path, int8_path, samples):
    """Static quantisation to QDQ form: weights int8 by channel, activations uint8, ranges of the samples."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.batches = iter([{"x": x[None]} for x in samples])

        def get_next(self):
            return next(self.batches, None)

    logging.disable(logging.WARNING)  # it asks for shape inference, which these graphs do not need
    quantize_static(float_path, int8_path, Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                    weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8)


def random_images(count, size):
    return np.random.default_rng(1).normal(size=(count, 3, size, size)).astype(np.float32)
