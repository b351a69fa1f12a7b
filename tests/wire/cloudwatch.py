"""CloudWatch in JSON: metrics of one's own, those of the traffic, lists, pages, refusals."""

import datetime
import time

from shared import NOVA_LITE, check, client, refused, say

NAMESPACE = "Custom/Wire"


def cloudwatch(region="us-east-1"):
    return client("cloudwatch", region)


def minutes_ago(minutes):
    now = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    return now - datetime.timedelta(minutes=minutes)


def query(name, stat, namespace=NAMESPACE, period=60, id="q", **metric):
    dimensions = [{"Name": key, "Value": value} for key, value in metric.pop("dimensions", {}).items()]
    wanted = {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}
    return {"Id": id, "MetricStat": {"Metric": wanted, "Period": period, "Stat": stat, **metric}}


def ask(*queries, since=60, region="us-east-1", **more):
    # The service's clock may run ahead of ours.
    end = minutes_ago(-60 * 24 * 30)
    return cloudwatch(region).get_metric_data(
        MetricDataQueries=list(queries), StartTime=minutes_ago(since), EndTime=end, **more
    )


def values(*queries, **more):
    return {result["Id"]: result["Values"] for result in ask(*queries, **more)["MetricDataResults"]}


@check
def cloudwatch_own_metrics():
    at = minutes_ago(10)
    data = [
        {"MetricName": "m", "Timestamp": at, "Value": 1.5, "Unit": "Count"},
        {"MetricName": "m", "Timestamp": at, "Values": [2.0, 3.0], "Counts": [3.0, 1.0], "Unit": "Count"},
        {
            "MetricName": "set",
            "Timestamp": at,
            "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 4},
        },
        {"MetricName": "m", "Timestamp": at, "Value": 9, "Dimensions": [{"Name": "Run", "Value": "7"}]},
        {"MetricName": "m", "Value": 1000},
    ]
    cloudwatch().put_metric_data(Namespace=NAMESPACE, MetricData=data)
    stats = ["SampleCount", "Sum", "Average", "Minimum", "Maximum", "p50", "p99.9"]
    got = values(*[query("m", stat, id=f"q{n}", Unit="Count") for n, stat in enumerate(stats)])
    assert [got[f"q{n}"][0] for n in range(5)] == [5.0, 10.5, 2.1, 1.5, 3.0], got
    assert abs(got["q5"][0] - 2.0) < 0.02 and abs(got["q6"][0] - 3.0) < 0.03, got
    got = values(
        query("set", "Average", id="a"),
        query("set", "p50", id="p"),
        query("m", "Sum", id="d", dimensions={"Run": "7"}),
        query("m", "Sum", id="other", dimensions={"Run": "8"}),
        query("nothing", "Sum", id="none"),
        query("m", "Sum", id="far", period=86400),
    )
    assert got["a"] == [2.5] and got["p"] == [] and got["d"] == [9.0] and got["other"] == got["none"] == [], got
    assert sum(got["far"]) == 1010.5, got
    result = ask(query("m", "Sum", Unit="Count"))["MetricDataResults"][0]
    assert result["Timestamps"] == [at] and result["StatusCode"] == "Complete" and result["Label"] == "m", result
    statistics = cloudwatch().get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="m",
        StartTime=minutes_ago(20),
        EndTime=minutes_ago(5),
        Period=300,
        Statistics=["Sum", "Maximum"],
    )["Datapoints"]
    assert [(point["Sum"], point["Maximum"], point["Unit"]) for point in statistics] == [(10.5, 3.0, "Count")]
    extended = cloudwatch().get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="m",
        StartTime=minutes_ago(20),
        EndTime=minutes_ago(5),
        Period=60,
        ExtendedStatistics=["p100"],
    )["Datapoints"]
    assert abs(extended[0]["ExtendedStatistics"]["p100"] - 3.0) < 0.03, extended


@check
def cloudwatch_pages():
    data = [{"MetricName": "paged", "Timestamp": minutes_ago(10 + n), "Value": n} for n in range(5)]
    cloudwatch().put_metric_data(Namespace=NAMESPACE, MetricData=data)
    asked = [query("paged", "Sum", id="a"), query("nothing", "Sum", id="b"), query("paged", "Maximum", id="c")]
    for scan, wanted in [("TimestampDescending", [0, 1, 2, 3, 4]), ("TimestampAscending", [4, 3, 2, 1, 0])]:
        seen, pages, token = {"a": [], "b": [], "c": []}, 0, {}
        while True:
            page = ask(*asked, ScanBy=scan, MaxDatapoints=2, **token)
            pages += 1
            assert sum(len(result["Values"]) for result in page["MetricDataResults"]) <= 2, page
            for result in page["MetricDataResults"]:
                seen[result["Id"]] += result["Values"]
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        assert seen == {"a": wanted, "b": [], "c": wanted} and pages == 5, (seen, pages)
    refused(lambda: ask(*asked, NextToken="nonsense"), "InvalidNextToken", 400)


@check
def cloudwatch_lists():
    data = [{"MetricName": f"l{n:04}", "Value": 1, "Dimensions": [{"Name": "N", "Value": str(n)}]} for n in range(700)]
    cloudwatch().put_metric_data(Namespace="Custom/List", MetricData=data)
    pages = list(cloudwatch().get_paginator("list_metrics").paginate(Namespace="Custom/List"))
    assert [len(page["Metrics"]) for page in pages] == [500, 200], pages
    assert pages[0]["Metrics"][0]["MetricName"] == "l0000", pages[0]["Metrics"][0]
    one = cloudwatch().list_metrics(Dimensions=[{"Name": "N", "Value": "7"}])["Metrics"]
    assert [metric["MetricName"] for metric in one] == ["l0007"], one
    assert len(cloudwatch().list_metrics(MetricName="l0003", Dimensions=[{"Name": "N"}])["Metrics"]) == 1
    assert cloudwatch("us-west-2").list_metrics(Namespace="Custom/List")["Metrics"] == []


@check
def cloudwatch_refusals():
    put = lambda namespace=NAMESPACE, **datum: cloudwatch().put_metric_data(  # noqa: E731
        Namespace=namespace, MetricData=[{"MetricName": "bad", **datum}]
    )
    for bad in [
        {"Value": float("nan")},
        {"Value": float("inf")},
        {"Values": [1.0] * 151},
        {"Value": 1, "Unit": "Furlongs"},
        {"Value": 1, "Timestamp": minutes_ago(-60 * 24 * 30)},
        {"Value": 1, "Timestamp": minutes_ago(60 * 24 * 15)},
        {"Value": 1, "namespace": "AWS/Bedrock"},
    ]:
        error = refused(lambda: put(**bad), "InvalidParameterValue", 400)  # noqa: B023
        assert isinstance(error, cloudwatch().exceptions.InvalidParameterValueException), error
    refused(lambda: put(), "MissingParameter", 400)
    refused(lambda: put(Value=1, Values=[1.0]), "InvalidParameterCombination", 400)
    many = [{"MetricName": "bad", "Value": 1}] * 1001
    refused(
        lambda: cloudwatch().put_metric_data(Namespace=NAMESPACE, MetricData=many), "InvalidParameterValue", 400
    )
    assert cloudwatch().list_metrics(Namespace=NAMESPACE, MetricName="bad")["Metrics"] == [], "all or nothing"
    maths = {"Id": "e1", "Expression": "SUM(METRICS())"}
    refused(lambda: ask(query("m", "Sum"), maths), "ValidationError", 400, part="Error in expression 'e1'")
    refused(lambda: ask(query("m", "TM99")), "ValidationError", 400, part="TM99")
    refused(lambda: ask(query("m", "Sum", id="Q")), "ValidationError", 400)
    refused(lambda: ask(query("m", "Sum"), query("m", "Sum")), "ValidationError", 400, part="unique")
    refused(lambda: ask(query("m", "Sum", period=90)), "InvalidParameterValue", 400, part="Period")
    refused(lambda: cloudwatch().list_metrics(NextToken="?"), "InvalidParameterValue", 400)
    refused(lambda: cloudwatch().describe_alarms(), "UnknownOperationException", 404)
    refused(lambda: cloudwatch("eu-west-1").list_metrics(), "AccessDenied", 403, part="cloudwatch:ListMetrics")
    refused(lambda: ask(query("m", "Sum"), region="eu-west-1"), "Throttling", 400)


@check
def cloudwatch_metrics_of_the_traffic():
    runtime = client("bedrock-runtime", "us-west-2")
    for _ in range(3):
        runtime.converse(modelId=NOVA_LITE, messages=say("Hello."), inferenceConfig={"maxTokens": 5})
    asked = query("Invocations", "Sum", "AWS/Bedrock", dimensions={"ModelId": NOVA_LITE}, period=3600)
    deadline = time.monotonic() + 20
    while sum(values(asked, region="us-west-2")["q"]) < 3:
        assert time.monotonic() < deadline, "the metric is not published"
        time.sleep(0.02)
    latency = query("InvocationLatency", "p90", "AWS/Bedrock", dimensions={"ModelId": NOVA_LITE}, period=3600)
    assert all(value > 0 for value in values(latency, region="us-west-2")["q"])
    names = {metric["MetricName"] for metric in cloudwatch("us-west-2").list_metrics(Namespace="AWS/Bedrock")["Metrics"]}
    assert {"Invocations", "InputTokenCount", "OutputTokenCount", "EstimatedTPMQuotaUsage"} <= names, names
