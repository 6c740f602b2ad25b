"""Reading KuaiRand's CSV files beside polars, DuckDB and pandas, in one run on two threads.

Parsing: every cell of the log files into columns in memory (ours also checks each against KuaiRand's schema).
Import: logs and feature tables into a file, ours an ordered, compressed HDF5 store, DuckDB's a database.
Runs alternate, so that a machine that slows down slows all; files are read once first, so that they are cached.

    pip install polars duckdb pandas
    cmake --preset release -DSWIPEGYM_BENCH=ON && cmake --build --preset release --target swipegym import_bench
    build/release/swipegym data synth --preset 1k --out 1k
    python bench/peers/csv_parse.py --bench build/release/bench/import_bench --data 1k
"""

import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def files_of(folder, *patterns):
    """The files of a release, in its root or its folder data."""
    for place in (folder, os.path.join(folder, "data")):
        found = [path for pattern in patterns for path in sorted(glob.glob(os.path.join(place, pattern)))]
        if found:
            return found
    sys.exit(f"{folder}: no {patterns[0]} here or in its folder data")


def timed(run):
    """Seconds that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def ours(bench, folder, name, threads):
    """Seconds that one of our benchmarks takes, in a process of its own."""
    command = [bench, f"--benchmark_filter=^{name}/{threads}/real_time$", "--benchmark_min_time=0.001",
               "--benchmark_format=json"]
    environment = dict(os.environ, SWIPEGYM_BENCH_DATA=folder)
    result = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    measured = json.loads(result.stdout)["benchmarks"][0]
    return measured["real_time"] / 1e3, measured["peak_mib"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True, help="the program import_bench")
    parser.add_argument("--data", required=True, help="a KuaiRand release, best one of half a gigabyte or more")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    os.environ["POLARS_MAX_THREADS"] = str(options.threads)
    import duckdb
    import pandas
    import polars

    logs = files_of(options.data, "log_random_*.csv", "log_standard_*.csv")
    tables = files_of(options.data, "user_features_*.csv") + files_of(options.data, "video_features_basic_*.csv")
    log_mb = sum(os.path.getsize(path) for path in logs) / 1e6
    all_mb = log_mb + sum(os.path.getsize(path) for path in tables) / 1e6
    for path in logs + tables:
        with open(path, "rb") as file:
            while file.read(1 << 24):
                pass

    def duck(target, sources):
        connection = duckdb.connect(target)
        connection.execute(f"SET threads={options.threads}")
        for number, path in enumerate(sources):
            connection.execute(f"CREATE TABLE t{number} AS SELECT * FROM read_csv('{path}')")
        connection.close()

    def duck_file():
        with tempfile.TemporaryDirectory() as folder:
            duck(os.path.join(folder, "t.db"), logs + tables)

    peak = {}

    def our(name):
        seconds, peak[name] = ours(options.bench, options.data, name, options.threads)
        return seconds

    jobs = {
        "parse: ours": (log_mb, lambda: our("parse")),
        f"parse: polars {polars.__version__}": (log_mb, lambda: timed(lambda: [polars.read_csv(p) for p in logs])),
        f"parse: duckdb {duckdb.__version__}": (log_mb, lambda: timed(lambda: duck(":memory:", logs))),
        f"parse: pandas {pandas.__version__} (1 thread)": (log_mb, lambda: timed(lambda: [pandas.read_csv(p) for p in logs])),
        "import: ours": (all_mb, lambda: our("import")),
        f"import: duckdb {duckdb.__version__}": (all_mb, lambda: timed(duck_file)),
    }
    rates = {name: [] for name in jobs}
    for _ in range(options.repeats):
        for name, (megabytes, run) in jobs.items():
            rates[name].append(megabytes / run())
    print(f"{log_mb:.0f} MB of logs, {all_mb:.0f} MB with tables, {options.threads} threads, {options.repeats} runs")
    for name, values in rates.items():
        ours_median = statistics.median(rates[name.split(":")[0] + ": ours"])
        print(f"  {name:32} {statistics.median(values):7.0f} MB/s ({min(values):.0f} to {max(values):.0f})"
              f"   ours / it {ours_median / statistics.median(values):.2f}")
    print(f"  peak memory of our import {peak['import']:.0f} MiB")


if __name__ == "__main__":
    main()
