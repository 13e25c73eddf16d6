"""Runs the benchmarks: all of them, or the one that is named first, with its options."""

import runpy
import sys

BENCHMARKS = ("board", "chat", "log_in", "similarity", "views")

if len(sys.argv) > 1 and sys.argv[1] not in BENCHMARKS:
    sys.exit(f"bench: there are {', '.join(BENCHMARKS)}")
for name in sys.argv[1:2] or BENCHMARKS:
    sys.argv = [f"bench.{name}", *sys.argv[2:]]
    runpy.run_module(f"bench.{name}", run_name="__main__", alter_sys=True)
