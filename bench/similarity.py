"""The similarity job: everybody anew, and what changed since the last time.

    ./just bench similarity [--users N …] [--edits N] [--threads N]

Each size is measured in a process of its own: a full run, then a tick after so many people have
learned other skills, and the most memory that was used. Skills are drawn as the quality list says,
3 to 12 of the 129 for each person, and evenly: the worst there can be for the engine, which gains
by people who are alike and by skills that are rare. Everybody has published something.

The limit is the machine's memory: the skills of everybody (24 bytes) read once for each person.
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
"""Bytes, to see how fast memory is read and written."""


def draw_skills(random: np.random.Generator, number: int) -> npt.NDArray[np.uint8]:
    """The skills of so many people, as a population has them."""
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
    """The same people, so many of whom have other skills."""
    skills = np.frombuffer(population.skills, np.uint8).reshape(len(population), -1).copy()
    skills[random.choice(len(population), edits, replace=False)] = draw_skills(random, edits)
    return replace(population, skills=skills.tobytes())


def timed(
    population: Population, before: Similarities | None, threads: int
) -> tuple[Similarities, float, float]:
    """What is found, and the seconds that it took: of the clock, and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    found = similarities(population, before, lambda *_: None, threads).similarities
    return found, time.perf_counter() - clock, time.process_time() - processor


def peak_memory() -> float:
    """MiB that this process has had in memory at the most (Linux alone)."""
    status = Path("/proc/self/status").read_text("ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def memory_speed() -> float:
    """Bytes a second that are read when one array is copied into another."""
    one, other = np.ones(COPIED, np.uint8), np.empty(COPIED, np.uint8)
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        np.copyto(other, one)
        best = max(best, COPIED / (time.perf_counter() - started))
    return best


def measure(users: int, edits: int, threads: int) -> None:
    """Prints what one size takes, for the process that asked."""
    random = np.random.default_rng(1)
    population = draw_population(random, users)
    found, seconds, processor = timed(population, None, threads)
    full = {"seconds": seconds, "processor": processor, "memory": peak_memory()}
    population = edited(random, population, min(edits, users))
    found, seconds, processor = timed(population, found, threads)
    tick = {"seconds": seconds, "processor": processor, "memory": peak_memory()}
    print(json.dumps({"full": full, "tick": tick}))


def report(users: int, edits: int, threads: int, speed: float) -> None:
    """Prints the rows of one size; memory is read with that `speed`."""
    command = [sys.executable, "-m", "bench.similarity", "--alone", "--users", str(users)]
    command += ["--edits", str(edits), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found = json.loads(done.stdout)
    limits = {
        "full": users * users * 24 / speed,
        "tick": edits * users * 24 / speed,
    }
    for kind, work in (("full", "full run"), ("tick", f"tick after {edits:,} edits")):
        row = found[kind]
        print(
            f"| {users:,} people, {work} | {row['seconds']:.2f} | {row['processor']:.2f} "
            f"| {row['memory']:,.0f} | {row['seconds'] / limits[kind]:.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench similarity", description=__doc__)
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
