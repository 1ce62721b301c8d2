"""Runs SQL from standard input in DuckDB, in the folder it stands in, and prints what each query answers as a line of JSON."""

import json
import sys

import duckdb

connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
for statement in connection.extract_statements(sys.stdin.read()):
    answer = connection.execute(statement)
    names = [name for name, *_ in answer.description]
    print(json.dumps([dict(zip(names, row)) for row in answer.fetchall()], default=str))
