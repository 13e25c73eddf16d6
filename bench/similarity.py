"""The similarity engine: full runs and updates.

    ./just bench similarity [--users N …] [--edits N] [--threads N]

Each size is measured in its own process: a full run, then an update after some people have changed
their skills, and the peak memory. Each person has 3 to 12 of 129 skills, drawn evenly. This is the
worst case: the engine gains from equal people and from rare skills. All people have published.

The lower bound is memory bandwidth: for each person, all skills (24 bytes a person) are read once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sidepro.adapters.similarity.engine import similarities
from sidepro.domain.recommendations.packed import (
    ID_SIZE,
    Population,
    Similarities,
)

SKILLS = 129
FEWEST, MOST, MEAN = 3, 12, 7.4
WORD_BITS = 192
AT_ONCE = 50_000
SIZES = (10_000, 100_000)
COPIED = 1 << 28
"""Bytes that are copied to measure the memory's speed."""


def draw_skills(random: np.random.Generator, number: int) -> npt.NDArray[np.uint8]:
    """The skills of `number` people, as bits. Shape: (number, bytes)."""
    parts = []
    for start in range(0, number, AT_ONCE):
        many = min(AT_ONCE, number - start)
        counts = np.clip(np.round(random.normal(MEAN, 2.3, many)), FEWEST, MOST)
        drawn = np.argsort(random.random((many, SKILLS), np.float32), axis=1)[:, :MOST]
        flags = np.zeros((many, WORD_BITS), np.uint8)
        person, nth = np.nonzero(np.arange(MOST) < counts[:, None])
        flags[person, drawn[person, nth]] = 1
        parts.append(np.packbits(flags, axis=1, bitorder="little"))
    return np.concatenate(parts)


def draw_population(random: np.random.Generator, number: int) -> Population:
    ids = np.zeros((number, ID_SIZE), np.uint8)
    ids[:, :8] = np.arange(number, dtype=">u8").view(np.uint8).reshape(-1, 8)
    return Population(
        names=tuple(f"skill {skill}" for skill in range(SKILLS)),
        ids=ids.tobytes(),
        skills=draw_skills(random, number).tobytes(),
        published=bytes([1]) * number,
    )


def edited(random: np.random.Generator, population: Population, edits: int) -> Population:
    """The same people, `edits` of them with other skills."""
    skills = np.frombuffer(population.skills, np.uint8).reshape(len(population), -1).copy()
    skills[random.choice(len(population), edits, replace=False)] = draw_skills(random, edits)
    return replace(population, skills=skills.tobytes())


def timed(
    population: Population, before: Similarities | None, threads: int
) -> tuple[Similarities, float, float]:
    """The result, and the seconds of wall time and of CPU time."""
    clock, processor = time.perf_counter(), time.process_time()
    found = similarities(population, before, lambda *_: None, threads).similarities
    return found, time.perf_counter() - clock, time.process_time() - processor


def peak_memory() -> float:
    """The peak resident memory of this process in MiB (Linux only)."""
    status = Path("/proc/self/status").read_text("ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def memory_speed() -> float:
    """Bytes read per second when an array is copied."""
    one, other = np.ones(COPIED, np.uint8), np.empty(COPIED, np.uint8)
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        np.copyto(other, one)
        best = max(best, COPIED / (time.perf_counter() - started))
    return best


def measure(users: int, edits: int, threads: int) -> None:
    """Measure one size and print JSON for the parent process."""
    random = np.random.default_rng(1)
    population = draw_population(random, users)
    found, seconds, processor = timed(population, None, threads)
    full = {"seconds": seconds, "processor": processor, "memory": peak_memory()}
    population = edited(random, population, min(edits, users))
    found, seconds, processor = timed(population, found, threads)
    update = {"seconds": seconds, "processor": processor, "memory": peak_memory()}
    print(json.dumps({"full": full, "update": update}))


def report(users: int, edits: int, threads: int, speed: float) -> None:
    """Print the rows of one size. `speed` is the memory's, in bytes per second."""
    command = [sys.executable, "-m", "bench.similarity", "--alone", "--users", str(users)]
    command += ["--edits", str(edits), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found = json.loads(done.stdout)
    limits = {
        "full": users * users * 24 / speed,
        "update": edits * users * 24 / speed,
    }
    for kind, work in (("full", "full run"), ("update", f"update after {edits:,} edits")):
        row = found[kind]
        print(
            f"| {users:,} people, {work} | {row['seconds']:.2f} | {row['processor']:.2f} "
            f"| {row['memory']:,.0f} | {row['seconds'] / limits[kind]:.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="./just bench similarity", description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=SIZES, metavar="N")
    parser.add_argument("--edits", type=int, default=1_000, metavar="N")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone:
        measure(chosen.users[0], chosen.edits, chosen.threads)
        return
    print("| work | seconds | processor, s | peak, MiB | × the limit |")
    print("|---|---|---|---|---|")
    speed = memory_speed()
    for users in chosen.users:
        report(users, chosen.edits, chosen.threads, speed)


if __name__ == "__main__":
    main()
