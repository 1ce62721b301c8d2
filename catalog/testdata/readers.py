"""Reads a Parquet file with the tools of analysts and prints what they see as one line of JSON."""

import json
import sys

import duckdb
import polars
import pyarrow.parquet

path = sys.argv[1]
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")


def one(query):
    return connection.execute(query, [path]).fetchall()


file = pyarrow.parquet.ParquetFile(path)
arrow = file.read()
frame = polars.read_parquet(path)
group = file.metadata.row_group(0)
bounds = {}
for i in range(group.num_columns):
    column = group.column(i)
    statistics = column.statistics
    bounds[column.path_in_schema] = {
        "compression": column.compression,
        "bounds": bool(statistics and statistics.has_min_max),
        "nulls": statistics.null_count if statistics and statistics.has_null_count else None,
    }

print(json.dumps({
    "duckdb_types": {name: kind for name, kind, *_ in one("DESCRIBE SELECT * FROM read_parquet(?)")},
    "duckdb_rows": [
        [str(v) if v is not None else None for v in row]
        for row in one(
            "SELECT row_id, price, attributes['colour'], box_x_max, facet_neckline, facet_neckline_probability,"
            " list_sum(embedding_unsupervised), len(embedding_deeprank), indexed_at::VARCHAR, title, colours[2].name"
            " FROM read_parquet(?) ORDER BY indexed_at")
    ],
    "arrow_types": {f.name: str(f.type) for f in arrow.schema},
    "arrow_nullable": {f.name: f.nullable for f in arrow.schema},
    "arrow_metadata": {k.decode(): v.decode() for k, v in file.metadata.metadata.items() if k != b"ARROW:schema"},
    "arrow_embeddings": arrow.column("embedding_unsupervised").to_pylist(),
    "arrow_colours": arrow.column("colours").to_pylist(),
    "arrow_attributes": [None if m is None else dict(m) for m in arrow.column("attributes").to_pylist()],
    "polars_types": {name: str(kind) for name, kind in frame.schema.items()},
    "polars_embeddings": frame["embedding_unsupervised"].to_list(),
    "row_groups": file.metadata.num_row_groups,
    "columns": bounds,
}))
