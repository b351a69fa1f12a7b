"""Throttles, validation, and everything that the scenario lets go wrong."""

import botocore.eventstream
from botocore.exceptions import ConnectionClosedError, EventStreamError, HTTPClientError, ReadTimeoutError
from shared import ACCOUNT, HAIKU, NOVA_MICRO, NOVA_PRO, SONNET, check, client, refused, say
from urllib3.exceptions import ReadTimeoutError as StreamReadTimeoutError


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
    ):
        try:
            ask(model)
            raise AssertionError(f"{kind} was expected of {model}")
        except kind:
            pass
    # Neither boto3 nor what it stands on checks the announced length: half a body is a reply without members.
    assert "usage" not in ask("ai21.jamba-1-5-mini-v1:0")


@check
def faults_of_other_services():
    region = "eu-west-1"
    quotas = client("service-quotas", region)
    refused(lambda: quotas.list_service_quotas(ServiceCode="bedrock"), "TooManyRequestsException", 400)
    refused(lambda: client("sts", region).get_caller_identity(), "ExpiredToken", 403)
    refused(
        lambda: client("bedrock", region).list_foundation_models(),
        "AccessDeniedException",
        403,
        part="is not authorized to perform: bedrock:ListFoundationModels",
    )
    runtime = client("bedrock-runtime", region)
    refused(
        lambda: runtime.count_tokens(modelId=SONNET, input={"converse": {"messages": say("x")}}),
        "ServiceUnavailableException",
        503,
    )
    reply = runtime.converse(modelId=HAIKU, messages=say("x"), inferenceConfig={"maxTokens": 5})
    assert reply["usage"]["outputTokens"] > 0, "the fault is one operation's"
