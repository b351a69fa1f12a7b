"""The control plane, Service Quotas and STS."""

from shared import ACCOUNT, HAIKU, SONNET, check, client, refused


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
