"""Requests for higher quotas: refusals in the service's words, their history, and a quota that is really raised."""

import json
import time

from shared import ACCOUNT, check, client, refused, say

# Through its profile it has 1,000 tokens per minute here; the default is 5,000,000, and more can be asked for.
SONNET_4_5 = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
TPM = "L-F4DDD3EB"
# Likewise 2 requests per minute, for the requests that are never decided.
RPM = "L-4A6BFAB1"
# The account's tokens per day, which cannot be raised.
DAY = "L-E3F10727"


def ask(code, value):
    return client("service-quotas").request_service_quota_increase(
        ServiceCode="bedrock", QuotaCode=code, DesiredValue=value
    )["RequestedQuota"]


def converse():
    return client("bedrock-runtime").converse(
        modelId=SONNET_4_5, messages=say("hello"), inferenceConfig={"maxTokens": 2_000}
    )


@check
def quota_increase_raises_the_quota():
    quotas = client("service-quotas")
    refused(converse, "ThrottlingException", 429, "Too many tokens, please wait before trying again.")
    asked = ask(TPM, 6_000_000)
    assert asked["Status"] == "PENDING" and asked["DesiredValue"] == 6_000_000.0 and "CaseId" not in asked, asked
    assert asked["QuotaArn"] == f"arn:aws:servicequotas:us-east-1:{ACCOUNT}:bedrock/{TPM}", asked
    assert json.loads(asked["Requester"])["accountId"] == ACCOUNT, asked
    assert "Anthropic Claude Sonnet 4.5" in asked["QuotaName"], asked
    deadline = time.monotonic() + 60
    while True:
        now = quotas.get_requested_service_quota_change(RequestId=asked["Id"])["RequestedQuota"]
        if now["Status"] == "APPROVED":
            break
        assert now["Status"] == "PENDING" and time.monotonic() < deadline, now
    assert now["Created"] == asked["Created"] and now["LastUpdated"] > now["Created"], now
    assert quotas.get_service_quota(ServiceCode="bedrock", QuotaCode=TPM)["Quota"]["Value"] == 6_000_000.0
    assert converse()["usage"]["outputTokens"] > 0
    default = quotas.get_aws_default_service_quota(ServiceCode="bedrock", QuotaCode=TPM)["Quota"]
    assert default["Value"] == 5_000_000.0, default
    refused(
        lambda: ask(TPM, 6_000_000),
        "IllegalArgumentException",
        400,
        "You must provide a quota value greater than the current quota value of 6000000.0",
    )


@check
def quota_increase_refusals():
    refused(
        lambda: ask(RPM, 10_000),
        "IllegalArgumentException",
        400,
        "You must provide a quota value greater than the default quota value of 10000.0",
    )
    refused(lambda: ask(DAY, 1_000_000_000), "IllegalArgumentException", 400, part="not adjustable")
    no_quota = "The request failed because the specified service quota does not exist."
    refused(lambda: ask("L-00000000", 5), "NoSuchResourceException", 400, no_quota)
    quotas = client("service-quotas")
    refused(
        lambda: quotas.request_service_quota_increase(ServiceCode="ec2", QuotaCode=RPM, DesiredValue=5),
        "NoSuchResourceException",
        400,
    )
    refused(lambda: quotas.get_requested_service_quota_change(RequestId="0" * 40), "NoSuchResourceException", 400)
    # Fifty times the default is talked about, and stays open.
    opened = ask(RPM, 500_000)
    refused(lambda: ask(RPM, 600_000), "ResourceAlreadyExistsException", 400)
    deadline = time.monotonic() + 60
    while opened["Status"] == "PENDING":
        assert time.monotonic() < deadline, opened
        opened = quotas.get_requested_service_quota_change(RequestId=opened["Id"])["RequestedQuota"]
    assert opened["Status"] == "CASE_OPENED" and opened["CaseId"], opened
    by_quota = quotas.get_paginator("list_requested_service_quota_change_history_by_quota")
    history = [
        one for page in by_quota.paginate(ServiceCode="bedrock", QuotaCode=RPM) for one in page["RequestedQuotas"]
    ]
    assert [one["Id"] for one in history] == [opened["Id"]], history
    everything = quotas.list_requested_service_quota_change_history(ServiceCode="bedrock")["RequestedQuotas"]
    assert opened["Id"] in [one["Id"] for one in everything], everything
    approved = quotas.list_requested_service_quota_change_history(ServiceCode="bedrock", Status="CASE_OPENED")
    assert [one["Id"] for one in approved["RequestedQuotas"]] == [opened["Id"]], approved
    refused(
        lambda: quotas.list_requested_service_quota_change_history(ServiceCode="bedrock", Status="SOMEHOW"),
        "IllegalArgumentException",
        400,
    )
    elsewhere = client("service-quotas", "us-west-2").list_requested_service_quota_change_history()
    assert elsewhere["RequestedQuotas"] == [], elsewhere


@check
def model_availability():
    bedrock = client("bedrock")
    one = bedrock.get_foundation_model_availability(modelId="anthropic.claude-3-haiku-20240307-v1:0")
    assert one["authorizationStatus"] == "AUTHORIZED" and one["entitlementAvailability"] == "AVAILABLE", one
    assert one["agreementAvailability"]["status"] == "AVAILABLE" and one["regionAvailability"] == "AVAILABLE", one
    refused(
        lambda: bedrock.get_foundation_model_availability(modelId="nobody.nothing"), "ResourceNotFoundException", 404
    )
