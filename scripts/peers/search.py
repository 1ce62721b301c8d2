"""Measures the embedded store's search against FAISS, both exact: the benchmark of vectors/embedded, and flat indexes of
vectors that are drawn alike. Rounds take turns. One query at a time, as a shop's visitors come; for FAISS, whose flat
index searches on one thread for one query, the rows are in a shard for each thread.

    .venv-peers/bin/pip install -r scripts/peers/requirements-search.txt
    .venv-peers/bin/python scripts/peers/search.py [--rows 100000] [--rounds 5] [--seconds 2]
"""

import argparse
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import faiss
import numpy as np

SIZE, K, PER_PRODUCT, LABELS = 512, 20, 5, 20
SPREAD = (1 / np.sqrt(1 + np.arange(SIZE))).astype(np.float32)


def draw(random, count):
    return random.standard_normal((count, SIZE), dtype=np.float32) * SPREAD


def near(random, products):
    vectors = products + 0.5 * draw(random, len(products))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def sharded(make, rows, threads):
    shards = faiss.IndexShards(SIZE, True, True)
    shards.own_indices = False
    parts = [make() for _ in range(threads)]
    for part, vectors in zip(parts, np.array_split(rows, threads)):
        if not part.is_trained:
            part.train(vectors[:50000])
        part.add(vectors)
        shards.add_shard(part)
    return shards, parts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    random = np.random.default_rng(1)
    rows = np.concatenate([near(random, np.repeat(draw(random, 1000), PER_PRODUCT, 0)) for _ in range(options.rows // (1000 * PER_PRODUCT))])
    queries = near(random, draw(random, 512))
    faiss.omp_set_num_threads(1)  # each shard has a thread of its own
    flat, parts = sharded(lambda: faiss.IndexFlatIP(SIZE), rows, options.threads)
    whole = faiss.IndexFlatIP(SIZE)
    whole.add(rows)
    labelled = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(np.packbits(random.integers(0, LABELS, len(rows)) == 3, bitorder="little")))
    eight, coded = sharded(lambda: faiss.IndexScalarQuantizer(SIZE, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT), rows, options.threads)
    _, exact = flat.search(queries[:100], K)
    _, found = eight.search(queries[:100], K)
    recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(exact, found)])
    del rows

    def peer(index, params=None):
        begun, done = time.perf_counter(), 0
        while time.perf_counter() - begun < options.seconds:
            index.search(queries[done % len(queries)][None], K, params=params)
            done += 1
        return 1000 * (time.perf_counter() - begun) / done

    root = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "embedded.test"
        subprocess.run(["go", "test", "-c", "-o", program, "./vectors/embedded"], cwd=root, check=True)

        def kleid():
            command = [program, "-test.run=^$", "-test.bench=Search/(all|one-label|per-product)$", f"-test.benchtime={options.seconds}s", f"-test.cpu={options.threads}", f"-rows={options.rows}"]
            out = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
            return {name: float(ns) / 1e6 for name, ns in re.findall(r"BenchmarkSearch/([a-z-]+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op", out)}

        times = {}
        for _ in range(options.rounds):
            mine = kleid()
            for name, value in (
                ("kleid, all rows", mine["all"]), ("kleid, one row a product", mine["per-product"]), ("FAISS flat, all rows", peer(flat)),
                (f"FAISS 8 bits, all rows, recall {recall:.3f}", peer(eight)),
                ("kleid, one label of 20", mine["one-label"]), ("FAISS flat, one label of 20, on one thread", peer(whole, labelled)),
            ):
                times.setdefault(name, []).append(value)
    print(f"| {options.rows:,} rows of {SIZE} numbers, the {K} nearest | ms a search, median (min-max) | to kleid's |\n| --- | --- | --- |")
    for name, values in times.items():
        mine = times["kleid, one label of 20" if "label" in name else "kleid, all rows"]
        ratio = statistics.median(a / b for a, b in zip(values, mine))
        print(f"| {name} | {statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f}) | {ratio:.2f} |")


if __name__ == "__main__":
    main()
