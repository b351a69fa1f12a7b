"""Drives a running simulator with boto3, the client that shares no code with ours.

usage: boto3_wire.py ENDPOINT

Runs every check and prints one JSON line for each: {"check": name, "error": null or a traceback}. The scenario that the
simulator must run is in wire.rs.
"""

import json
import traceback

import account  # noqa: F401 - each registers its checks
import batch  # noqa: F401
import by_hand  # noqa: F401
import cloudwatch  # noqa: F401
import cloudwatch_edges  # noqa: F401
import inference  # noqa: F401
import provisioned  # noqa: F401
import quota_requests  # noqa: F401
import refusals  # noqa: F401
import s3  # noqa: F401
from shared import CHECKS


def main():
    for function in CHECKS:
        error = None
        try:
            function()
        except Exception:  # noqa: BLE001 - every failure is reported
            error = traceback.format_exc()
        print(json.dumps({"check": function.__name__, "error": error}), flush=True)


main()
