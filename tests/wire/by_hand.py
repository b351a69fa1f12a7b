"""Requests by hand: what boto3 would never send, and many at once."""

import gzip
import http.client
import json
import threading
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from shared import ACCOUNT, ENDPOINT, HAIKU, check, client, say


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
        ("sqs", "/bucket/key", 404, "UnknownOperationException"),
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
