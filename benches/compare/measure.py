"""Whole programs, timed by what the system says of them."""

import os
import socket
import statistics
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Measured:
    """One run: seconds by the clock, seconds of all cores, and the most memory held at once."""

    seconds: float
    cpu: float
    peak_mib: float


class Failed(Exception):
    """A program that did not do what it was started for; a figure from it would mean nothing."""


def run(command, cwd=None, env=None, codes=(0,), stdin=None):
    """Runs a program to its end. CPU time includes its children's, memory is its own."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    # Read to the end, so that a chatty program is not held up.
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode not in codes:
        raise Failed(f"{command[0]} ended with {process.returncode}: {said.decode()[-2000:]}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def medians(rounds, **programs):
    """Runs programs in turn, some rounds, and gives the median of each of their figures."""
    runs = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            runs[name].append(program())
    return {name: middle(measured) for name, measured in runs.items()}


def middle(measured):
    return Measured(
        statistics.median(one.seconds for one in measured),
        statistics.median(one.cpu for one in measured),
        statistics.median(one.peak_mib for one in measured),
    )


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextmanager
def server(command, port):
    """A server on loopback for the time of a block."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port)
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(port, patience=10):
    begun = time.perf_counter()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.perf_counter() - begun > patience:
                raise Failed(f"nothing listens on port {port}") from None
            time.sleep(0.02)
