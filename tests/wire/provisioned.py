"""Provisioned throughput: bought, used, changed, deleted. Service time runs 1,200 times as fast."""

import json
import time
from datetime import timedelta

from botocore.exceptions import ClientError, ConnectionClosedError

from shared import ACCOUNT, check, client, refused, say

PRO = "amazon.nova-pro-v1:0:24k"
LITE = "amazon.nova-lite-v1:0:24k"
MICRO = "amazon.nova-micro-v1:0:24k"


def buy(name, model=MICRO, units=1, region="us-east-1", **more):
    reply = client("bedrock", region).create_provisioned_model_throughput(
        provisionedModelName=name, modelId=model, modelUnits=units, **more
    )
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 201, reply
    return reply["provisionedModelArn"]


def until(arn, status, region="us-east-1"):
    bedrock = client("bedrock", region)
    deadline = time.monotonic() + 60
    while True:
        model = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
        if model["status"] == status:
            return model
        assert time.monotonic() < deadline, model


def delete(arn, region="us-east-1"):
    client("bedrock", region).delete_provisioned_model_throughput(provisionedModelId=arn)


@check
def provisioned_throughput():
    bedrock = client("bedrock")
    tags = [{"key": "team", "value": "search"}, {"key": "cost", "value": "42"}]
    arn = buy("first", MICRO, 2, tags=tags, clientRequestToken="token-1")
    assert arn.startswith(f"arn:aws:bedrock:us-east-1:{ACCOUNT}:provisioned-model/") and len(arn.rsplit("/")[1]) == 12, arn
    assert bedrock.list_tags_for_resource(resourceARN=arn)["tags"] == tags
    model = until(arn, "InService")
    assert (model["modelUnits"], model["desiredModelUnits"], model["provisionedModelName"]) == (2, 2, "first"), model
    assert model["modelArn"] == f"arn:aws:bedrock:us-east-1::foundation-model/{MICRO}" == model["desiredModelArn"], model
    assert model["foundationModelArn"].endswith("/amazon.nova-micro-v1:0") and "commitmentDuration" not in model, model
    assert model["lastModifiedTime"] - model["creationTime"] == timedelta(minutes=4), model
    for name in ("first", arn.rsplit("/")[1]):
        assert bedrock.get_provisioned_model_throughput(provisionedModelId=name)["provisionedModelArn"] == arn
    bedrock.update_provisioned_model_throughput(provisionedModelId=arn, desiredProvisionedModelName="second")
    assert bedrock.get_provisioned_model_throughput(provisionedModelId="second")["provisionedModelArn"] == arn
    refused(
        lambda: bedrock.get_provisioned_model_throughput(provisionedModelId="first"), "ResourceNotFoundException", 404
    )
    until(arn, "InService")
    delete("second")
    refused(lambda: bedrock.get_provisioned_model_throughput(provisionedModelId=arn), "ResourceNotFoundException", 404)
    refused(lambda: delete(arn), "ResourceNotFoundException", 404)
    refused(lambda: bedrock.list_tags_for_resource(resourceARN=arn), "ResourceNotFoundException", 404)


@check
def provisioned_names_and_filters():
    bedrock = client("bedrock")
    arns = [buy(f"filter-{number}", [MICRO, LITE][number % 2]) for number in range(4)]
    assert buy("filter-idem", clientRequestToken="t-9") == (arn := buy("filter-idem", clientRequestToken="t-9"))
    refused(lambda: buy("filter-idem", units=2, clientRequestToken="t-9"), "ValidationException", 400)
    refused(lambda: buy("filter-0"), "ValidationException", 400, part="already exists")

    def names(**filters):
        pages = bedrock.get_paginator("list_provisioned_model_throughputs").paginate(
            nameContains="filter-", PaginationConfig={"PageSize": 2}, **filters
        )
        return [model["provisionedModelName"] for page in pages for model in page["provisionedModelSummaries"]]

    everything = [f"filter-{number}" for number in range(4)] + ["filter-idem"]
    assert names(sortBy="CreationTime", sortOrder="Ascending") == everything
    assert names(sortOrder="Descending") == everything[::-1] == names()
    lite = f"arn:aws:bedrock:us-east-1::foundation-model/{LITE}"
    assert names(modelArnEquals=lite, sortOrder="Ascending") == ["filter-1", "filter-3"]
    until(arn, "InService")
    assert len(names(statusEquals="InService")) == 5 and names(statusEquals="Failed") == []
    created = until(arns[2], "InService")["creationTime"]
    assert "filter-0" not in names(creationTimeAfter=created) and "filter-idem" in names(creationTimeAfter=created)
    assert names(creationTimeBefore=created - timedelta(days=3650)) == []
    refused(lambda: bedrock.list_provisioned_model_throughputs(nextToken="nonsense"), "ValidationException", 400)
    for found in [*arns, arn]:
        delete(found)


@check
def provisioned_quotas():
    west = "us-west-2"
    refused(lambda: buy("much", units=3, region=west), "ServiceQuotaExceededException", 400)
    arn = buy("some", units=2, region=west)
    refused(lambda: buy("more", region=west), "ServiceQuotaExceededException", 400)
    refused(lambda: buy("bound", PRO, region=west, commitmentDuration="OneMonth"), "ServiceQuotaExceededException", 400)
    delete(arn, west)
    delete(buy("more", region=west), west)
    quotas = client("service-quotas")
    row = quotas.get_service_quota(ServiceCode="bedrock", QuotaCode="L-9C8C5911")["Quota"]
    assert row["Value"] == 4.0, row
    row = quotas.get_aws_default_service_quota(ServiceCode="bedrock", QuotaCode="L-9C8C5911")["Quota"]
    assert row["Value"] == 0.0, row


@check
def provisioned_commitment():
    arn = buy("bound", PRO, 4, commitmentDuration="SixMonths")
    model = until(arn, "InService")
    assert model["commitmentDuration"] == "SixMonths", model
    assert model["commitmentExpirationTime"] - model["creationTime"] == timedelta(days=180), model
    refused(lambda: delete(arn), "ConflictException", 400, part="commitment until")
    refused(lambda: buy("larger", PRO, 5, commitmentDuration="OneMonth"), "ServiceQuotaExceededException", 400)


@check
def provisioned_calls():
    runtime = client("bedrock-runtime")
    arn = buy("serving", MICRO)
    try:
        answer = runtime.converse(modelId=arn, messages=say("Hello?"))
        raise AssertionError(answer)  # a fifth of a second has not passed
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ValidationException", error
    until(arn, "InService")
    # Nova Micro on demand has one request per minute here: what was bought does not care.
    for _ in range(5):
        reply = runtime.converse(modelId=arn, messages=say("Hello?"), inferenceConfig={"maxTokens": 50})
        assert reply["usage"]["outputTokens"] <= 50, reply
    body = {"schemaVersion": "messages-v1", "messages": say("Hello?")}
    assert json.loads(runtime.invoke_model(modelId=arn, body=json.dumps(body))["body"].read())["usage"]["outputTokens"] > 0
    stream = runtime.converse_stream(modelId=arn, messages=say("Hello?"), inferenceConfig={"maxTokens": 50})["stream"]
    assert any("metadata" in event for event in stream)
    # 80,000 output tokens a minute and model unit: held is what may come.
    large = dict(modelId=arn, messages=say("Hello?"), inferenceConfig={"maxTokens": 10_000})
    codes = set()
    streams = []
    for _ in range(12):
        try:
            streams.append(runtime.converse_stream(**large))
        except ClientError as error:
            codes.add((error.response["Error"]["Code"], error.response["Error"]["Message"]))
    assert len(streams) >= 7, len(streams)
    long = "word " * 40_000
    refused(lambda: runtime.converse(modelId=arn, messages=say(long)), "ValidationException", 400, part="too long")
    delete(arn)
    refused(lambda: runtime.converse(modelId=arn, messages=say("x")), "ResourceNotFoundException", 404)
    assert codes <= {("ThrottlingException", "Too many tokens, please wait before trying again.")}, codes


@check
def provisioned_refusals():
    bedrock = client("bedrock")
    refused(lambda: buy("a--b"), "ValidationException", 400, part="regular expression")
    refused(lambda: buy("on-demand", "amazon.nova-pro-v1:0"), "ValidationException", 400, part="does not support")
    refused(lambda: buy("nobody", "nobody.nothing:1k"), "ResourceNotFoundException", 404)
    refused(lambda: buy("tags", tags=[{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]), "ValidationException", 400)
    many = [{"key": str(number), "value": ""} for number in range(51)]
    refused(lambda: buy("many", tags=many), "TooManyTagsException", 400)
    refused(lambda: buy("term", commitmentDuration="OneYear"), "ValidationException", 400, part="enum value set")
    change = bedrock.update_provisioned_model_throughput
    refused(
        lambda: change(provisionedModelId="nobody", desiredProvisionedModelName="x"), "ResourceNotFoundException", 404
    )
    arn = buy("base")
    until(arn, "InService")
    refused(
        lambda: change(provisionedModelId=arn, desiredModelId=LITE), "ValidationException", 400, part="can't be changed"
    )
    delete(arn)
    custom = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/amazon.nova-micro-v1:0:24k/abcdefghijk"
    arn = buy("own", custom + "1")
    until(arn, "InService")
    change(provisionedModelId=arn, desiredModelId=custom + "2")
    model = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
    assert model["desiredModelArn"] == custom + "2", model
    if model["status"] == "Updating":
        assert model["modelArn"] == custom + "1", model
    assert until(arn, "InService")["modelArn"] == custom + "2"
    delete(arn)


@check
def provisioned_faults():
    ireland = client("bedrock", "eu-west-1")
    summaries = ireland.list_provisioned_model_throughputs()["provisionedModelSummaries"]
    forgotten = next(model for model in summaries if model["provisionedModelName"] == "forgotten")
    assert forgotten["status"] == "InService", forgotten
    arn = buy("hopeless", region="eu-west-1")
    model = until(arn, "Failed", "eu-west-1")
    assert "capacity" in model["failureMessage"], model
    runtime = client("bedrock-runtime", "eu-west-1")
    refused(lambda: runtime.converse(modelId=arn, messages=say("x")), "ResourceNotFoundException", 404)
    try:
        delete(arn, "eu-west-1")
        raise AssertionError("the reply was to be lost")
    except ConnectionClosedError:
        pass
    refused(
        lambda: ireland.get_provisioned_model_throughput(provisionedModelId=arn), "ResourceNotFoundException", 404
    )
