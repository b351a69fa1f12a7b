"""CloudWatch at its edges: where periods begin, what comes back exactly, names, and requests in no protocol of its own."""

import datetime
import gzip
import json
import time

from by_hand import raw
from cloudwatch import cloudwatch, minutes_ago, query
from shared import HAIKU, check, client, refused, say

NAMESPACE = "Custom/Edges"


def put(*data, namespace=NAMESPACE):
    cloudwatch().put_metric_data(Namespace=namespace, MetricData=list(data))


def points(name, stat, start, end, period=60, **more):
    asked = [query(name, stat, NAMESPACE, period=period, **more)]
    result = cloudwatch().get_metric_data(
        MetricDataQueries=asked, StartTime=start, EndTime=end, ScanBy="TimestampAscending"
    )["MetricDataResults"][0]
    return list(zip(result["Timestamps"], result["Values"]))


@check
def cloudwatch_periods_begin_where_asked():
    base = minutes_ago(40)
    minute = lambda n, second=0: base + datetime.timedelta(minutes=n, seconds=second)  # noqa: E731
    put(*[{"MetricName": "steps", "Timestamp": minute(n), "Value": 2.0**n} for n in range(20)])
    assert points("steps", "Sum", minute(3, 25), minute(5, 59)) == [(minute(3), 8.0), (minute(4), 16.0)]
    assert points("steps", "Sum", minute(3, 25), minute(3, 55)) == []
    # The last period begins before the end, and is whole.
    wanted = [(minute(3), float(2**8 - 2**3)), (minute(8), float(2**13 - 2**8))]
    assert points("steps", "Sum", minute(3), minute(9), period=300) == wanted
    assert points("steps", "Sum", minute(3), minute(8), period=300) == wanted[:1]
    assert points("steps", "SampleCount", minute(18), minute(30), period=86400) == [(minute(18), 2.0)]
    statistics = cloudwatch().get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="steps",
        StartTime=minute(3, 30),
        EndTime=minute(9),
        Period=300,
        Statistics=["Sum"],
    )["Datapoints"]
    assert [(point["Timestamp"], point["Sum"]) for point in statistics] == wanted, statistics


@check
def cloudwatch_values_come_back_exactly():
    at = minutes_ago(10)
    put({"MetricName": "skew", "Timestamp": at, "Values": [10.1, 20.2, 1000.3], "Counts": [90.0, 9.0, 1.0]})
    span = at, at + datetime.timedelta(minutes=1)
    got = [points("skew", stat, *span)[0][1] for stat in ["p0", "p50", "p90", "p90.01", "p99", "p99.5", "p100"]]
    assert got == [10.1, 10.1, 10.1, 20.2, 20.2, 1000.3, 1000.3], got
    odd = {"SampleCount": 2, "Sum": 7, "Minimum": 3, "Maximum": 3}
    put({"MetricName": "odd", "Timestamp": at, "StatisticValues": odd})
    assert points("odd", "Sum", *span) == [(at, 7.0)] and points("odd", "p50", *span) == []
    # Seconds are kept for three hours of the service's time, which are soon over here: only the minute is sure.
    fine = [{"MetricName": "fine", "Timestamp": at, "Value": n, "StorageResolution": 1} for n in [1, 2]]
    put(*fine)
    assert points("fine", "Sum", *span) == [(at, 3.0)]


@check
def cloudwatch_names_and_filters():
    for name, value in [(":d", "v"), ("d", "caf\u00e9"), ("d", "  "), ("d", "a\x01"), ("d\t", "v")]:
        datum = {"MetricName": "named", "Value": 1, "Dimensions": [{"Name": name, "Value": value}]}
        refused(lambda: put(datum), "InvalidParameterValue", 400, part="Dimensions")  # noqa: B023
    for namespace in [":Custom", "Caf\u00e9", " ", "AWS/Other", "a,b"]:
        datum = {"MetricName": "named", "Value": 1}
        refused(lambda: put(datum, namespace=namespace), "InvalidParameterValue", 400, part="Namespace")  # noqa: B023
    many = [{"Name": f"d{n}"} for n in range(11)]
    refused(lambda: cloudwatch().list_metrics(Dimensions=many), "InvalidParameterValue", 400, part="Dimensions")
    start, end = minutes_ago(3 * 1440), minutes_ago(0)
    ask = lambda **more: cloudwatch().get_metric_statistics(  # noqa: E731
        Namespace=NAMESPACE, MetricName="named", StartTime=start, EndTime=end, **more
    )
    refused(lambda: ask(Period=60, Statistics=["Sum"]), "InvalidParameterCombination", 400, part="4320 datapoints")
    both = {"Statistics": ["Sum"], "ExtendedStatistics": ["p50"]}
    refused(lambda: ask(Period=3600, **both), "InvalidParameterCombination", 400)
    refused(lambda: ask(Period=3600, Statistics=["Sum"] * 6), "InvalidParameterValue", 400)
    assert ask(Period=3600, Statistics=["Sum"])["Datapoints"] == []


@check
def service_tiers():
    """The tier that is asked for is told in the reply, and has metrics of its own."""
    runtime, ask = client("bedrock-runtime"), {"modelId": HAIKU, "messages": say("Hello."), "inferenceConfig": {"maxTokens": 5}}
    told = [runtime.converse(**ask, serviceTier={"type": tier})["serviceTier"] for tier in ("flex", "priority", "reserved")]
    assert told == [{"type": "flex"}, {"type": "priority"}, {"type": "default"}], told
    assert "serviceTier" not in runtime.converse(**ask)
    stream = runtime.converse_stream(**ask, serviceTier={"type": "flex"})["stream"]
    metadata = [event["metadata"] for event in stream if "metadata" in event]
    assert metadata[0]["serviceTier"] == {"type": "flex"}, metadata
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": say("Hello.")}
    body["messages"][0]["content"][0]["type"] = "text"
    reply = runtime.invoke_model(modelId=HAIKU, body=json.dumps(body), serviceTier="priority")
    assert reply["serviceTier"] == "priority", reply
    headers = reply["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-service-tier"] == "priority", headers
    bad = {**ask, "serviceTier": {"type": "express"}}
    refused(lambda: runtime.converse(**bad), "ValidationException", 400, part="serviceTier")

    def calls(tier, resolved):
        dimensions = {"ModelId": HAIKU, "ServiceTier": tier, "ResolvedServiceTier": resolved}
        asked = query("Invocations", "Sum", "AWS/Bedrock", period=3600, dimensions=dimensions)
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=60)
        page = cloudwatch().get_metric_data(MetricDataQueries=[asked], StartTime=minutes_ago(60), EndTime=end)
        return sum(page["MetricDataResults"][0]["Values"])

    deadline = time.monotonic() + 30
    tiers = [("flex", "flex"), ("priority", "priority"), ("reserved", "default")]
    while (found := [calls(*tier) for tier in tiers]) != [2, 2, 1]:
        assert time.monotonic() < deadline, found


CBOR = "/service/GraniteServiceVersion20100801/operation/ListMetrics"
IN_CBOR = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
IN_JSON = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801.ListMetrics"}


def by_hand(path, body, headers, method="POST"):
    connection, headers = raw(method, path, body, "monitoring", headers=headers)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    code = (reply.getheader("x-amzn-query-error") or "").split(";")[0]
    return reply.status, code, reply.getheader("content-type"), reply.read()


@check
def cloudwatch_by_hand():
    assert by_hand(CBOR, b"\xa0", IN_CBOR)[0] == 200
    for body in [b"", b"\xbf", b"\x9f" * 500_000, b"\xa1\x61a" * 300_000, b"\xc6" * 900_000, b"\xbb" + b"\xff" * 8]:
        status, code, kind, _ = by_hand(CBOR, body, IN_CBOR)
        assert (status, code, kind) == (400, "SerializationException", "application/cbor"), (body[:9], status, code)
    for body in [b"", b"[]", b"{", b"[" * 500_000, b"\xff"]:
        status, code, kind, _ = by_hand("/", body, IN_JSON)
        assert (status, code, kind) == (400, "SerializationException", IN_JSON["Content-Type"]), (body[:9], status)
    # A null is nothing; an unknown member is nobody's.
    status, _, _, reply = by_hand("/", b'{"Namespace":"None/Such","Dimensions":null,"New":{"a":[null]}}', IN_JSON)
    assert status == 200 and json.loads(reply) == {"Metrics": []}, (status, reply)
    for path, headers in [
        (CBOR, {**IN_CBOR, "Content-Type": "application/json"}),
        (CBOR, {**IN_CBOR, "smithy-protocol": "rpc-v2-json"}),
        ("/", {**IN_JSON, "Content-Type": "text/plain"}),
        ("/", {**IN_JSON, "Content-Encoding": "br"}),
    ]:
        status, code, _, _ = by_hand(path, b"{}", headers)
        assert (status, code) == (415, "UnsupportedMediaTypeException"), (headers, status, code)
    assert by_hand(CBOR, b"", IN_CBOR, method="GET")[:2] == (404, "UnknownOperationException")
    bomb = gzip.compress(b" " * 2_000_000 + b"{}")
    assert by_hand("/", bomb, {**IN_JSON, "Content-Encoding": "gzip"})[:2] == (413, "RequestEntityTooLargeException")
    # A client of before reads why in its own protocol.
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, kind, reply = by_hand("/", b"Action=ListMetrics&Version=2010-08-01", form)
    assert status == 404 and kind == "text/xml" and b"query protocol" in reply, (status, kind, reply)
