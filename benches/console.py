#!/usr/bin/env python3
"""What the console costs a terminal, a link and a machine: measured at the other end of a pseudo-terminal.

    python3 benches/console.py target/release/bedrock-top [--peer btop --peer 'btm -r 250' ...] [--only P1,P3]

Each figure is printed as a row of a Markdown table: id, what, goal, ours, and the same for each peer where the same can be asked of it.
The ids are those of the list of figures in README. Nothing is asserted. Python's standard library, Linux."""

import argparse
import fcntl
import json
import os
import pty
import re
import select
import shlex
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

TICK = os.sysconf("SC_CLK_TCK")
BEGIN, END = b"\x1b[?2026h", b"\x1b[?2026l"


def winsize(columns, rows):
    return struct.pack("HHHH", rows, columns, 0, 0)


class Terminal:
    """A program on a pseudo-terminal of its own, and everything that it wrote with the time of each piece."""

    def __init__(self, command, columns=120, rows=40, environment=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, winsize(columns, rows))
        self.modes = termios.tcgetattr(slave)
        self.slave = os.dup(slave)
        home = tempfile.mkdtemp(prefix="console-figures-")
        base = {"PATH": os.environ["PATH"], "HOME": home, "TERM": "xterm-256color", "COLORTERM": "truecolor",
                "LANG": "C.UTF-8", "XDG_CONFIG_HOME": home + "/config", "XDG_STATE_HOME": home + "/state"}
        base.update(environment or {})
        self.pieces = []
        self.began = time.monotonic()
        self.child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=base, close_fds=True,
                                      start_new_session=True,
                                      preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def read(self, seconds, until=None):
        """Takes what comes for so long, or until `until` holds of everything since the call."""
        end = time.monotonic() + seconds
        since = len(self.pieces)
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.master], [], [], min(left, 0.2))[0]:
                if self.child.poll() is not None:
                    return False
                continue
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:
                return False
            self.pieces.append((time.monotonic(), data))
            if until and until(b"".join(d for _, d in self.pieces[since:])):
                return True
        return until is None

    def bytes(self, since=0):
        return sum(len(data) for _, data in self.pieces[since:])

    def text(self, since=0):
        return b"".join(data for _, data in self.pieces[since:])

    def send(self, keys):
        os.write(self.master, keys)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, winsize(columns, rows))

    def cpu(self):
        """Seconds of CPU of the process so far."""
        with open(f"/proc/{self.child.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident(self):
        with open(f"/proc/{self.child.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024

    def wait(self, seconds):
        """Reads on until the program has ended; how long that took, or None."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            self.read(0.01)
            if self.child.poll() is not None:
                return time.monotonic() - began
        return None

    def sane(self):
        """Whether the terminal is as it was: line discipline, main screen, cursor."""
        same = termios.tcgetattr(self.slave)[:4] == self.modes[:4]
        text = self.text()
        out = text.rfind(b"\x1b[?1049l") > text.rfind(b"\x1b[?1049h")
        cursor = text.rfind(b"\x1b[?25h") >= text.rfind(b"\x1b[?25l")
        return same and out and cursor

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        for end in (self.master, self.slave):
            try:
                os.close(end)
            except OSError:
                pass


def frames(text):
    """The bytes of each whole frame."""
    return [len(BEGIN) + len(part.split(END)[0]) + len(END) for part in text.split(BEGIN)[1:] if END in part]


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


class Ours:
    """The console on its own simulator."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.scenario = os.path.join(folder, "fast.toml")
        with open(self.scenario, "w") as file:
            file.write('seed = 7\noutput_tokens = 20\n[[region]]\nname = "us-east-1"\nttft_ms = 20\ntokens_per_second = 2000\n'
                       '[[quota]]\nregion = "us-east-1"\nmodel = "anthropic.claude-3-haiku-20240307-v1:0"\n'
                       'rpm = 30000\ntpm = 400000000\nburst_seconds = 1\n')

    def console(self, *more, columns=120, rows=40, scenario=False):
        extra = ["--scenario", self.scenario] if scenario else []
        terminal = Terminal([self.binary, *extra, *more], columns, rows)
        terminal.read(10, until=lambda text: END in text)
        return terminal

    def loaded(self, *more, columns=120, rows=40):
        """A console with some 420 arrivals a second: just below the quota, so that no queue grows."""
        terminal = self.console(*more, columns=columns, rows=rows, scenario=True)
        for _ in range(24):
            terminal.send(b"+")
            terminal.read(0.1)
        terminal.read(15)
        return terminal


def over(terminal, seconds):
    """Bytes a second, share of a core, and frames over a while."""
    piece, cpu = len(terminal.pieces), terminal.cpu()
    terminal.read(seconds)
    text = terminal.text(piece)
    return {"bytes": len(text) / seconds, "cpu": (terminal.cpu() - cpu) / seconds, "frames": frames(text)}


def by_frame(terminal, seconds):
    """The CPU of the first thread, which draws, between the ends of frames, in milliseconds, and its writes for each frame.

    What that thread does for news between two frames is counted to the later one."""
    task = f"/proc/{terminal.child.pid}/task/{terminal.child.pid}"

    def spent():
        with open(f"{task}/schedstat") as file:
            return int(file.read().split()[0]) / 1e6

    def writes():
        with open(f"{task}/io") as file:
            return int(re.search(r"syscw: (\d+)", file.read()).group(1))

    piece, wrote, first = len(terminal.pieces), writes(), spent()
    cpu, last, end = [], first, time.monotonic() + seconds
    while time.monotonic() < end:
        if terminal.read(1, until=lambda text: text.endswith(END)):
            now = spent()
            cpu.append(now - last)
            last = now
    count = max(1, len(frames(terminal.text(piece))))
    return {"cpu": cpu, "share": (last - first) / 1000 / seconds, "writes": (writes() - wrote) / count, "frames": count}


def key_to_byte(terminal, there, back, sign, times=60):
    """From writing a key to the first piece with what it shows; milliseconds."""
    found = []
    for _ in range(times):
        terminal.read(0.037)
        began = time.monotonic()
        terminal.send(there)
        if terminal.read(2, until=lambda text: sign in text):
            found.append((terminal.pieces[-1][0] - began) * 1000)
        terminal.send(back)
        terminal.read(0.15)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("--peer", action="append", default=[], help="another terminal program, with its options")
    parser.add_argument("--only", default="", help="ids, separated by commas")
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    only = {word for word in arguments.only.split(",") if word}
    peers = [shlex.split(peer) for peer in arguments.peer]
    folder = tempfile.mkdtemp(prefix="console-figures-")
    ours = Ours(os.path.abspath(arguments.binary), folder)
    seconds = arguments.seconds
    rows = []

    def wanted(*ids):
        return not only or any(one in only for one in ids)

    def row(name, what, goal, mine, others=()):
        rows.append((name, what, goal, mine, list(others) + ["-"] * (len(peers) - len(others))))
        print(f"{name}: {what}: {mine} (goal {goal}) {list(others)}", file=sys.stderr, flush=True)

    def of_peers(measure):
        """The same of each peer, three seconds after its start."""
        found = []
        for peer in peers:
            terminal = Terminal(peer)
            terminal.read(3)
            try:
                found.append(measure(terminal))
            finally:
                terminal.close()
        return found

    if wanted("P1", "P3"):
        terminal = ours.console()
        terminal.read(2)
        terminal.send(b"S")
        terminal.read(75)  # until the last minute's windows have run empty
        idle = over(terminal, seconds)
        terminal.close()
        others = of_peers(lambda terminal: over(terminal, seconds))
        row("P1", "CPU, no load, share of a core", "<= 0.5 %", f"{idle['cpu']:.2%}", [f"{o['cpu']:.2%}" for o in others])
        row("P3", "bytes a second, no load", "<= 200", f"{idle['bytes']:.0f}", [f"{o['bytes']:.0f}" for o in others])
        terminal = ours.console()
        terminal.read(20)
        terminal.send(b"p")
        terminal.read(10)
        paused = over(terminal, seconds)
        terminal.close()
        row("P3", "bytes a second, paused 10 s ago", "<= 200", f"{paused['bytes']:.0f}")
    if wanted("P2", "P4", "P5", "P7", "P8"):
        terminal = ours.loaded()
        busy = over(terminal, seconds)
        each = by_frame(terminal, seconds)
        terminal.close()
        row("P2", "CPU of the console's thread, 420/s, 120x40", "<= 3 %", f"{each['share']:.2%}")
        row("P4", "bytes of a frame under load, p50 / p95", "<= 1,536 / 4,096",
            f"{percentile(busy['frames'], .5)} / {percentile(busy['frames'], .95)}")
        row("P5", "bytes a second under load", "<= 10,240", f"{busy['bytes']:.0f}",
            [f"{o['bytes']:.0f}" for o in of_peers(lambda terminal: over(terminal, seconds))])
        row("P7", "writes of the console's thread for a frame", "1", f"{each['writes']:.2f}")
        row("P8", "CPU of the console's thread for a frame, p50 / p99", "p99 <= 3 ms",
            f"{percentile(each['cpu'], .5):.2f} / {percentile(each['cpu'], .99):.2f} ms (n {len(each['cpu'])})")
        terminal = ours.loaded("--slow-link")
        slow = over(terminal, seconds)
        terminal.close()
        row("P5", "the same with --slow-link", "<= 2,048", f"{slow['bytes']:.0f}")
    if wanted("P6"):
        for columns, lines, goal in ((120, 40, "<= 24 KiB"), (200, 60, "<= 60 KiB")):
            terminal = ours.console(columns=columns, rows=lines)
            terminal.read(8)
            piece = len(terminal.pieces)
            terminal.send(b"\x0c")
            terminal.read(1)
            largest = max(frames(terminal.text(piece)), default=0)
            terminal.close()
            row("P6", f"full repaint {columns}x{lines}", goal, f"{largest / 1024:.1f} KiB, one frame")
    if wanted("P9"):
        terminal = ours.loaded()
        mine = key_to_byte(terminal, b"?", b"\x1b", b"Screens")
        terminal.close()
        row("P9", "key to byte under load, p50 / p99", "8 / 30 ms",
            f"{percentile(mine, .5):.1f} / {percentile(mine, .99):.1f} ms (n {len(mine)})")
    if wanted("P10"):
        terminal = ours.console()
        terminal.read(3)
        terminal.send(b"2")
        terminal.read(1)
        piece = len(terminal.pieces)
        terminal.send(b"jk" * 250)
        terminal.read(1)
        row("P10", "500 keys at once: frames in the next second", "<= 10 more than without",
            f"{len(frames(terminal.text(piece)))}")
        terminal.close()
    if wanted("P11"):
        def first(command):
            terminal = Terminal(command)
            terminal.read(10, until=lambda text: len(text) > 1000 or END in text)
            at = (terminal.pieces[-1][0] - terminal.began) * 1000 if terminal.pieces else float("nan")
            terminal.close()
            return at
        row("P11", "start to first frame, median of 11", "<= 100 ms",
            f"{statistics.median(first([ours.binary]) for _ in range(11)):.0f} ms",
            [f"{statistics.median(first(peer) for _ in range(5)):.0f} ms" for peer in peers])
    if wanted("P12"):
        terminal = ours.loaded()
        start = terminal.resident()
        for _ in range(10):
            terminal.read(seconds)
        end = terminal.resident()
        terminal.close()
        minutes = 10 * seconds / 60
        row("P12", f"resident memory under load after {minutes + 0.3:.0f} min", "<= 80 MiB after 1 h, slope <= 1 MiB/h",
            f"{end:.0f} MiB ({(end - start) / minutes:+.2f} MiB a minute)",
            [f"{o:.0f} MiB" for o in of_peers(lambda terminal: terminal.resident())])
    if wanted("P13"):
        def leaves(how):
            terminal = ours.console()
            terminal.send(b"S")
            terminal.read(6)
            if isinstance(how, bytes):
                terminal.send(how)
            else:
                os.kill(terminal.child.pid, how)
            took, sane = terminal.wait(15), terminal.sane()
            terminal.close()
            return "never" if took is None else f"{took * 1000:.0f} ms{'' if sane else ', terminal NOT sane'}"
        def left(how):
            def measure(terminal):
                os.kill(terminal.child.pid, how)
                took, sane = terminal.wait(5), terminal.sane()
                return "never" if took is None else f"{took * 1000:.0f} ms{'' if sane else ', terminal NOT sane'}"
            return measure
        row("P13", "exit without work in flight: q", "<= 300 ms, sane", leaves(b"q"))
        row("P13", "SIGTERM", "<= 300 ms, sane", leaves(signal.SIGTERM), of_peers(left(signal.SIGTERM)))
        row("P13", "SIGINT", "<= 300 ms, sane", leaves(signal.SIGINT), of_peers(left(signal.SIGINT)))
    if wanted("P14"):
        def gone(terminal):
            cpu = terminal.cpu()
            os.close(terminal.slave)
            os.close(terminal.master)
            began = time.monotonic()
            most = 0.0
            while terminal.child.poll() is None and time.monotonic() - began < 10:
                try:
                    now = terminal.cpu()
                except OSError:
                    break
                time.sleep(0.1)
                most, cpu = max(most, (now - cpu) / 0.1), now
            return "never in 10 s" + f", {most:.0%} of a core" if terminal.child.poll() is None else \
                f"{(time.monotonic() - began) * 1000:.0f} ms, {most:.0%} of a core"
        def of_ours(keys):
            terminal = ours.console()
            terminal.send(keys)
            terminal.read(30)  # what was in flight is over
            said = gone(terminal)
            terminal.close()
            return said
        row("P14", "terminal gone, idle", "<= 2 s, <= 20 %", of_ours(b"S"), of_peers(gone))
        row("P14", "terminal gone, paused", "<= 2 s, <= 20 %", of_ours(b"p"))
    if wanted("P15", "P17"):
        sends = {}
        lines = os.path.join(folder, "in.jsonl")
        with open(lines, "w") as file:
            for number in range(60_000):
                file.write(json.dumps({"recordId": f"r{number}", "prompt": "one two three four five", "max_tokens": 20}) + "\n")
        def run(tui, stall):
            out = os.path.join(folder, f"out-{tui}-{stall}-{time.monotonic_ns()}.jsonl")
            command = [ours.binary, "run", lines, "-o", out, "--scenario", ours.scenario, "--target", "sim"]
            command += ["--model", "anthropic.claude-3-haiku-20240307-v1:0"] + (["--tui"] if tui else [])
            if tui:
                terminal = Terminal(command)
                terminal.read(20)
            else:
                terminal = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(20)
            def done():
                with open(out, "rb") as file:
                    return sum(1 for _ in file)
            began, first = time.monotonic(), done()
            if tui and not stall:
                terminal.read(seconds)
            else:
                time.sleep(seconds)
            rate = (done() - first) / (time.monotonic() - began)
            if tui:
                terminal.close()
            else:
                terminal.kill()
                terminal.wait()
            return rate
        for what, tui, stall in (("headless", False, False), ("console", True, False), ("stalled", True, True)):
            sends[what] = statistics.median(run(tui, stall) for _ in range(3))
        row("P17", "records a second, console / headless (limiter-paced 500/s)", "within 1 %",
            f"{sends['console']:.1f} / {sends['headless']:.1f} = {sends['console'] / sends['headless']:.4f}")
        row("P15", "records a second, terminal that stops reading / headless", "within 1 %",
            f"{sends['stalled']:.1f} / {sends['headless']:.1f} = {sends['stalled'] / sends['headless']:.4f}")
    if wanted("P16"):
        terminal = ours.console()
        for number in range(500):
            columns, lines = ((1, 1), (300, 100), (60, 15), (80, 24), (200, 60))[number % 5]
            terminal.resize(columns, lines)
            terminal.read(0.01)
        terminal.resize(120, 40)
        terminal.read(3)
        terminal.send(b"\x0c")
        piece = len(terminal.pieces)
        terminal.read(1)
        alive = terminal.child.poll() is None
        whole = b"SIM" in terminal.text(piece)
        terminal.close()
        row("P16", "500 changes of size in 5 s, 1x1 and 300x100 among them", "alive, last frame right",
            "alive, last frame right" if alive and whole else "NO")
    heads = ["id", "what", "goal", "ours"] + [peer[0].rsplit("/", 1)[-1] for peer in peers]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for name, what, goal, mine, others in rows:
        print("| " + " | ".join([name, what, goal, mine, *others]) + " |")


if __name__ == "__main__":
    main()
