"""The networks of `kleid bench embed` with random weights, once as a list of layers, from which come
torchvision's parameters, an ONNX graph and a PyTorch module, all with the same numbers."""

import json
import struct

import numpy as np

NORM_EPSILON = {"inception_v3": 1e-3}  # torch's default elsewhere


class Network:
    """Layers as (operation, output, inputs, attributes) and weights by torchvision's names."""

    def __init__(self, name):
        self.name, self.layers, self.weights, self.channels = name, [], {}, {"x": 3}
        self.epsilon = NORM_EPSILON.get(name, 1e-5)
        self.random = np.random.default_rng(0)
        self.size = 299 if name == "inception_v3" else 224
        y = {"resnet18": lambda: resnet(self, basic, 1, [2, 2, 2, 2]), "resnet34": lambda: resnet(self, basic, 1, [3, 4, 6, 3]),
             "resnet50": lambda: resnet(self, bottleneck, 4, [3, 4, 6, 3]), "inception_v3": lambda: inception(self)}[name]()
        self.output = self.layer("pooled", [y], self.channels[y])

    def layer(self, operation, inputs, channels, **attributes):
        out = f"t{len(self.layers)}"
        self.layers.append((operation, out, inputs, attributes))
        self.channels[out] = channels
        return out

    def conv(self, x, out, kernel, stride=1, pad=None, name="conv", norm="bn", relu=True, gain=1.0):
        """A convolution, batch normalisation and perhaps ReLU. Gain is that of the normalisation."""
        height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        pads = pad if isinstance(pad, tuple) else (pad, pad) if pad is not None else ((height - 1) // 2, (width - 1) // 2)
        fan_in = self.channels[x] * height * width
        draw = self.random
        parameters = {
            name + ".weight": draw.normal(0, (2 / fan_in) ** 0.5, (out, self.channels[x], height, width)),
            norm + ".weight": gain * draw.uniform(0.8, 1.2, out), norm + ".bias": draw.normal(0, 0.1, out),
            norm + ".running_mean": draw.normal(0, 0.1, out), norm + ".running_var": draw.uniform(0.8, 1.2, out),
        }
        self.weights.update((key, value.astype(np.float32)) for key, value in parameters.items())
        y = self.layer("conv", [x], out, name=name, norm=norm, kernel=(height, width), stride=stride, pads=pads)
        return self.layer("relu", [y], out) if relu else y

    def folded(self, name, norm):
        """A convolution's weight and bias with batch normalisation in it."""
        w = {k: self.weights[f"{norm}.{k}"].astype(np.float64) for k in ("weight", "bias", "running_mean", "running_var")}
        factor = w["weight"] / np.sqrt(w["running_var"] + self.epsilon)
        weight = self.weights[name + ".weight"] * factor[:, None, None, None]
        return weight.astype(np.float32), (w["bias"] - w["running_mean"] * factor).astype(np.float32)


def resnet(net, block, expansion, counts):
    x = net.conv("x", 64, 7, 2, name="conv1", norm="bn1")
    x = net.layer("maxpool", [x], 64, kernel=3, stride=2, pad=1)
    for stage, count in enumerate(counts):
        for i in range(count):
            x = block(net, f"layer{stage + 1}.{i}.", x, 64 << stage, 2 if stage > 0 and i == 0 else 1)
    return x


def shortcut(net, at, x, y, stride):
    if stride != 1 or net.channels[x] != net.channels[y]:
        x = net.conv(x, net.channels[y], 1, stride, name=at + "downsample.0", norm=at + "downsample.1", relu=False)
    return net.layer("relu", [net.layer("add", [y, x], net.channels[y])], net.channels[y])


def basic(net, at, x, width, stride):
    y = net.conv(x, width, 3, stride, name=at + "conv1", norm=at + "bn1")
    y = net.conv(y, width, 3, name=at + "conv2", norm=at + "bn2", relu=False, gain=0.3)
    return shortcut(net, at, x, y, stride)


def bottleneck(net, at, x, width, stride):
    y = net.conv(x, width, 1, name=at + "conv1", norm=at + "bn1")
    y = net.conv(y, width, 3, stride, name=at + "conv2", norm=at + "bn2")
    y = net.conv(y, 4 * width, 1, name=at + "conv3", norm=at + "bn3", relu=False, gain=0.3)
    return shortcut(net, at, x, y, stride)


def inception(net):
    def conv(x, out, kernel, name, stride=1, pad=None):
        return net.conv(x, out, kernel, stride, pad, name=name + ".conv", norm=name + ".bn")

    def chain(at, x, *parts):
        for name, out, kernel in parts:
            x = conv(x, out, kernel, at + name)
        return x

    def concat(*parts):
        return net.layer("concat", list(parts), sum(net.channels[p] for p in parts))

    def average(x):
        return net.layer("averagepool", [x], net.channels[x], kernel=3, stride=1, pad=1)

    def maximum(x):
        return net.layer("maxpool", [x], net.channels[x], kernel=3, stride=2, pad=0)

    x = conv("x", 32, 3, "Conv2d_1a_3x3", 2, 0)
    x = conv(x, 32, 3, "Conv2d_2a_3x3", 1, 0)
    x = maximum(conv(x, 64, 3, "Conv2d_2b_3x3"))
    x = conv(x, 80, 1, "Conv2d_3b_1x1")
    x = maximum(conv(x, 192, 3, "Conv2d_4a_3x3", 1, 0))
    for at, pooled in (("Mixed_5b.", 32), ("Mixed_5c.", 64), ("Mixed_5d.", 64)):
        x = concat(
            chain(at, x, ("branch1x1", 64, 1)),
            chain(at, x, ("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
            chain(at, x, ("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
            chain(at, average(x), ("branch_pool", pooled, 1)))
    at = "Mixed_6a."
    x = concat(
        conv(x, 384, 3, at + "branch3x3", 2, 0),
        conv(chain(at, x, ("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3)), 96, 3, at + "branch3x3dbl_3", 2, 0),
        maximum(x))
    for at, c in (("Mixed_6b.", 128), ("Mixed_6c.", 160), ("Mixed_6d.", 160), ("Mixed_6e.", 192)):
        x = concat(
            chain(at, x, ("branch1x1", 192, 1)),
            chain(at, x, ("branch7x7_1", c, 1), ("branch7x7_2", c, (1, 7)), ("branch7x7_3", 192, (7, 1))),
            chain(at, x, ("branch7x7dbl_1", c, 1), ("branch7x7dbl_2", c, (7, 1)), ("branch7x7dbl_3", c, (1, 7)),
                  ("branch7x7dbl_4", c, (7, 1)), ("branch7x7dbl_5", 192, (1, 7))),
            chain(at, average(x), ("branch_pool", 192, 1)))
    at = "Mixed_7a."
    x = concat(
        conv(chain(at, x, ("branch3x3_1", 192, 1)), 320, 3, at + "branch3x3_2", 2, 0),
        conv(chain(at, x, ("branch7x7x3_1", 192, 1), ("branch7x7x3_2", 192, (1, 7)), ("branch7x7x3_3", 192, (7, 1))),
             192, 3, at + "branch7x7x3_4", 2, 0),
        maximum(x))
    for at in ("Mixed_7b.", "Mixed_7c."):
        three = chain(at, x, ("branch3x3_1", 384, 1))
        twice = chain(at, x, ("branch3x3dbl_1", 448, 1), ("branch3x3dbl_2", 384, 3))
        x = concat(
            chain(at, x, ("branch1x1", 320, 1)),
            chain(at, three, ("branch3x3_2a", 384, (1, 3))), chain(at, three, ("branch3x3_2b", 384, (3, 1))),
            chain(at, twice, ("branch3x3dbl_3a", 384, (1, 3))), chain(at, twice, ("branch3x3dbl_3b", 384, (3, 1))),
            chain(at, average(x), ("branch_pool", 192, 1)))
    return x


def to_onnx(network):
    """The network as an ONNX graph with batch normalisation folded, as exporters leave it: x [n, 3, h, w] to
    y [n, channels, 1, 1]."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights = [], []
    for operation, out, inputs, a in network.layers:
        if out == network.output:
            out = "y"
        if operation == "conv":
            for kind, array in zip(("w", "b"), network.folded(a["name"], a["norm"])):
                weights.append(numpy_helper.from_array(array, f"{a['name']}.{kind}"))
            nodes.append(helper.make_node("Conv", [inputs[0], a["name"] + ".w", a["name"] + ".b"], [out], name=out,
                                          kernel_shape=list(a["kernel"]), strides=[a["stride"]] * 2, pads=list(a["pads"]) * 2))
        elif operation in ("maxpool", "averagepool"):
            more = {"count_include_pad": 1} if operation == "averagepool" else {}
            nodes.append(helper.make_node("MaxPool" if operation == "maxpool" else "AveragePool", inputs, [out], name=out,
                                          kernel_shape=[a["kernel"]] * 2, strides=[a["stride"]] * 2, pads=[a["pad"]] * 4, **more))
        else:
            kind = {"relu": "Relu", "add": "Add", "concat": "Concat", "pooled": "GlobalAveragePool"}[operation]
            nodes.append(helper.make_node(kind, inputs, [out], name=out, **({"axis": 1} if operation == "concat" else {})))
    graph = helper.make_graph(
        nodes, network.name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", network.channels[network.output], 1, 1])], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def to_torch(network, training):
    """The network as a PyTorch module to features [n, channels]: for training with batch normalisation and a
    classifier of ten classes, else with batch normalisation folded."""
    import torch

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = torch.nn.ModuleDict()
            for operation, out, inputs, a in network.layers:
                if operation != "conv":
                    continue
                weight, bias = network.folded(a["name"], a["norm"])
                conv = torch.nn.Conv2d(weight.shape[1], weight.shape[0], a["kernel"], a["stride"], a["pads"], bias=not training)
                if training:
                    conv.weight.data = torch.tensor(network.weights[a["name"] + ".weight"])
                    conv = torch.nn.Sequential(conv, torch.nn.BatchNorm2d(weight.shape[0], network.epsilon))
                else:
                    conv.weight.data, conv.bias.data = torch.tensor(weight), torch.tensor(bias)
                self.parts[out] = conv
            if training:
                self.classes = torch.nn.Linear(network.channels[network.output], 10)

        def forward(self, x):
            f = torch.nn.functional
            values = {"x": x}
            for operation, out, inputs, a in network.layers:
                i = [values[name] for name in inputs]
                if operation == "conv":
                    y = self.parts[out](i[0])
                elif operation == "relu":
                    y = f.relu(i[0], inplace=True)
                elif operation == "add":
                    y = i[0] + i[1]
                elif operation == "concat":
                    y = torch.cat(i, 1)
                elif operation == "maxpool":
                    y = f.max_pool2d(i[0], a["kernel"], a["stride"], a["pad"])
                elif operation == "averagepool":
                    y = f.avg_pool2d(i[0], a["kernel"], a["stride"], a["pad"])
                else:
                    y = f.adaptive_avg_pool2d(i[0], 1).flatten(1)
                values[out] = y
            return self.classes(y) if training else y

    return Module().to(memory_format=torch.channels_last).train(training)


def write_safetensors(path, arrays):
    """Float32 arrays in the safetensors format."""
    header, offset = {}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array, np.float32).tobytes())


def read_safetensors(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}
