"""How well Inception v3's mixed_8 tells the facets of photos, computed with PyTorch and Pillow, apart from Kleid:
the figures that models/inception_f1_test.go compares with.

    python scripts/goldens/inception_f1.py SHARED models/testdata/inception_f1.json

SHARED has weights/inception_v3_mixed8.f16.safetensors and data/deepfashion5k. Dresses' boxes are resized to
299 x 299, the features are averaged over all places, standardised, and told apart by a multinomial logistic
regression with balanced classes (C = 0.003), fitted on four fifths of the photos and asked about the last, in turn."""
import csv
import json
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

PHOTOS, FOLDS, C = 1000, 5, 0.003
FACETS = ("sleeve", "length", "neckline", "pattern")


def weights(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        body = f.read()
    tensors = {}
    for name, t in header.items():
        if name != "__metadata__":
            begin, end = t["data_offsets"]
            tensors[name] = torch.from_numpy(np.frombuffer(body[begin:end], np.float16).astype(np.float32).reshape(t["shape"]))
    return tensors


def network(w):
    def conv(name, x, stride=1, valid=False):
        kernel = w[name + ".weight"]
        pad = (0, 0) if valid else [(k - 1) // 2 for k in kernel.shape[2:]]
        return F.relu(F.conv2d(x, kernel, w[name + ".bias"], stride=stride, padding=pad))

    def chain(x, *names):
        for name in names:
            x = conv(name, x)
        return x

    def largest(x):
        return F.max_pool2d(x, 3, 2)

    def mean(x):
        return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)

    def tower(p, number, layers):
        return [f"{p}_tower{number}_conv"] + [f"{p}_tower{number}_conv_{i}" for i in range(1, layers)]

    def run(x):
        x = conv("conv", x, 2, True)
        x = conv("conv_2", conv("conv_1", x, 1, True))
        x = largest(conv("conv_4", conv("conv_3", largest(x)), 1, True))
        for p in ("mixed", "mixed_1", "mixed_2"):
            x = torch.cat([conv(p + "_conv", x), chain(x, *tower(p, "", 2)), chain(x, *tower(p, "_1", 3)), chain(mean(x), *tower(p, "_2", 1))], 1)
        p = "mixed_3"
        x = torch.cat([conv(p + "_conv", x, 2, True), conv(p + "_tower_conv_2", chain(x, *tower(p, "", 2)), 2, True), largest(x)], 1)
        for p in ("mixed_4", "mixed_5", "mixed_6", "mixed_7"):
            x = torch.cat([conv(p + "_conv", x), chain(x, *tower(p, "", 3)), chain(x, *tower(p, "_1", 5)), chain(mean(x), *tower(p, "_2", 1))], 1)
        p = "mixed_8"
        return torch.cat([
            conv(p + "_tower_conv_1", chain(x, *tower(p, "", 1)), 2, True),
            conv(p + "_tower_1_conv_3", chain(x, *tower(p, "_1", 3)), 2, True), largest(x)], 1)

    return run


def features(shared, rows):
    run, all_rows = network(weights(f"{shared}/weights/inception_v3_mixed8.f16.safetensors")), []
    with torch.inference_mode():
        for r in rows:
            image = Image.open(f"{shared}/data/deepfashion5k/images/{r['image']}").convert("RGB")
            box = [int(r[k]) for k in ("x_min", "y_min", "x_max", "y_max")]
            box = (max(box[0], 0), max(box[1], 0), min(box[2], image.width), min(box[3], image.height))
            pixels = np.asarray(image.crop(box).resize((299, 299), Image.BILINEAR), np.float32) / 127.5 - 1
            all_rows.append(run(torch.from_numpy(pixels).permute(2, 0, 1)[None]).mean((2, 3))[0].numpy())
    return np.stack(all_rows).astype(np.float64)


def fit(x, y, classes):
    """The minimum of C · Σ weight · cross-entropy + |W|² / 2, the bias free."""
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    count = torch.bincount(y, minlength=classes).double()
    balance = len(y) / (count.count_nonzero() * count.clamp(min=1))
    w = torch.zeros(x.shape[1], classes, dtype=torch.float64, requires_grad=True)
    b = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    absent = torch.where(count > 0, 0.0, -1e9).double()
    optimiser = torch.optim.LBFGS([w, b], max_iter=2000, tolerance_grad=1e-7, tolerance_change=1e-12, line_search_fn="strong_wolfe", history_size=20)

    def loss():
        optimiser.zero_grad()
        value = C * (F.cross_entropy(x @ w + b + absent, y, reduction="none") * balance[y]).sum() + (w * w).sum() / 2
        value.backward()
        return value

    optimiser.step(loss)
    return lambda q: (torch.from_numpy(q) @ w + b + absent).argmax(1).numpy()


def macro_f1(truth, answers):
    scores = []
    for label in np.unique(truth):
        right = ((truth == label) & (answers == label)).sum()
        scores.append(2 * right / ((truth == label).sum() + (answers == label).sum()))
    return float(np.mean(scores))


def main(shared, target):
    with open(f"{shared}/data/deepfashion5k/labels.csv") as f:
        rows = list(csv.DictReader(f))[:PHOTOS]
    x = features(shared, rows)
    golden = {"photos": PHOTOS, "folds": FOLDS, "f1": {}, "mean": round(float(x.mean()), 6), "deviation": round(float(x.std()), 6)}
    fold = np.arange(PHOTOS) % FOLDS
    for facet in FACETS:
        labels = sorted({r[facet] for r in rows})
        y = np.array([labels.index(r[facet]) for r in rows])
        answers = np.zeros_like(y)
        for k in range(FOLDS):
            learn = fold != k
            mean, deviation = x[learn].mean(0), x[learn].std(0) + 1e-6
            answers[~learn] = fit((x[learn] - mean) / deviation, y[learn], len(labels))((x[~learn] - mean) / deviation)
        golden["f1"][facet] = round(macro_f1(y, answers), 6)
        print(facet, golden["f1"][facet], flush=True)
    with open(target, "w") as f:
        json.dump(golden, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
