"""Measures postroom beside other programs and prints the ratios.

    cargo build --release
    python3 benches/compare                 # everything, about twenty minutes
    python3 benches/compare smtp resume     # some of it
    python3 benches/compare proofs --earlier OLDER/target/release/postroom
    python3 benches/compare --list

Reports have one page with the name of their school and a picture, and the proof is on, as it is by
default; "check" says what it costs. With --earlier the reading of PDFs is measured beside another build.

Other programs are used where they are found: Postfix's smtp-sink and smtp-source, strace, node with
npm (which fetches nodemailer) and Python's venv (which fetches mailmerge and reportlab). What is
fetched and made lies in target/compare. Leave the machine alone meanwhile.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import check
import clock
import many
import outbox
import smtp
from measure import Measured

FIGURES = {
    "smtp": smtp.figures,
    "check": check.figures,
    "proofs": check.proofs,
    "outbox": outbox.figures,
    "memory": many.memory,
    "resume": many.resume,
    "start": check.starts,
    "pacing": clock.pacing,
}


class Bench:
    """Where things are, and how figures are printed."""

    def __init__(self, arguments):
        self.here = Path(__file__).resolve().parent
        self.peers = self.here / "peers"
        self.program = str(arguments.program.resolve())
        self.earlier = arguments.earlier and str(arguments.earlier.resolve())
        self.rounds = arguments.rounds
        self.scale = arguments.scale
        self.work = arguments.work.resolve()
        self.data = self.work / f"data-{self.scale}"
        self.data.mkdir(parents=True, exist_ok=True)
        self.python = sys.executable
        self.missed = []

    def scaled(self, count):
        return max(100, count // self.scale)

    def ratio(self, value, at_least=None, at_most=None, unit=""):
        """A figure with the one it has to reach."""
        holds = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
        bound = f"at least {at_least:g}" if at_least is not None else f"at most {at_most:.3g}"
        self.missed += [] if holds else [bound]
        text = f"{value:.2f}" if isinstance(value, float) else f"{value}"
        return f"{text} {unit}".strip() + f" ({bound}: {'yes' if holds else 'NO'})"

    def program_size(self):
        return os.path.getsize(self.program)

    def optional_tool(self, name):
        return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")

    def tool(self, name):
        return self.optional_tool(name) or sys.exit(f"{name} is needed (Debian: apt-get install postfix)")

    def sink(self, port):
        """A mail server that takes everything and keeps nothing."""
        # It serves nobody as root.
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        return [self.tool("smtp-sink"), *user, f"127.0.0.1:{port}", "1000"]

    def timed_inside(self, command):
        """A run that says itself how long what counts has taken."""
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return Measured(float(done.stdout), 0.0, 0.0)

    def node(self):
        """node with nodemailer beside the script that uses it; none where there is no npm."""
        node, npm = shutil.which("node"), shutil.which("npm")
        if not node or not npm:
            return None
        peers = self.work / "peers"
        if not (peers / "node_modules").exists():
            shutil.copytree(self.peers, peers, dirs_exist_ok=True)
            subprocess.run([npm, "ci", "--loglevel=error"], cwd=peers, check=True)
        self.peers = peers
        return node

    def python_with(self, package):
        """A Python that has a package from PyPI; none where that cannot be had."""
        name = package.split("=")[0]
        folder = self.work / f"python-{name}"
        python = folder / "bin" / "python"
        if not (folder / "made").exists():
            made = [[sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "-q", package]]
            if any(subprocess.run(command).returncode for command in made):
                return None
            (folder / "made").touch()
        return str(python)

    def mailmerge(self):
        python = self.python_with("mailmerge==2.3.0")
        return python and str(Path(python).parent / "mailmerge")


def main():
    parser = argparse.ArgumentParser(description="Measures postroom beside other programs.")
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("figures", nargs="*", help=f"some of {', '.join(FIGURES)}; all by default")
    parser.add_argument("--list", action="store_true", help="only name the figures")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program, in turn")
    parser.add_argument("--scale", type=int, default=1, help="divide large batches by this, to try the script")
    parser.add_argument("--program", type=Path, default=root / "target" / "release" / "postroom")
    parser.add_argument("--earlier", type=Path, help="an older postroom, beside which PDFs are read")
    parser.add_argument("--work", type=Path, default=root / "target" / "compare")
    arguments = parser.parse_args()
    if arguments.list:
        return print("\n".join(FIGURES))
    if unknown := set(arguments.figures) - set(FIGURES):
        parser.error(f"no figure {', '.join(sorted(unknown))}")
    bench = Bench(arguments)
    print(f"{platform.platform()}, {os.cpu_count()} cores, medians of {bench.rounds}")
    for name in arguments.figures or FIGURES:
        print(f"\n{name}", flush=True)
        for label, text in FIGURES[name](bench):
            print(f"  {label:<36} {text}", flush=True)
    if bench.missed:
        sys.exit(f"\n{len(bench.missed)} of the bounds are missed")


main()
