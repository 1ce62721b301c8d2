"""Small ONNX networks with random weights, written as PyTorch's exporter writes such, and what ONNX Runtime
makes of a made-up picture: NAME.onnx and NAME.json with the features and their shape, for each batch size."""
import json
import sys
import zlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def made_up(name, n):
    """Numbers in [-0.5, 0.5) that any language makes alike: a hash of the name and the index."""
    h = (np.arange(n, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(zlib.crc32(name.encode()))).astype(np.uint32)
    h ^= h >> np.uint32(15)
    h = (h * np.uint32(2246822519)).astype(np.uint32)
    h ^= h >> np.uint32(13)
    return h.astype(np.float64) / 2**32 - 0.5


class Network:
    """Writes a graph, operation by operation. Weights are initialisers, as exporters leave them."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.weights, self.count = [], [], 0

    def name(self, what):
        self.count += 1
        return f"/{what}_{self.count}"

    def add(self, op, *inputs, outputs=1, **attributes):
        names = [self.name(op) for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=self.name("node"), **attributes))
        return names[0] if outputs == 1 else names

    def const(self, values, dtype=np.float32):
        """A Constant node."""
        return self.add("Constant", value=numpy_helper.from_array(np.array(values, dtype)))

    def ints(self, *values):
        return self.const(values, np.int64)

    def weight(self, *shape, scale=1.0, shift=0.0):
        name = self.name("weight")
        values = (self.rng.normal(size=shape) * scale + shift).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(self, x, channels, out, kernel, groups=1, **attributes):
        w = self.weight(out, channels // groups, kernel, kernel, scale=(2 / (kernel * kernel * channels / groups)) ** 0.5)
        return self.add("Conv", x, w, self.weight(out, scale=0.1), group=groups, kernel_shape=[kernel, kernel], **attributes)

    def linear(self, x, inside, out):
        y = self.add("MatMul", x, self.weight(inside, out, scale=inside**-0.5))
        return self.add("Add", self.weight(out, scale=0.1), y)

    def norm(self, x, width):
        """Layer normalisation as one operation."""
        return self.add("LayerNormalization", x, self.weight(width, scale=0.1, shift=1), self.weight(width, scale=0.1), axis=-1, epsilon=1e-6)

    def norm_in_parts(self, x, width):
        """Layer normalisation as older exporters write it."""
        centred = self.add("Sub", x, self.add("ReduceMean", x, axes=[-1], keepdims=1))
        variance = self.add("ReduceMean", self.add("Pow", centred, self.const(2)), axes=[-1], keepdims=1)
        y = self.add("Div", centred, self.add("Sqrt", self.add("Add", variance, self.const(1e-6))))
        return self.add("Add", self.add("Mul", y, self.weight(width, scale=0.1, shift=1)), self.weight(width, scale=0.1))

    def gelu_in_parts(self, x):
        inner = self.add("Add", self.add("Erf", self.add("Div", x, self.const(2**0.5))), self.const(1))
        return self.add("Mul", self.add("Mul", x, inner), self.const(0.5))

    def model(self, output, shape, opset, inputs=("batch", 3, "height", "width")):
        graph = helper.make_graph(
            self.nodes, "network", [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, inputs)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def vit():
    """Vision transformer (https://arxiv.org/abs/2010.11929) of fixed size: 32 px in patches of 8, two blocks of three
    heads, a class token and a classifier."""
    n, width, heads, tokens = Network(1), 24, 3, 17
    x = n.conv("pixels", 3, width, 8, strides=[8, 8])
    # [batch, width, 4, 4] to [batch, 16, width], with the batch's size read from the shape.
    batch = n.add("Gather", n.add("Shape", x), n.const(0, np.int64), axis=0)
    batch = n.add("Unsqueeze", batch, n.ints(0))
    x = n.add("Reshape", x, n.add("Concat", batch, n.ints(width), n.ints(-1), axis=0))
    x = n.add("Transpose", x, perm=[0, 2, 1])
    token = n.add("Expand", n.weight(1, 1, width), n.add("Concat", batch, n.ints(1), n.ints(width), axis=0))
    x = n.add("Add", n.add("Concat", token, x, axis=1), n.weight(1, tokens, width, scale=0.2))
    for block in range(2):
        norm, gelu = (n.norm, n.gelu_in_parts) if block == 0 else (n.norm_in_parts, lambda y: n.gelu_in_parts(y))
        y = n.linear(norm(x, width), width, 3 * width)
        y = n.add("Reshape", y, n.add("Concat", batch, n.ints(tokens), n.ints(3), n.ints(heads), n.ints(width // heads), axis=0))
        y = n.add("Transpose", y, perm=[2, 0, 3, 1, 4])
        q, k, v = (n.add("Squeeze", part, n.ints(0)) for part in n.add("Split", y, n.ints(1, 1, 1), outputs=3, axis=0))
        scores = n.add("MatMul", n.add("Mul", q, n.const((width // heads) ** -0.5)), n.add("Transpose", k, perm=[0, 1, 3, 2]))
        y = n.add("MatMul", n.add("Softmax", scores, axis=-1), v)
        y = n.add("Reshape", n.add("Transpose", y, perm=[0, 2, 1, 3]), n.add("Concat", batch, n.ints(tokens), n.ints(width), axis=0))
        x = n.add("Add", x, n.linear(y, width, width))
        x = n.add("Add", x, n.linear(gelu(n.linear(norm(x, width), width, 4 * width)), 4 * width, width))
    features = n.norm(x, width)
    logits = n.add("Gemm", n.add("Gather", features, n.const(0, np.int64), axis=1), n.weight(10, width), n.weight(10), transB=1)
    return n.model(logits, ["batch", 10], 17, ("batch", 3, 32, 32)), features, "tokens"


def convnext():
    """ConvNeXt (https://arxiv.org/abs/2201.03545) for any size: a stem of 4, three stages."""
    n, widths = Network(2), (12, 24, 32)

    def norm(x, width):  # over the channels of [batch, channels, rows, columns]
        return n.add("Transpose", n.norm(n.add("Transpose", x, perm=[0, 2, 3, 1]), width), perm=[0, 3, 1, 2])

    x = norm(n.conv("pixels", 3, widths[0], 4, strides=[4, 4]), widths[0])
    for stage, width in enumerate(widths):
        if stage > 0:
            x = n.conv(norm(x, widths[stage - 1]), widths[stage - 1], width, 2, strides=[2, 2])
        y = n.conv(x, width, width, 7, groups=width, pads=[3, 3, 3, 3])
        y = n.norm(n.add("Transpose", y, perm=[0, 2, 3, 1]), width)
        y = n.linear(n.add("Gelu", n.linear(y, width, 4 * width)), 4 * width, width)
        y = n.add("Mul", y, n.weight(width, scale=0.5))
        x = n.add("Add", x, n.add("Transpose", y, perm=[0, 3, 1, 2]))
    features = x
    pooled = n.add("Flatten", n.add("GlobalAveragePool", x), axis=1)
    logits = n.add("Gemm", n.norm(pooled, widths[-1]), n.weight(10, widths[-1]), n.weight(10), transB=1)
    return n.model(logits, ["batch", 10], 20), features, "channels first"


def operators():
    """One of each operation that is rewritten, in one chain."""
    n, c = Network(3), 8
    w = n.weight(c, 3, 3, 3, scale=0.3)
    x = n.add("Conv", "pixels", w, strides=[2, 2], pads=[1, 1, 1, 1])  # the kernel's size is not told
    x = n.add("BatchNormalization", x, n.weight(c, scale=0.2, shift=1), n.weight(c, scale=0.2), n.weight(c, scale=0.2), n.add("Abs", n.weight(c, scale=0.3, shift=1)), momentum=0.99, epsilon=1e-3)
    for op, attributes in (("HardSwish", {}), ("LeakyRelu", {"alpha": 0.2}), ("Elu", {"alpha": 0.7}), ("Mish", {}), ("Gelu", {"approximate": "tanh"}), ("Gelu", {})):
        y = n.conv(x, c, c, 1)
        x = n.add("Sum", x, n.add(op, y, **attributes), n.weight(c, 1, 1, scale=0.1))
    x = n.add("PRelu", x, n.weight(c, 1, 1, scale=0.3))
    squeezed = n.conv(n.add("Relu", n.conv(n.add("GlobalAveragePool", x), c, 4, 1)), 4, c, 1)
    x = n.add("Mul", x, n.add("HardSigmoid", squeezed, alpha=1 / 6, beta=0.5))
    x = n.add("Mul", x, n.add("Sigmoid", squeezed))
    x = n.add("Dropout", x)
    x = n.add("MaxPool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], dilations=[1, 1], strides=[1, 1])
    x = n.add("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    x = n.add("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1])
    a, b = n.add("Split", x, outputs=2, axis=1, num_outputs=2)
    a = n.add("Clip", a, "", n.const(0.9))
    b = n.add("Clip", b, n.const(-0.2), n.const(1.5))
    x = n.add("Concat", a, n.add("Reciprocal", n.add("Softplus", b)), axis=1)
    x = n.add("Mul", x, n.add("Constant", value_float=1.5))
    x = n.add("Add", x, n.add("Reshape", n.add("Constant", value_floats=[0.1] * c), n.add("Constant", value_ints=[1, c, 1, 1])))
    # A linear layer of all places, with factors of its own.
    y = n.add("Reshape", n.add("Transpose", x, perm=[0, 2, 3, 1]), n.ints(-1, c))
    y = n.add("Gemm", y, n.weight(c, c, scale=0.3), n.weight(c), alpha=0.5, beta=2.0)
    y = n.add("Reshape", y, n.add("Gather", n.add("Shape", n.add("Transpose", x, perm=[0, 2, 3, 1])), n.ints(0, 1, 2, 3)))
    features = n.add("Transpose", y, perm=[0, 3, 1, 2])
    return n.model(features, ["batch", c, "rows", "columns"], 20), features, "channels first"


def opset9():
    """An old file: what became inputs later are attributes, and weights are listed among the inputs. It reads one
    picture at once, channels last."""
    n, c = Network(4), 6
    x = n.add("Transpose", "pixels", perm=[0, 3, 1, 2])
    x = n.add("Pad", x, mode="constant", pads=[0, 0, 1, 1, 0, 0, 1, 1], value=0.25)
    x = n.conv(x, 3, c, 3, strides=[2, 2])
    x = n.add("Clip", x, min=0.0, max=6.0)
    a, b = n.add("Split", x, outputs=2, axis=1, split=[2, 4])
    x = n.add("Concat", b, n.add("Slice", a, axes=[1], starts=[0], ends=[1]), axis=1)
    x = n.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    features = n.add("Transpose", x, perm=[0, 2, 3, 1])
    model = n.model(features, [1, 8, 6, 5], 9, (1, 32, 24, 3))
    model.ir_version = 3
    for w in n.weights:
        model.graph.input.append(helper.make_tensor_value_info(w.name, TensorProto.FLOAT, w.dims))
    return model, features, "channels last"


def reductions():
    """Attention of normalised queries, as SwinV2 (https://arxiv.org/abs/2111.09883) and XCiT write it, and Hiera's pooling
    (https://arxiv.org/abs/2306.00989), which takes the largest of four places, and maxima over axes of odd lengths and of
    several. The weights are in a file beside it, as PyTorch's exporter leaves them."""
    n, width, heads = Network(5), 24, 3

    def normalised(x):  # torch.nn.functional.normalize
        length = n.add("Clip", n.add("ReduceL2", x, axes=[-1], keepdims=1), n.const(1e-12))
        return n.add("Div", x, n.add("Expand", length, n.add("Shape", x)))

    x = n.conv("pixels", 3, width, 4, strides=[4, 4])
    gate = n.add("ReduceMax", x, axes=[2, 3], keepdims=1)  # of all places
    best = n.add("ReduceMax", x, axes=[1], keepdims=0)  # of all channels
    x = n.add("Add", n.add("Mul", x, n.add("Sigmoid", gate)), n.add("Unsqueeze", best, n.ints(1)))
    x = n.add("Transpose", n.add("Reshape", x, n.ints(0, width, -1)), perm=[0, 2, 1])  # [batch, 35 places, width]
    parts = n.add("Split", n.linear(x, width, 3 * width), n.ints(width, width, width), outputs=3, axis=2)
    q, k, v = (n.add("Transpose", n.add("Reshape", p, n.ints(0, 0, heads, width // heads)), perm=[0, 2, 1, 3]) for p in parts)
    scores = n.add("MatMul", normalised(q), n.add("Transpose", normalised(k), perm=[0, 1, 3, 2]))
    scores = n.add("Mul", scores, n.add("Exp", n.add("Clip", n.weight(heads, 1, 1), "", n.const(4.6))))
    scores = n.add("Add", scores, n.weight(heads, 35, 35, scale=0.3))  # as the bias of places, so that its weights are many
    y = n.add("MatMul", n.add("Softmax", scores, axis=-1), v)
    y = n.add("Reshape", n.add("Transpose", y, perm=[0, 2, 1, 3]), n.ints(0, 7, 5, width))
    rows = n.add("ReduceSum", y, n.ints(2), keepdims=1)
    four = n.add("Reshape", n.linear(n.add("Add", y, rows), width, 4 * width), n.ints(0, 7, 5, 4, width))
    features = n.add("Transpose", n.add("ReduceMax", four, axes=[-2], keepdims=0), perm=[0, 3, 1, 2])
    return n.model(features, ["batch", width, 7, 5], 17, ("batch", 3, 28, 20)), features, "channels first"


def features_of(model, features, pixels):
    inner = onnx.ModelProto()
    inner.CopyFrom(model)
    if features not in [o.name for o in inner.graph.output]:
        inner.graph.output.append(onnx.ValueInfoProto(name=features))
    session = onnxruntime.InferenceSession(inner.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run([features], {"pixels": pixels})[0]


def main(folder):
    for name, build, batches, height, width in (
        ("vit", vit, (1, 3), 32, 32), ("convnext", convnext, (1, 3), 64, 48), ("operators", operators, (2,), 32, 24), ("opset9", opset9, (1,), 32, 24),
        ("reductions", reductions, (1, 3), 28, 20),
    ):
        model, features, layout = build()
        onnx.checker.check_model(model)
        golden = {"height": height, "width": width, "layer": features, "features": {}}
        for batch in batches:
            pixels = 4 * made_up("input", batch * height * width * 3).reshape(batch, height, width, 3).astype(np.float32)
            if name != "opset9":
                pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
            y = features_of(model, features, pixels)
            if layout == "channels first":
                y = y.transpose(0, 2, 3, 1)
            if layout == "tokens":
                y = y[:, 1:].reshape(batch, 4, 4, -1)
            golden["features"][batch] = {"shape": y.shape, "values": [float(f"{v:.7g}") for v in y.flatten()]}
        with open(f"{folder}/{name}.json", "w") as f:
            json.dump(golden, f)
            f.write("\n")
        beside = {"save_as_external_data": True, "location": f"{name}.onnx.data", "size_threshold": 256} if name == "reductions" else {}
        onnx.save_model(model, f"{folder}/{name}.onnx", **beside)


if __name__ == "__main__":
    main(sys.argv[1])
