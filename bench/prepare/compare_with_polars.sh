#!/bin/sh
# `ppr prepare` against polars on the same click log, alternately, so that both see the same state of the machine.
# polars reads the CSV, sorts by user and time and groups by user; ppr prepare does that and more (ids as text, split,
# candidates, a synced dataset file). Prints each round, medians, their ratio and the peak memory of both.
#
# Usage: compare_with_polars.sh PREPARE_COMMAND CLICKS.csv [ROUNDS]
#   PREPARE_COMMAND: for example "build/release/ppr prepare"; --interactions= and --output= are appended.
#   POLARS_PATH: where polars is installed (pip install --target=FOLDER polars); never part of the project.
set -eu
prepare=$1
clicks=$2
rounds=${3:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PYTHONPATH=${POLARS_PATH:-}
export PYTHONPATH PREPARE="$prepare" CLICKS="$clicks" ROUNDS="$rounds" WORK="$work"

python3 - <<'PYTHON'
import os, statistics, subprocess, sys, time

POLARS = """
import sys, polars
clicks = polars.read_csv(sys.argv[1]).sort(["user_id", "timestamp"])
users = clicks.group_by("user_id", maintain_order=True).agg("item_id", "timestamp")
assert users.height > 0
"""
commands = {
    "ppr prepare": os.environ["PREPARE"].split() + ["--interactions=" + os.environ["CLICKS"],
                                                    "--output=" + os.environ["WORK"] + "/dataset.h5"],
    "polars": [sys.executable, "-c", POLARS, os.environ["CLICKS"]],
}
seconds = {name: [] for name in commands}
cpu_seconds = {name: [] for name in commands}
peak_mb = {name: 0.0 for name in commands}
for _ in range(int(os.environ["ROUNDS"])):
    for name, command in commands.items():
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds[name].append(time.monotonic() - start)
        if status != 0:
            sys.exit(f"{name} failed: {' '.join(command[:3])}")
        cpu_seconds[name].append(usage.ru_utime + usage.ru_stime)
        peak_mb[name] = max(peak_mb[name], usage.ru_maxrss / 1024)
        print(f"{name:12s} {seconds[name][-1]:7.2f} s wall {cpu_seconds[name][-1]:7.2f} s cpu", flush=True)
for name in commands:
    print(f"{name:12s} median {statistics.median(seconds[name]):6.2f} s, cpu {statistics.median(cpu_seconds[name]):6.2f} s, "
          f"peak {peak_mb[name]:6.0f} MB")
print(f"ratio of medians {statistics.median(seconds['ppr prepare']) / statistics.median(seconds['polars']):.2f}")
PYTHON
