"""Speed and size, measured and printed: `make bench`, or `python -m bench planning` for one file.

Each room owner adds a file `bench/bench_<what>.py` with one function

    def tables() -> Iterator[rich.table.Table]: ...

that measures and yields its tables one by one, each with a title that says what was run, and a last column
`bar` that states the promised figure where there is one, so that a reader sees the distance. Use a fixed seed and
print it; read the clock with `time.perf_counter`. A file that needs another package imports it inside `tables`.
"""
