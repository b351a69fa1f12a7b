"""What all checks share: clients of the simulator, and how a refusal is compared."""

import functools
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1] if len(sys.argv) > 1 else ""
ACCOUNT = "210987654321"

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "anthropic.claude-sonnet-4-6"
NOVA_LITE = "amazon.nova-lite-v1:0"
NOVA_MICRO = "amazon.nova-micro-v1:0"
NOVA_PRO = "amazon.nova-pro-v1:0"

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


@functools.cache  # Building a client reads megabytes of service description.
def client(service, region="us-east-1", **settings):
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=ENDPOINT,
        aws_access_key_id="AKIDWIRE",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}, **settings),
    )


def say(text):
    return [{"role": "user", "content": [{"text": text}]}]


def refused(call, code, status, message=None, part=None):
    try:
        call()
    except ClientError as error:
        got = error.response["Error"]
        assert got["Code"] == code, got
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status, error.response
        if message is not None:
            assert got["Message"] == message, got
        if part is not None:
            assert part in got["Message"], got
        assert error.response["ResponseMetadata"]["RequestId"], error.response
        return error
    raise AssertionError(f"{code} was expected")
