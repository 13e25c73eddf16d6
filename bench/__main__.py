"""Runs one benchmark with its options, or all of them."""

import runpy
import sys

BENCHMARKS = ("board", "chat", "log_in", "similarity", "views")
NAMES = (*BENCHMARKS, "compare")

if len(sys.argv) > 1 and sys.argv[1] not in NAMES:
    sys.exit(f"bench: choose one of {', '.join(NAMES)}")
for name in sys.argv[1:2] or BENCHMARKS:
    sys.argv = [f"bench.{name}", *sys.argv[2:]]
    runpy.run_module(f"bench.{name}", run_name="__main__", alter_sys=True)
