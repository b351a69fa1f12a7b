"""Drives a running simulator with boto3, the client that shares no code with ours.

usage: boto3_wire.py ENDPOINT

Runs every check and prints one JSON line for each: {"check": name, "error": null or a traceback}. The scenario that the
simulator must run is in wire.rs.
"""

import functools
import gzip
import http.client
import json
import sys
import threading
import traceback
import urllib.parse

import boto3
import botocore
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EventStreamError,
    HTTPClientError,
    ReadTimeoutError,
)
from urllib3.exceptions import ReadTimeoutError as StreamReadTimeoutError

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


@check
def converse():
    reply = client("bedrock-runtime").converse(
        modelId=HAIKU,
        system=[{"text": "Be brief."}],
        messages=say("What is on fire? " * 20),
        inferenceConfig={"maxTokens": 500, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
    )
    assert reply["output"]["message"]["role"] == "assistant", reply
    assert reply["output"]["message"]["content"][0]["text"], reply
    assert reply["stopReason"] == "end_turn", reply
    usage = reply["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"], usage
    assert usage["inputTokens"] > 50 and usage["outputTokens"] > 0, usage
    assert isinstance(reply["metrics"]["latencyMs"], int), reply
    headers = reply["ResponseMetadata"]["HTTPHeaders"]
    assert headers["date"].endswith("GMT"), headers
    assert headers["content-type"] == "application/json", headers
    assert headers["x-bedrock-top-sim"], headers
    assert len(reply["ResponseMetadata"]["RequestId"]) == 36, reply


@check
def converse_stops_at_max_tokens():
    reply = client("bedrock-runtime").converse(
        modelId=HAIKU, messages=say("Tell me everything."), inferenceConfig={"maxTokens": 2}
    )
    assert reply["stopReason"] == "max_tokens", reply
    assert reply["usage"]["outputTokens"] == 2, reply


@check
def converse_by_profile_and_arn():
    runtime = client("bedrock-runtime", "us-west-2")
    for model in (
        f"us.{SONNET}",
        f"global.{SONNET}",
        f"arn:aws:bedrock:us-west-2::foundation-model/{HAIKU}",
        f"arn:aws:bedrock:us-west-2:{ACCOUNT}:inference-profile/us.{SONNET}",
    ):
        reply = runtime.converse(modelId=model, messages=say("Hello."), inferenceConfig={"maxTokens": 50})
        assert reply["usage"]["outputTokens"] > 0, reply


@check
def converse_stream():
    reply = client("bedrock-runtime").converse_stream(
        modelId=HAIKU, messages=say("Tell me a story."), inferenceConfig={"maxTokens": 900}
    )
    events = list(reply["stream"])
    names = [next(iter(event)) for event in events]
    deltas = names.count("contentBlockDelta")
    assert names == (
        ["messageStart"] + ["contentBlockDelta"] * deltas + ["contentBlockStop", "messageStop", "metadata"]
    ), names
    assert deltas > 2, names
    assert events[0]["messageStart"] == {"role": "assistant"}, events[0]
    assert all(event["contentBlockDelta"]["delta"]["text"] for event in events[1 : 1 + deltas]), events
    assert events[-2]["messageStop"]["stopReason"] == "end_turn", events
    usage = events[-1]["metadata"]["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"], usage
    assert usage["outputTokens"] > deltas, "several tokens an event"
    assert isinstance(events[-1]["metadata"]["metrics"]["latencyMs"], int), events[-1]


BODIES = {
    "anthropic_messages": (
        HAIKU,
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 300,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
        },
        lambda reply: (
            reply["content"][0]["text"],
            reply["usage"]["input_tokens"],
            reply["usage"]["output_tokens"],
            reply["stop_reason"] == "end_turn",
        ),
    ),
    "nova": (
        NOVA_LITE,
        {
            "schemaVersion": "messages-v1",
            "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
            "inferenceConfig": {"maxTokens": 300},
        },
        lambda reply: (
            reply["output"]["message"]["content"][0]["text"],
            reply["usage"]["inputTokens"],
            reply["usage"]["outputTokens"],
            reply["stopReason"] == "end_turn",
        ),
    ),
    "llama": (
        "meta.llama3-8b-instruct-v1:0",
        {"prompt": "<|begin_of_text|>Hello", "max_gen_len": 300},
        lambda reply: (
            reply["generation"],
            reply["prompt_token_count"],
            reply["generation_token_count"],
            reply["stop_reason"] == "stop",
        ),
    ),
    "titan": (
        "amazon.titan-text-express-v1",
        {"inputText": "Hello", "textGenerationConfig": {"maxTokenCount": 300}},
        lambda reply: (
            reply["results"][0]["outputText"],
            reply["inputTextTokenCount"],
            reply["results"][0]["tokenCount"],
            reply["results"][0]["completionReason"] == "FINISH",
        ),
    ),
    "mistral_text": (
        "mistral.mistral-7b-instruct-v0:2",
        {"prompt": "<s>[INST] Hello [/INST]", "max_tokens": 300},
        lambda reply: (reply["outputs"][0]["text"], None, None, reply["outputs"][0]["stop_reason"] == "stop"),
    ),
    "mistral_chat": (
        "mistral.mistral-large-2407-v1:0",
        {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 300},
        lambda reply: (
            reply["choices"][0]["message"]["content"],
            None,
            None,
            reply["choices"][0]["stop_reason"] == "stop",
        ),
    ),
    "jamba": (
        "ai21.jamba-1-5-mini-v1:0",
        {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 300},
        lambda reply: (
            reply["choices"][0]["message"]["content"],
            reply["usage"]["prompt_tokens"],
            reply["usage"]["completion_tokens"],
            reply["choices"][0]["finish_reason"] == "stop",
        ),
    ),
    "openai": (
        "openai.gpt-oss-20b-1:0",
        {"messages": [{"role": "user", "content": "Hello"}], "max_completion_tokens": 300},
        lambda reply: (
            reply["choices"][0]["message"]["content"],
            reply["usage"]["prompt_tokens"],
            reply["usage"]["completion_tokens"],
            reply["choices"][0]["finish_reason"] == "stop",
        ),
    ),
    "anthropic_text": (
        "anthropic.claude-v2:1",
        {"prompt": "\n\nHuman: Hello\n\nAssistant:", "max_tokens_to_sample": 300},
        lambda reply: (reply["completion"], None, None, reply["stop_reason"] == "stop_sequence"),
    ),
}


def invoke_family(name):
    model, body, read = BODIES[name]

    def run():
        reply = client("bedrock-runtime").invoke_model(modelId=model, body=json.dumps(body))
        assert reply["contentType"] == "application/json", reply
        headers = reply["ResponseMetadata"]["HTTPHeaders"]
        told_in = int(headers["x-amzn-bedrock-input-token-count"])
        told_out = int(headers["x-amzn-bedrock-output-token-count"])
        assert int(headers["x-amzn-bedrock-invocation-latency"]) >= 0
        text, tokens_in, tokens_out, stopped = read(json.loads(reply["body"].read()))
        assert text and stopped, text
        assert tokens_in in (None, told_in) and tokens_out in (None, told_out), (tokens_in, told_in)

    run.__name__ = f"invoke_{name}"
    return run


def invoke_family_stream(name):
    model, body, _ = BODIES[name]

    def run():
        reply = client("bedrock-runtime").invoke_model_with_response_stream(modelId=model, body=json.dumps(body))
        assert reply["contentType"] == "application/json", reply
        chunks = [json.loads(event["chunk"]["bytes"]) for event in reply["body"]]
        assert len(chunks) > 3, chunks
        metrics = [chunk.get("amazon-bedrock-invocationMetrics") for chunk in chunks]
        assert metrics[-1] and not any(metrics[:-1]), metrics
        assert metrics[-1]["inputTokenCount"] > 0 and metrics[-1]["outputTokenCount"] > 0, metrics
        assert metrics[-1]["invocationLatency"] >= metrics[-1]["firstByteLatency"] >= 0, metrics

    run.__name__ = f"invoke_stream_{name}"
    return run


for family in BODIES:
    check(invoke_family(family))
    check(invoke_family_stream(family))


@check
def count_tokens_agrees_with_usage():
    runtime = client("bedrock-runtime")
    messages = say("How many tokens is this, 東京 included? " * 30)
    counted = runtime.count_tokens(modelId=SONNET, input={"converse": {"messages": messages}})["inputTokens"]
    used = runtime.converse(modelId=SONNET, messages=messages, inferenceConfig={"maxTokens": 5})["usage"]
    assert counted == used["inputTokens"], (counted, used)
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "How many?"}],
    }
    counted = runtime.count_tokens(modelId=SONNET, input={"invokeModel": {"body": json.dumps(body)}})["inputTokens"]
    used = runtime.invoke_model(modelId=SONNET, body=json.dumps(body))
    assert counted == json.loads(used["body"].read())["usage"]["input_tokens"], counted


@check
def count_tokens_is_refused_where_the_model_lacks_it():
    runtime = client("bedrock-runtime")
    for model in (NOVA_LITE, f"us.{SONNET}"):
        refused(
            lambda: runtime.count_tokens(modelId=model, input={"converse": {"messages": say("x")}}),
            "ValidationException",
            400,
            "The provided model doesn't support counting tokens.",
        )


@check
def throttled_by_requests():
    runtime = client("bedrock-runtime")
    ask = lambda: runtime.converse(modelId=NOVA_MICRO, messages=say("x"), inferenceConfig={"maxTokens": 5})
    ask()
    error = refused(ask, "ThrottlingException", 429, "Too many requests, please wait before trying again.")
    kind = error.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"]
    assert kind == "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/", kind


@check
def throttled_by_tokens():
    runtime = client("bedrock-runtime")
    # The quota of 3,000 tokens holds one reservation of 2,000 at a time; what was not generated comes back.
    ask = lambda tokens: runtime.converse(
        modelId=NOVA_PRO, messages=say("x"), inferenceConfig={"maxTokens": tokens}
    )
    ask(2000)
    ask(2000)
    message = "Too many tokens, please wait before trying again."
    refused(lambda: ask(3000), "ThrottlingException", 429, message)
    # Without a limit the model's maximum is reserved.
    refused(
        lambda: runtime.converse(modelId=NOVA_PRO, messages=say("x")), "ThrottlingException", 429, message
    )


@check
def throttled_by_the_day():
    runtime = client("bedrock-runtime")
    refused(
        lambda: runtime.converse(
            modelId=f"us.{NOVA_PRO}", messages=say("x"), inferenceConfig={"maxTokens": 600}
        ),
        "ThrottlingException",
        429,
        "Too many tokens per day, please wait before trying again.",
    )


@check
def validation():
    runtime = client("bedrock-runtime")
    ask = lambda model=HAIKU, text="x", **config: runtime.converse(
        modelId=model, messages=say(text), inferenceConfig=config
    )
    invalid = "The provided model identifier is invalid."
    refused(lambda: ask("anthropic.claude-9"), "ValidationException", 400, invalid)
    refused(lambda: ask(f"eu.{SONNET}"), "ValidationException", 400, invalid)
    needs = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    refused(
        lambda: ask(needs),
        "ValidationException",
        400,
        f"Invocation of model ID {needs} with on-demand throughput isn't supported. Retry your request with the ID "
        "or ARN of an inference profile that contains this model.",
    )
    refused(
        lambda: ask(maxTokens=4097),
        "ValidationException",
        400,
        "The maximum tokens you requested exceeds the model limit of 4096. "
        "Try again with a maximum tokens value lower than 4096.",
    )
    refused(
        lambda: ask(text="word and " * 120_000), "ValidationException", 400, "Input is too long for requested model."
    )
    refused(lambda: runtime.converse(modelId=HAIKU, messages=[]), "ValidationException", 400)
    refused(
        lambda: runtime.invoke_model(modelId=HAIKU, body=b"not json"),
        "ValidationException",
        400,
        part="Malformed input request:",
    )
    refused(
        lambda: runtime.converse(
            modelId=f"arn:aws:bedrock:us-east-1:{ACCOUNT}:provisioned-model/abcdefghijkl", messages=say("x")
        ),
        "ResourceNotFoundException",
        404,
    )


@check
def faults_that_answer():
    runtime = client("bedrock-runtime", "us-west-2")
    for model, code, status, message in (
        ("meta.llama3-1-8b-instruct-v1:0", "ServiceUnavailableException", 503, "Bedrock is unable to process your request."),
        ("meta.llama3-1-70b-instruct-v1:0", "ModelNotReadyException", 429, "Model is not ready for inference."),
        ("meta.llama3-3-70b-instruct-v1:0", "AccessDeniedException", 403, "You don't have access to the model with the specified model ID."),
        ("mistral.mixtral-8x7b-instruct-v0:1", "ExpiredTokenException", 403, None),
        ("mistral.mistral-small-2402-v1:0", "ThrottlingException", 429, "Your request rate is too high. Reduce the frequency of requests."),
        ("openai.gpt-oss-120b-1:0", "ServiceUnavailableException", 503, None),
    ):
        refused(lambda: runtime.converse(modelId=model, messages=say("x")), code, status, message)


@check
def faults_of_a_stream():
    runtime = client("bedrock-runtime", "us-west-2", read_timeout=2)
    open_stream = lambda model: runtime.converse_stream(modelId=model, messages=say("x"))["stream"]

    events = [next(iter(event)) for event in open_stream("ai21.jamba-1-5-mini-v1:0")]
    assert events[0] == "messageStart" and "messageStop" not in events and "metadata" not in events, events

    try:
        list(open_stream("ai21.jamba-1-5-large-v1:0"))
        raise AssertionError("an exception event was expected")
    except EventStreamError as error:
        assert error.response["Error"]["Code"].endswith("Exception"), error.response
        assert error.response["Error"]["Message"], error.response

    try:
        list(open_stream("qwen.qwen3-32b-v1:0"))
        raise AssertionError("a checksum error was expected")
    except botocore.eventstream.ChecksumMismatch:
        pass

    seen = []
    try:
        for event in open_stream("deepseek.v3-v1:0"):
            seen.append(event)
        raise AssertionError("a stall was expected")
    except StreamReadTimeoutError:
        assert seen, "the stall comes in the middle"


@check
def faults_of_a_connection():
    runtime = client("bedrock-runtime", "us-west-2", read_timeout=2)
    ask = lambda model: runtime.converse(modelId=model, messages=say("x"))
    for model, kind in (
        ("amazon.titan-text-express-v1", HTTPClientError),
        ("amazon.titan-text-lite-v1", ConnectionClosedError),
        ("deepseek.v3-v1:0", ReadTimeoutError),
        ("ai21.jamba-1-5-mini-v1:0", HTTPClientError),
    ):
        try:
            ask(model)
            raise AssertionError(f"{kind} was expected of {model}")
        except kind:
            pass


@check
def foundation_models():
    bedrock = client("bedrock")
    models = bedrock.list_foundation_models()["modelSummaries"]
    assert len(models) > 40, len(models)
    haiku = next(model for model in models if model["modelId"] == HAIKU)
    assert haiku["modelArn"] == f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}", haiku
    assert haiku["inferenceTypesSupported"] == ["ON_DEMAND"] and haiku["responseStreamingSupported"], haiku
    amazon = bedrock.list_foundation_models(byProvider="amazon", byInferenceType="ON_DEMAND")["modelSummaries"]
    assert amazon and all(model["providerName"] == "Amazon" for model in amazon), amazon
    one = bedrock.get_foundation_model(modelIdentifier=HAIKU)["modelDetails"]
    assert one == haiku, one
    refused(lambda: bedrock.get_foundation_model(modelIdentifier="nobody.nothing"), "ResourceNotFoundException", 404)


@check
def inference_profiles():
    bedrock = client("bedrock")
    pages = list(bedrock.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 7}))
    assert len(pages) > 2, len(pages)
    profiles = [profile for page in pages for profile in page["inferenceProfileSummaries"]]
    ids = [profile["inferenceProfileId"] for profile in profiles]
    assert len(set(ids)) == len(ids) and f"us.{SONNET}" in ids and f"eu.{SONNET}" not in ids, ids
    one = bedrock.get_inference_profile(inferenceProfileIdentifier=f"us.{SONNET}")
    assert one["status"] == "ACTIVE" and one["type"] == "SYSTEM_DEFINED", one
    assert one["inferenceProfileArn"] == f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.{SONNET}", one
    assert one["models"][0]["modelArn"].endswith(f"::foundation-model/{SONNET}"), one
    assert one["createdAt"].year == 2026, one
    same = bedrock.get_inference_profile(inferenceProfileIdentifier=one["inferenceProfileArn"])
    assert same["inferenceProfileId"] == one["inferenceProfileId"], same
    assert bedrock.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"] == []
    refused(
        lambda: bedrock.get_inference_profile(inferenceProfileIdentifier=f"eu.{SONNET}"),
        "ResourceNotFoundException",
        404,
    )
    refused(lambda: bedrock.list_inference_profiles(nextToken="nonsense"), "ValidationException", 400)


@check
def service_quotas():
    quotas = client("service-quotas")
    pages = list(quotas.get_paginator("list_service_quotas").paginate(ServiceCode="bedrock"))
    assert len(pages) > 1 and len(pages[0]["Quotas"]) == 100, [len(page["Quotas"]) for page in pages]
    rows = {row["QuotaCode"]: row for page in pages for row in page["Quotas"]}
    assert len(rows) == sum(len(page["Quotas"]) for page in pages)
    assert rows["L-E118F160"]["QuotaName"] == "On-demand model inference requests per minute for Amazon Nova Micro"
    assert rows["L-E118F160"]["Value"] == 1.0, rows["L-E118F160"]
    assert rows["L-CE33604C"]["Value"] == 3000.0, rows["L-CE33604C"]
    assert rows["L-E3F10727"]["QuotaName"] == "Cross-Model Max Tokens Per Day", rows["L-E3F10727"]
    assert "L-8CE99163" not in rows, "Claude 3 Haiku has no quota in this scenario"
    assert rows["L-E118F160"]["QuotaArn"] == f"arn:aws:servicequotas:us-east-1:{ACCOUNT}:bedrock/L-E118F160"
    one = quotas.get_service_quota(ServiceCode="bedrock", QuotaCode="L-E118F160")["Quota"]
    assert one == rows["L-E118F160"], one
    no_quota = "The request failed because the specified service quota does not exist."
    refused(
        lambda: quotas.get_service_quota(ServiceCode="bedrock", QuotaCode="L-00000000"),
        "NoSuchResourceException",
        400,
        no_quota,
    )
    refused(lambda: quotas.list_service_quotas(ServiceCode="ec2"), "NoSuchResourceException", 400)
    refused(
        lambda: quotas.list_service_quotas(ServiceCode="bedrock", NextToken="nonsense"),
        "InvalidPaginationTokenException",
        400,
    )


@check
def default_service_quotas():
    quotas = client("service-quotas", "us-west-2")
    paginator = quotas.get_paginator("list_aws_default_service_quotas")
    pages = list(paginator.paginate(ServiceCode="bedrock", PaginationConfig={"PageSize": 50}))
    assert len(pages) > 5 and all(len(page["Quotas"]) == 50 for page in pages[:-1])
    rows = {row["QuotaCode"]: row for page in pages for row in page["Quotas"]}
    assert rows["L-8CE99163"]["Value"] == 2_000_000.0, rows["L-8CE99163"]
    one = quotas.get_aws_default_service_quota(ServiceCode="bedrock", QuotaCode="L-8CE99163")["Quota"]
    assert one == rows["L-8CE99163"], one


@check
def caller_identity():
    identity = client("sts").get_caller_identity()
    assert identity["Account"] == ACCOUNT, identity
    assert identity["Arn"].startswith(f"arn:aws:iam::{ACCOUNT}:"), identity
    refused(lambda: client("sts").get_session_token(), "InvalidAction", 400)


def raw(method, path, body=b"", service="bedrock", region="us-east-1", headers=None, sign=True):
    """A request by hand, signed, so that the headers on the wire are exactly these."""
    parts = urllib.parse.urlsplit(ENDPOINT)
    request = AWSRequest(method=method, url=ENDPOINT + path, data=body, headers=headers or {})
    if sign:
        SigV4Auth(Credentials("AKIDRAW", "secret"), service, region).add_auth(request)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    return connection, dict(request.headers)


CONVERSE = json.dumps({"messages": say("Hello."), "inferenceConfig": {"maxTokens": 5}}).encode()
CONVERSE_PATH = f"/model/{urllib.parse.quote(HAIKU, safe='')}/converse"


@check
def bodies_chunked_zipped_and_expected():
    connection, headers = raw("POST", CONVERSE_PATH, CONVERSE)
    connection.request("POST", CONVERSE_PATH, iter([CONVERSE[:10], CONVERSE[10:]]), headers, encode_chunked=True)
    reply = connection.getresponse()
    assert reply.status == 200 and json.loads(reply.read())["usage"]["outputTokens"] > 0
    # The same connection again: keep-alive.
    connection.request("POST", CONVERSE_PATH, CONVERSE, headers)
    reply = connection.getresponse()
    assert reply.status == 200 and reply.read()
    zipped = gzip.compress(CONVERSE)
    connection.request("POST", CONVERSE_PATH, zipped, {**headers, "Content-Encoding": "gzip"})
    reply = connection.getresponse()
    assert reply.status == 200 and json.loads(reply.read())["usage"]["outputTokens"] > 0
    connection.close()

    connection, headers = raw("POST", CONVERSE_PATH, CONVERSE)
    connection.putrequest("POST", CONVERSE_PATH)
    for name, value in {**headers, "Expect": "100-continue", "Content-Length": str(len(CONVERSE))}.items():
        connection.putheader(name, value)
    connection.endheaders()
    # Read the interim reply by hand: http.client would skip it.
    interim = connection.sock.recv(64)
    assert interim.startswith(b"HTTP/1.1 100 Continue"), interim
    connection.sock.sendall(CONVERSE)
    reply = connection.getresponse()
    assert reply.status == 200, reply.read()
    connection.close()


@check
def errors_by_hand():
    connection, headers = raw("POST", CONVERSE_PATH, CONVERSE, sign=False)
    connection.request("POST", CONVERSE_PATH, CONVERSE, headers)
    reply = connection.getresponse()
    assert reply.status == 403, reply.status
    assert reply.getheader("x-amzn-errortype").startswith("MissingAuthenticationTokenException:"), reply.headers
    assert json.loads(reply.read()) == {"message": "Missing Authentication Token"}
    assert reply.getheader("date") and reply.getheader("x-amzn-requestid"), reply.headers

    for service, path, status, code in (
        ("bedrock", "/model/x/dance", 404, "UnknownOperationException"),
        ("bedrock", "/nothing", 404, "UnknownOperationException"),
        ("s3", "/bucket/key", 404, "UnknownOperationException"),
        ("servicequotas", "/", 400, "UnknownOperationException"),
    ):
        connection, headers = raw("POST", path, b"{}", service)
        connection.request("POST", path, b"{}", headers)
        reply = connection.getresponse()
        kind = reply.getheader("x-amzn-errortype").split(":")[0]
        assert (reply.status, kind) == (status, code), (path, reply.status, kind)
        assert reply.read()

    connection, headers = raw("POST", CONVERSE_PATH, b"")
    connection.putrequest("POST", CONVERSE_PATH)
    for name, value in {**headers, "Content-Length": "25000001"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    reply = connection.getresponse()
    assert reply.status == 413, reply.status
    assert "25000000 bytes" in json.loads(reply.read())["message"]

    connection, headers = raw("POST", CONVERSE_PATH, CONVERSE, region="mars-north-1")
    connection.request("POST", CONVERSE_PATH, CONVERSE, headers)
    reply = connection.getresponse()
    assert reply.status == 400 and "mars-north-1" in json.loads(reply.read())["message"]


@check
def identification():
    connection, _ = raw("GET", "/__bedrock-top", sign=False)
    connection.request("GET", "/__bedrock-top")
    reply = connection.getresponse()
    told = json.loads(reply.read())
    assert reply.status == 200 and told["account"] == ACCOUNT and told["bedrock-top-sim"], told
    assert reply.getheader("x-bedrock-top-sim") == told["bedrock-top-sim"], reply.headers


@check
def many_at_once():
    runtime = client("bedrock-runtime", max_pool_connections=24)
    errors = []

    def ask():
        try:
            for _ in range(5):
                runtime.converse(modelId=HAIKU, messages=say("Hello."), inferenceConfig={"maxTokens": 20})
        except Exception as error:  # noqa: BLE001 - reported below
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


def main():
    for function in CHECKS:
        error = None
        try:
            function()
        except Exception:  # noqa: BLE001 - every failure is reported
            error = traceback.format_exc()
        print(json.dumps({"check": function.__name__, "error": error}), flush=True)


main()
