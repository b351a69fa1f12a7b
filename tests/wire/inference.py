"""Inference: Converse, InvokeModel of every family, their streams, CountTokens."""

import json

from shared import ACCOUNT, HAIKU, NOVA_LITE, SONNET, check, client, refused, say


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
