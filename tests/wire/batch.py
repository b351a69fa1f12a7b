"""Batch inference: input into S3, the job, its results. Service time runs 1,200 times as fast."""

import json
import time
import uuid
from datetime import datetime, timedelta, timezone

from shared import ACCOUNT, NOVA_LITE, SONNET, check, client, refused

BUCKET = "wire-batch"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/batch"
FINAL = ("Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired")


def record(number, text="Summarise this, please.", **more):
    body = {"messages": [{"role": "user", "content": [{"text": text}]}], "inferenceConfig": {"maxTokens": 60}, **more}
    return {"recordId": f"r-{number}", "modelInput": body}


def put(key, records):
    text = "".join(json.dumps(line) + "\n" for line in records)
    client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())
    return f"s3://{BUCKET}/{key}"


def submit(name, uri, region="us-east-1", **more):
    order = dict(
        jobName=name,
        roleArn=ROLE,
        modelId=NOVA_LITE,
        inputDataConfig={"s3InputDataConfig": {"s3Uri": uri}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/"}},
    )
    return client("bedrock", region).create_model_invocation_job(**{**order, **more})["jobArn"]


def watch(arn, region="us-east-1"):
    """Every state seen until the end, and the job at the end."""
    bedrock, seen, last = client("bedrock", region), [], (0, 0)
    deadline = time.monotonic() + 120
    while True:
        job = bedrock.get_model_invocation_job(jobIdentifier=arn)
        if job["status"] not in seen:
            seen.append(job["status"])
        counts = (job["successRecordCount"], job["errorRecordCount"])
        assert job["processedRecordCount"] == sum(counts) <= job["totalRecordCount"], job
        assert counts >= last or job["status"] in FINAL, (counts, last)
        if job["status"] in ("Submitted", "Validating"):
            assert job["totalRecordCount"] == 0, job
        last = counts
        if job["status"] in FINAL:
            return seen, job
        assert time.monotonic() < deadline, job


def folder(arn):
    job = arn.rsplit("/")[1]
    s3 = client("s3")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"out/{job}/").get("Contents", [])
    read = lambda key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    return {entry["Key"].removeprefix(f"out/{job}/"): read(entry["Key"]) for entry in listed}


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@check
def batch_from_file_to_results():
    bedrock = client("bedrock")
    records = [record(number) for number in range(150)]
    del records[3]["recordId"]
    records[5]["modelInput"]["inferenceConfig"]["maxTokens"] = 1_000_000
    records[6]["modelInput"] = {"prompt": "not Nova's"}
    records[7]["modelInput"]["toolConfig"] = {"tools": []}
    tags = [{"key": "team", "value": "search"}]
    arn = submit("whole", put("in/whole.jsonl", records), clientRequestToken="batch-token", tags=tags)
    assert arn.startswith(f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/"), arn
    assert bedrock.list_tags_for_resource(resourceARN=arn)["tags"] == tags
    seen, job = watch(arn)
    states = ["Submitted", "Validating", "Scheduled", "InProgress", "Completed"]
    assert seen == [state for state in states if state in seen] and seen[-1] == "Completed", seen
    assert (job["totalRecordCount"], job["successRecordCount"], job["errorRecordCount"]) == (150, 147, 3), job
    assert job["endTime"] >= job["lastModifiedTime"] >= job["submitTime"] and job["clientRequestToken"] == "batch-token"
    assert job["jobExpirationTime"] - job["submitTime"] == timedelta(hours=24), job
    assert job["modelInvocationType"] == "InvokeModel" and job["timeoutDurationInHours"] == 24, job
    files = folder(arn)
    assert sorted(files) == ["manifest.json.out", "whole.jsonl.out"], files.keys()
    results = lines(files["whole.jsonl.out"])
    by_id = {line["recordId"]: line for line in results}
    assert len(by_id) == 150 and [line["recordId"] for line in results] != sorted(by_id, key=str), "order is not kept"
    good = by_id["r-0"]
    assert good["modelInput"] == records[0]["modelInput"] and good["modelOutput"]["stopReason"], good
    own = [line for line in results if not line["recordId"].startswith("r-")]
    assert len(own) == 1 and len(own[0]["recordId"]) == 11, own
    for number in (5, 6, 7):
        line = by_id[f"r-{number}"]
        assert line["error"]["errorCode"] == 400 and line["error"]["errorMessage"] and "modelOutput" not in line, line
    manifest = json.loads(files["manifest.json.out"])
    usage = [line["modelOutput"]["usage"] for line in results if "modelOutput" in line]
    assert manifest == {
        "totalRecordCount": 150,
        "processedRecordCount": 150,
        "successRecordCount": 147,
        "errorRecordCount": 3,
        "inputTokenCount": sum(told["inputTokens"] for told in usage),
        "outputTokenCount": sum(told["outputTokens"] for told in usage),
    }, manifest
    refused(lambda: bedrock.stop_model_invocation_job(jobIdentifier=arn), "ConflictException", 400, part="Completed")
    assert bedrock.get_model_invocation_job(jobIdentifier=arn.rsplit("/")[1])["jobArn"] == arn


@check
def batch_of_several_files_by_converse():
    for part in ("a", "b"):
        put(f"many/{part}.jsonl", [record(f"{part}{number}") for number in range(60)])
    put("many/notes.txt", [{"nothing": 1}])
    arn = submit("many", f"s3://{BUCKET}/many/", modelInvocationType="Converse", modelId=f"us.{SONNET}")
    job = watch(arn)[1]
    assert job["status"] == "Completed" and job["successRecordCount"] == 120, job
    files = folder(arn)
    assert sorted(files) == ["a.jsonl.out", "b.jsonl.out", "manifest.json.out"], files.keys()
    assert all(line["modelOutput"]["output"]["message"] for line in lines(files["b.jsonl.out"]))


@check
def batch_idempotence_and_lists():
    bedrock = client("bedrock")
    uri = put("in/idem.jsonl", [record(number) for number in range(100)])
    token = str(uuid.uuid4())
    first = submit("idem-1", uri, clientRequestToken=token)
    assert submit("idem-1", uri, clientRequestToken=token) == first
    refused(lambda: submit("idem-1", uri, clientRequestToken=token, timeoutDurationInHours=48), "ConflictException", 400)
    refused(lambda: submit("idem-1", uri), "ConflictException", 400, part="already exists")
    for number in (2, 3):
        submit(f"idem-{number}", uri)
    pages = bedrock.get_paginator("list_model_invocation_jobs").paginate(
        nameContains="idem-", sortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    jobs = [job for page in pages for job in page["invocationJobSummaries"]]
    assert [job["jobName"] for job in jobs] == ["idem-1", "idem-2", "idem-3"], jobs
    for job in jobs:
        assert watch(job["jobArn"])[1]["status"] == "Completed"
    done = bedrock.list_model_invocation_jobs(nameContains="idem-", statusEquals="Completed")["invocationJobSummaries"]
    assert len(done) == 3 and all(job["totalRecordCount"] == 100 for job in done), done
    assert not bedrock.list_model_invocation_jobs(statusEquals="Expired")["invocationJobSummaries"]
    assert not bedrock.list_model_invocation_jobs(submitTimeAfter=done[0]["endTime"] + timedelta(days=3650))[
        "invocationJobSummaries"
    ]


@check
def batch_failures_come_later_with_a_message():
    good = [record(number) for number in range(100)]
    put("in/bad.jsonl", good)
    text = client("s3").get_object(Bucket=BUCKET, Key="in/bad.jsonl")["Body"].read()
    client("s3").put_object(Bucket=BUCKET, Key="in/bad.jsonl", Body=text + b"{not json\n")
    for name, uri, part, more in (
        ("few", put("in/few.jsonl", good[:99]), "99 records; a job of this model must have at least 100", {}),
        ("bad", f"s3://{BUCKET}/in/bad.jsonl", "Line 101 of in/bad.jsonl is malformed", {}),
        ("none", f"s3://{BUCKET}/nowhere/", "no input files", {}),
        ("bucket", "s3://somebody-elses/in/", "can't be accessed", {}),
        ("role", put("in/role.jsonl", good), "can't be assumed", {"roleArn": "arn:aws:iam::999999999999:role/x"}),
    ):
        arn = submit(f"fails-{name}", uri, **more)
        seen, job = watch(arn)
        assert job["status"] == "Failed" and part in job["message"], job
        assert set(seen) <= {"Submitted", "Validating", "Failed"} and folder(arn) == {}, seen


@check
def batch_stop():
    bedrock = client("bedrock")
    records = [record(number) for number in range(20_000)]
    arn = submit("stopped", put("in/stopped.jsonl", records))
    deadline = time.monotonic() + 60
    while (job := bedrock.get_model_invocation_job(jobIdentifier=arn))["processedRecordCount"] == 0:
        assert time.monotonic() < deadline and job["status"] not in FINAL, job
    bedrock.stop_model_invocation_job(jobIdentifier=arn)
    refused(lambda: bedrock.stop_model_invocation_job(jobIdentifier=arn), "ConflictException", 400)
    seen, job = watch(arn)
    assert job["status"] == "Stopped" and set(seen) <= {"Stopping", "Stopped"}, (seen, job)
    assert 0 < job["processedRecordCount"] < 20_000, job
    files = folder(arn)
    assert len(lines(files["stopped.jsonl.out"])) == job["processedRecordCount"]
    assert json.loads(files["manifest.json.out"])["processedRecordCount"] == job["processedRecordCount"]


@check
def batch_refusals():
    uri = f"s3://{BUCKET}/in/x.jsonl"
    refused(lambda: submit("a b", uri), "ValidationException", 400, part="regular expression")
    refused(lambda: submit("uri", "s3://UPPER/x"), "ValidationException", 400, part="s3Uri")
    refused(lambda: submit("role", uri, roleArn="nobody"), "ValidationException", 400, part="roleArn")
    refused(lambda: submit("model", uri, modelId="nobody.nothing"), "ValidationException", 400)
    refused(lambda: submit("profile", uri, modelId="anthropic.claude-haiku-4-5-20251001-v1:0"), "ValidationException", 400)
    bought = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:provisioned-model/abcdefghijkl"
    refused(lambda: submit("bought", uri, modelId=bought), "ValidationException", 400, part="batch inference")
    missing = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/abcdefghijkl"
    bedrock = client("bedrock")
    refused(lambda: bedrock.get_model_invocation_job(jobIdentifier=missing), "ResourceNotFoundException", 404)
    refused(lambda: bedrock.stop_model_invocation_job(jobIdentifier=missing), "ResourceNotFoundException", 404)
    refused(lambda: bedrock.list_tags_for_resource(resourceARN=missing), "ResourceNotFoundException", 404)


@check
def batch_jobs_of_others_and_slots():
    ireland = client("bedrock", "eu-west-1")
    jobs = {job["jobName"]: job for job in ireland.list_model_invocation_jobs()["invocationJobSummaries"]}
    nightly = jobs["nightly"]
    assert nightly["status"] == "Completed" and nightly["totalRecordCount"] == 300, nightly
    assert 10 < nightly["errorRecordCount"] < 60, nightly
    assert nightly["endTime"] - nightly["submitTime"] < timedelta(minutes=10), nightly
    assert jobs["tiny"]["status"] == "Failed" and "at least 100" in jobs["tiny"]["message"], jobs["tiny"]
    out = nightly["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].removeprefix("s3://")
    bucket, prefix = out.split("/", 1)
    # S3 of that Region has faults; buckets are seen from everywhere.
    key = f"{prefix}{nightly['jobArn'].rsplit('/')[1]}/input.jsonl.out"
    results = lines(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode())
    codes = {line["error"]["errorCode"] for line in results if "error" in line}
    assert len(results) == 300 and codes <= {429, 500, 503} and codes, codes
    # One job of Nova Lite at a time there.
    uri = put("in/slots.jsonl", [record(number) for number in range(5_000)])
    first = submit("slot-1", uri, "eu-west-1")
    refused(lambda: submit("slot-2", uri, "eu-west-1"), "ServiceQuotaExceededException", 400)
    ireland.stop_model_invocation_job(jobIdentifier=first)
    assert watch(first, "eu-west-1")[1]["status"] == "Stopped"


@check
def batch_metrics_add_up():
    """What CloudWatch is told minute by minute is what the results say in the end."""
    model = "us.amazon.nova-lite-v1:0"
    arn = submit("metered", put("in/metered.jsonl", [record(number) for number in range(400)]), modelId=model)
    assert watch(arn)[1]["successRecordCount"] == 400
    manifest = json.loads(folder(arn)["manifest.json.out"])
    cloudwatch, day = client("cloudwatch"), timedelta(days=60)

    def values(name):
        metric = {
            "Namespace": "AWS/Bedrock/Batch",
            "MetricName": name,
            "Dimensions": [{"Name": "ModelId", "Value": model}],
        }
        asked = [{"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}]
        now = datetime.now(timezone.utc)
        page = cloudwatch.get_metric_data(
            MetricDataQueries=asked, StartTime=now - day, EndTime=now + day, ScanBy="TimestampAscending"
        )
        return page["MetricDataResults"][0]["Values"]

    wanted = (manifest["inputTokenCount"], manifest["outputTokenCount"], 0)
    deadline = time.monotonic() + 60
    while True:
        read, said = (values(f"NumberOf{kind}TokensProcessedPerMinute") for kind in ("Input", "Output"))
        pending = values("NumberOfRecordsPendingProcessing")
        if (sum(read), sum(said), pending[-1] if pending else None) == wanted:
            return
        assert time.monotonic() < deadline, (wanted, read, said, pending)
