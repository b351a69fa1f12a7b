#!/usr/bin/env python3
"""Writes sdk_adaptive_vectors.json: what botocore's own client rate limiter does, step by step.

    python3 -m venv venv && venv/bin/pip install botocore==1.44.5
    venv/bin/python tests/bench/sdk_adaptive_vectors.py

Each script is a client with a seeded random load before a small made-up server, on a fake clock that counts whole
microseconds. The limiter is assembled of botocore's classes, as its `register_retry_handler` does, and asked and told
only through its two hooks. A send that would have to sleep is abandoned; the time that botocore would have slept is
written down.

A step: [time in microseconds, event, slept in seconds or null, measured rate, fill rate, capacity, tokens there,
enabled, rate calculated last]. Rates are per second. Events: "send" (slept is null: it went), "ok", "throttle" (429),
"capacity" (503).
"""

import heapq
import json
import math
import pathlib
import random
import types

import botocore
from botocore.retries import adaptive, bucket, standard, throttling


class FakeClock:
    """Stands still until it is set."""

    def __init__(self):
        self.us = 0

    def current_time(self):
        return self.us / 1e6


class WouldSleep(Exception):
    """A send found no token."""

    def __init__(self, seconds):
        super().__init__(seconds)
        self.seconds = seconds


class NoSleep:
    """In the place of the bucket's condition variable: says how long it was to wait."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def notify(self):
        pass

    def wait(self, seconds):
        raise WouldSleep(seconds)


class Watched(throttling.CubicCalculator):
    """Remembers what it calculated last."""

    calculated = None

    def success_received(self, timestamp):
        self.calculated = super().success_received(timestamp)
        return self.calculated

    def error_received(self, current_rate, timestamp):
        self.calculated = super().error_received(current_rate, timestamp)
        return self.calculated


def reply(status, code):
    """What the needs-retry event carries."""
    parsed = {} if code is None else {"Error": {"Code": code}}
    return {
        "response": (types.SimpleNamespace(status_code=status, headers={}), parsed),
        "operation": None,
        "attempts": 1,
        "caught_exception": None,
        "request_dict": {"context": {}},
    }


REPLIES = {
    "ok": reply(200, None),
    "throttle": reply(429, "ThrottlingException"),
    "capacity": reply(503, "ServiceUnavailableException"),
}


class Client:
    """The limiter, and the steps that it was taken through."""

    def __init__(self):
        self.clock = FakeClock()
        self.cubic = Watched(starting_max_rate=0, start_time=self.clock.current_time())
        self.bucket = bucket.TokenBucket(max_rate=1, clock=self.clock)
        self.bucket._new_fill_rate_condition = NoSleep()
        self.rate = adaptive.RateClocker(self.clock)
        self.limiter = adaptive.ClientRateLimiter(
            rate_adjustor=self.cubic,
            rate_clocker=self.rate,
            token_bucket=self.bucket,
            throttling_detector=standard.ThrottlingErrorDetector(standard.RetryEventAdapter()),
            clock=self.clock,
        )
        self.steps = []

    def step(self, us, event):
        """One event; the seconds of sleep if it was a send that had to wait."""
        self.clock.us = us
        slept = None
        if event == "send":
            try:
                self.limiter.on_sending_request(request=None)
            except WouldSleep as would:
                slept = would.seconds
        else:
            self.limiter.on_receiving_response(**REPLIES[event])
        self.steps.append(
            [
                us,
                event,
                slept,
                self.rate.measured_rate,
                self.bucket.max_rate,
                self.bucket.max_capacity,
                self.bucket.available_capacity,
                self.limiter._enabled,
                self.cubic.calculated,
            ]
        )
        return slept


def play(seed, steps, offered, served, workers, latency=1.0, outage=lambda t: False):
    """`offered` and `served` give requests per second at a time; the server is a bucket of two seconds' worth."""
    rng = random.Random(seed)
    client = Client()
    level, refilled = 2 * served(0.0), 0
    coming, busy, serial = [], 0, 0
    send_at = 0
    while len(client.steps) < steps:
        if coming and (coming[0][0] <= send_at or busy >= workers):
            us, _, event = heapq.heappop(coming)
            client.step(us, event)
            busy -= 1
            # Somebody who waits may be woken by the change: mostly too early.
            if rng.random() < 0.2 and send_at > us and offered(us / 1e6) > 0:
                send_at = us + rng.randint(1, 40)
            send_at = max(send_at, us)
            continue
        us = send_at
        seconds = us / 1e6
        if offered(seconds) <= 0:
            send_at += 250_000
            continue
        slept = client.step(us, "send")
        if slept is not None:
            # A few microseconds more than needed: no step hangs on the last bit of a sum.
            send_at = us + math.ceil(slept * 1e6) + rng.randint(2, 9)
            continue
        level = min(2 * served(seconds), level + (us - refilled) / 1e6 * served(seconds))
        refilled = us
        if outage(seconds):
            event, delay = "capacity", rng.uniform(0.05, 0.3)
        elif level >= 1:
            level -= 1
            event, delay = "ok", rng.lognormvariate(math.log(latency), 0.5)
        else:
            event, delay = "throttle", rng.uniform(0.05, 0.3)
        serial += 1
        busy += 1
        heapq.heappush(coming, (us + math.ceil(delay * 1e6), serial, event))
        send_at = us + math.ceil(rng.expovariate(offered(seconds)) * 1e6)
    return client.steps


def together(seed, rounds):
    """Replies that come at the same moment, many at once, throttled all or in part; then silence of random length."""
    rng = random.Random(seed)
    client = Client()
    us = 0
    for _ in range(rounds):
        us += rng.choice([1, 300_000, 500_000, 2_000_000, 9_000_000]) + rng.randint(0, 400_000)
        bad = rng.choice([0.0, 0.0, 0.3, 1.0])
        for _ in range(rng.randint(1, 12)):
            client.step(us, "throttle" if rng.random() < bad else "ok")
        for _ in range(rng.randint(0, 3)):
            us += rng.randint(0, 200_000)
            client.step(us, "send")
    return client.steps


def scripts():
    return {
        "steady throttling": play(1, 400, lambda t: 40.0, lambda t: 8.0, 30),
        "recovery": play(2, 400, lambda t: 40.0, lambda t: 3.0 if t < 20 else 24.0, 30),
        "idle gaps": play(3, 350, lambda t: 12.0 if t % 20 < 6 else 0.0, lambda t: 5.0, 20),
        "below the floor": play(4, 300, lambda t: 5.0, lambda t: 0.2, 10, latency=4.0),
        "outage": play(5, 300, lambda t: 15.0, lambda t: 9.0, 20, outage=lambda t: 4 <= t < 8),
        "bursts": together(6, 50),
    }


def main():
    path = pathlib.Path(__file__).with_suffix(".json")
    rows = []
    for name, steps in scripts().items():
        lines = ",\n".join(json.dumps(step, separators=(",", ":")) for step in steps)
        rows.append(f"{json.dumps(name)}:[\n{lines}\n]")
    text = f'{{"botocore":{json.dumps(botocore.__version__)},\n"scripts":{{\n' + ",\n".join(rows) + "\n}}\n"
    json.loads(text)
    path.write_text(text)


if __name__ == "__main__":
    main()
