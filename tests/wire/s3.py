"""S3: objects, lists, multipart uploads, and how they fail."""

import base64
import hashlib
import io
import os
import tempfile
import zlib

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ConnectionError as NoConnection
from botocore.exceptions import HTTPClientError, ResponseStreamingError
from by_hand import raw
from shared import check, client, refused

MEGABYTE = 1 << 20


def s3(region="us-east-1"):
    return client("s3", region)


@check
def s3_objects():
    keys = ["plain", "in/a b+c/é%20?#&=.jsonl", "/begins and ends with a slash/", "new\nline"]
    for key in keys:
        body = f"I am {key}".encode()
        put = s3().put_object(
            Bucket="wire-objects", Key=key, Body=body, ContentType="application/jsonl", Metadata={"run": "7"}
        )
        assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"', put
        crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        assert put["ChecksumCRC32"] == crc and put["ChecksumType"] == "FULL_OBJECT", put
        got = s3().get_object(Bucket="wire-objects", Key=key)
        assert got["Body"].read() == body, key
        assert got["ContentType"] == "application/jsonl" and got["Metadata"] == {"run": "7"}, got
        assert got["ETag"] == put["ETag"] and got["ChecksumCRC32"] == crc and got["AcceptRanges"] == "bytes", got
        head = s3().head_object(Bucket="wire-objects", Key=key)
        assert head["ContentLength"] == len(body) and head["LastModified"] == got["LastModified"], head
        assert "ChecksumCRC32" not in head and head["ResponseMetadata"]["HostId"], head
    listed = [entry["Key"] for entry in s3().list_objects_v2(Bucket="wire-objects")["Contents"]]
    assert listed == sorted(keys), listed
    for _ in range(2):
        s3().delete_object(Bucket="wire-objects", Key="plain")
    refused(lambda: s3().get_object(Bucket="wire-objects", Key="plain"), "NoSuchKey", 404)
    gone = s3().delete_objects(Bucket="wire-objects", Delete={"Objects": [{"Key": key} for key in keys]})
    assert [entry["Key"] for entry in gone["Deleted"]] == keys, gone
    assert s3().list_objects_v2(Bucket="wire-objects")["KeyCount"] == 0


@check
def s3_ranges_and_conditions():
    put = s3().put_object(Bucket="wire-ranges", Key="k", Body=b"0123456789")
    get = lambda **more: s3().get_object(Bucket="wire-ranges", Key="k", **more)  # noqa: E731
    for asked, wanted in [("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-2", b"89"), ("bytes=5-99", b"56789")]:
        got = get(Range=asked)
        assert got["Body"].read() == wanted and got["ContentLength"] == len(wanted), got
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206, got
    assert get(Range="bytes=2-4")["ContentRange"] == "bytes 2-4/10"
    refused(lambda: get(Range="bytes=10-"), "InvalidRange", 416)
    assert get(IfMatch=put["ETag"])["Body"].read() == b"0123456789"
    refused(lambda: get(IfMatch='"0"'), "PreconditionFailed", 412)
    refused(lambda: get(IfNoneMatch=put["ETag"]), "304", 304)
    only_new = lambda key: s3().put_object(Bucket="wire-ranges", Key=key, Body=b"", IfNoneMatch="*")  # noqa: E731
    only_new("empty")
    refused(lambda: only_new("empty"), "PreconditionFailed", 412)
    assert s3().get_object(Bucket="wire-ranges", Key="empty")["Body"].read() == b""


@check
def s3_lists():
    keys = [f"in/{n:02}.jsonl" for n in range(7)] + ["out/a/1", "out/a/2", "out/b", "top"]
    for key in keys:
        s3().put_object(Bucket="wire-lists", Key=key, Body=b"x")
    for operation in ["list_objects_v2", "list_objects"]:
        paginator = s3().get_paginator(operation)
        pages = list(paginator.paginate(Bucket="wire-lists", PaginationConfig={"PageSize": 3}))
        assert [len(page["Contents"]) for page in pages] == [3, 3, 3, 2], pages
        assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys, pages
        names = []
        for page in paginator.paginate(Bucket="wire-lists", Delimiter="/", PaginationConfig={"PageSize": 1}):
            names += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
            names += [entry["Key"] for entry in page.get("Contents", [])]
        assert names == ["in/", "out/", "top"], names
    page = s3().list_objects_v2(Bucket="wire-lists", Prefix="out/", Delimiter="/", StartAfter="out/a/1")
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["out/a/"], page
    assert [entry["Key"] for entry in page["Contents"]] == ["out/b"] and not page["IsTruncated"], page
    assert page["Contents"][0]["Size"] == 1 and page["Contents"][0]["LastModified"].year >= 2026, page
    assert s3().list_objects_v2(Bucket="wire-lists", Prefix="none/")["KeyCount"] == 0
    refused(lambda: s3().list_objects_v2(Bucket="wire-no-bucket"), "NoSuchBucket", 404)
    refused(
        lambda: s3().list_objects_v2(Bucket="wire-lists", ContinuationToken="?"), "InvalidArgument", 400, part="token"
    )


@check
def s3_checksums():
    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        put = s3().put_object(Bucket="wire-sums", Key=algorithm, Body=b"123456789", ChecksumAlgorithm=algorithm)
        got = s3().get_object(Bucket="wire-sums", Key=algorithm, ChecksumMode="ENABLED")
        assert got["Body"].read() == b"123456789"
        assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"], got
    bad = lambda **more: s3().put_object(Bucket="wire-sums", Key="bad", Body=b"123456789", **more)  # noqa: E731
    refused(lambda: bad(ChecksumCRC32="AAAAAA=="), "BadDigest", 400, part="CRC32")
    refused(lambda: bad(ChecksumCRC64NVME="AAAAAAAAAAA="), "BadDigest", 400, part="CRC64NVME")
    assert bad(ChecksumCRC64NVME="rosUhgp5mIg=")["ChecksumCRC64NVME"] == "rosUhgp5mIg="
    assert bad(ChecksumCRC32C="4waSgw==")["ChecksumCRC32C"] == "4waSgw=="
    refused(lambda: bad(ContentMD5=base64.b64encode(bytes(16)).decode()), "BadDigest", 400, part="Content-MD5")
    refused(lambda: bad(ContentMD5="no"), "InvalidDigest", 400)
    s3().delete_object(Bucket="wire-sums", Key="bad")
    refused(lambda: bad(ChecksumSHA256="AAAA"), "InvalidRequest", 400)
    refused(lambda: s3().head_object(Bucket="wire-sums", Key="bad"), "404", 404)


@check
def s3_transfers():
    config = TransferConfig(multipart_threshold=5 * MEGABYTE, multipart_chunksize=5 * MEGABYTE, max_concurrency=3)
    content = os.urandom(12 * MEGABYTE + 1)
    with tempfile.TemporaryDirectory() as folder:
        there, back = os.path.join(folder, "there"), os.path.join(folder, "back")
        with open(there, "wb") as file:
            file.write(content)
        s3().upload_file(there, "wire-transfers", "file", Config=config)
        head = s3().head_object(Bucket="wire-transfers", Key="file", ChecksumMode="ENABLED")
        parts = [content[at : at + 5 * MEGABYTE] for at in range(0, len(content), 5 * MEGABYTE)]
        joined = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
        assert head["ETag"] == f'"{joined}-3"' and head["ContentLength"] == len(content), head
        crc = zlib.crc32(b"".join(zlib.crc32(part).to_bytes(4, "big") for part in parts)).to_bytes(4, "big")
        assert head["ChecksumCRC32"] == f"{base64.b64encode(crc).decode()}-3", head
        s3().download_file("wire-transfers", "file", back, Config=config)
        with open(back, "rb") as file:
            assert file.read() == content
        small = TransferConfig(multipart_threshold=64 * MEGABYTE)
        s3().upload_file(there, "wire-transfers", "whole", Config=small)
        s3().download_file("wire-transfers", "whole", back, Config=small)
        with open(back, "rb") as file:
            assert file.read() == content
    s3().upload_fileobj(io.BytesIO(content), "wire-transfers", "stream", Config=config)
    assert s3().get_object(Bucket="wire-transfers", Key="stream")["Body"].read() == content


@check
def s3_multipart():
    where = {"Bucket": "wire-parts", "Key": "joined"}
    upload = s3().create_multipart_upload(**where, ContentType="text/plain", Metadata={"a": "b"})["UploadId"]
    refused(lambda: s3().get_object(**where), "NoSuchKey", 404)
    part = lambda number, body: s3().upload_part(**where, UploadId=upload, PartNumber=number, Body=body)  # noqa: E731
    large = b"l" * (5 * MEGABYTE)
    tags = {number: part(number, body)["ETag"] for number, body in [(1, large), (2, b"small"), (3, b"end"), (9, b"x")]}
    parts = lambda *numbers: [{"PartNumber": n, "ETag": tags[n]} for n in numbers]  # noqa: E731
    complete = lambda listed: s3().complete_multipart_upload(  # noqa: E731
        **where, UploadId=upload, MultipartUpload={"Parts": listed}
    )
    refused(lambda: complete(parts(1, 2, 3)), "EntityTooSmall", 400)
    refused(lambda: complete(parts(2, 1)), "InvalidPartOrder", 400)
    refused(lambda: complete([{"PartNumber": 1, "ETag": tags[2]}]), "InvalidPart", 400)
    refused(lambda: complete([{"PartNumber": 7, "ETag": tags[2]}]), "InvalidPart", 400)
    refused(lambda: complete([]), "MalformedXML", 400)
    refused(lambda: part(10_001, b"x"), "InvalidArgument", 400)
    pages = s3().get_paginator("list_parts").paginate(**where, UploadId=upload, PaginationConfig={"PageSize": 3})
    listed = [entry for page in pages for entry in page["Parts"]]
    assert [(entry["PartNumber"], entry["Size"]) for entry in listed] == [(1, len(large)), (2, 5), (3, 3), (9, 1)]
    done = complete(parts(1, 3))
    assert done["ETag"].endswith('-2"') and done["ChecksumType"], done
    got = s3().get_object(**where)
    assert got["Body"].read() == large + b"end" and got["ContentType"] == "text/plain", got
    assert got["Metadata"] == {"a": "b"} and got["ETag"] == done["ETag"], got
    across = s3().get_object(**where, Range=f"bytes={len(large) - 2}-{len(large)}")
    assert across["Body"].read() == b"lle", "a range over the seam"
    refused(lambda: complete(parts(1, 3)), "NoSuchUpload", 404)
    refused(lambda: part(1, b"x"), "NoSuchUpload", 404)
    again = s3().create_multipart_upload(**where)["UploadId"]
    s3().abort_multipart_upload(**where, UploadId=again)
    refused(lambda: s3().abort_multipart_upload(**where, UploadId=again), "NoSuchUpload", 404)


@check
def s3_full_object_checksum_of_parts():
    where = {"Bucket": "wire-parts", "Key": "full"}
    upload = s3().create_multipart_upload(**where, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")["UploadId"]
    bodies = [b"a" * (5 * MEGABYTE), b"b" * 1000]
    parts = []
    for number, body in enumerate(bodies, 1):
        sent = s3().upload_part(
            **where, UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32"
        )
        parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]})
    crc = base64.b64encode(zlib.crc32(b"".join(bodies)).to_bytes(4, "big")).decode()
    complete = lambda value: s3().complete_multipart_upload(  # noqa: E731
        **where, UploadId=upload, MultipartUpload={"Parts": parts}, ChecksumCRC32=value, ChecksumType="FULL_OBJECT"
    )
    refused(lambda: complete("AAAAAA=="), "BadDigest", 400)
    assert complete(crc)["ChecksumCRC32"] == crc
    got = s3().get_object(**where)  # boto3 verifies it.
    assert got["Body"].read() == b"".join(bodies) and got["ChecksumCRC32"] == crc, got


@check
def s3_buckets():
    east, west = s3(), s3("us-west-2")
    east.create_bucket(Bucket="wire-made")
    east.create_bucket(Bucket="wire-made")
    where = {"CreateBucketConfiguration": {"LocationConstraint": "us-west-2"}}
    refused(lambda: west.create_bucket(Bucket="wire-made", **where), "BucketAlreadyOwnedByYou", 409)
    assert "wire-made" in [bucket["Name"] for bucket in east.list_buckets()["Buckets"]]
    assert east.head_bucket(Bucket="wire-made")["BucketRegion"] == "us-east-1"
    assert east.get_bucket_location(Bucket="wire-made")["LocationConstraint"] is None
    assert west.get_bucket_location(Bucket="wire-made")["LocationConstraint"] == "us-west-2"
    refused(lambda: east.head_bucket(Bucket="wire-no-bucket"), "404", 404)
    refused(lambda: east.get_object(Bucket="wire-no-bucket", Key="k"), "NoSuchBucket", 404)
    refused(lambda: east.delete_object(Bucket="wire-no-bucket", Key="k"), "NoSuchBucket", 404)
    refused(lambda: east.get_bucket_acl(Bucket="wire-made"), "NotImplemented", 501)
    copy = {"Bucket": "wire-made", "Key": "k"}
    refused(lambda: east.copy_object(Bucket="wire-made", Key="l", CopySource=copy), "NotImplemented", 501)


def broken(call):
    try:
        call()
    except (NoConnection, HTTPClientError, ResponseStreamingError) as error:
        return error
    raise AssertionError("a broken connection was expected")


@check
def s3_faults():
    far, here = s3("eu-west-1"), s3()
    put = lambda: far.put_object(Bucket="wire-faults", Key="k", Body=io.BytesIO(b"x" * MEGABYTE))  # noqa: E731
    refused(put, "SlowDown", 503)
    here.put_object(Bucket="wire-faults", Key="k", Body=b"x" * MEGABYTE)
    broken(lambda: far.get_object(Bucket="wire-faults", Key="k")["Body"].read())
    refused(lambda: far.head_object(Bucket="wire-faults", Key="k"), "403", 403)
    refused(lambda: far.list_objects(Bucket="wire-faults"), "AccessDenied", 403, part="s3:ListBucket")
    refused(lambda: far.list_objects_v2(Bucket="wire-faults"), "ExpiredToken", 400)
    refused(lambda: far.list_buckets(), "ServiceUnavailable", 503)
    where = {"Bucket": "wire-faults", "Key": "parts"}
    upload = far.create_multipart_upload(**where)["UploadId"]
    broken(lambda: far.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"x" * MEGABYTE))
    assert "Parts" not in far.list_parts(**where, UploadId=upload)
    broken(lambda: far.delete_object(Bucket="wire-faults", Key="k"))
    refused(lambda: here.get_object(Bucket="wire-faults", Key="k"), "NoSuchKey", 404)


def by_hand(method, path, body=b"", headers=None):
    connection, signed = raw(method, path, body, service="s3", headers=headers)
    connection.request(method, path, body, signed)
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, text


@check
def s3_by_hand():
    crc = base64.b64encode(zlib.crc32(b"hello, chunks").to_bytes(4, "big")).decode()
    chunks = "7\r\nhello, \r\n6\r\nchunks\r\n0\r\nx-amz-checksum-crc32:{}\r\n\r\n"
    streaming = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "content-encoding": "aws-chunked,gzip",
        "x-amz-decoded-content-length": "13",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    status, text = by_hand("PUT", "/wire-hand/chunked", chunks.format(crc).encode(), streaming)
    assert status == 200, text
    got = s3().get_object(Bucket="wire-hand", Key="chunked")
    assert got["Body"].read() == b"hello, chunks" and got["ContentEncoding"] == "gzip", got
    status, text = by_hand("PUT", "/wire-hand/chunked", chunks.format("AAAAAA==").encode(), streaming)
    assert status == 400 and b"<Code>BadDigest</Code>" in text, text
    status, text = by_hand("PUT", "/wire-hand/chunked", b"7\r\nhello, \r\n0\r\n\r\n", streaming)
    assert status == 400 and b"<Code>IncompleteBody</Code>" in text, text
    # Without a trailer, each chunk signed: the older form.
    signed = {**streaming, "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    signed = {name: value for name, value in signed.items() if name not in ("x-amz-trailer", "content-encoding")}
    body = b"d;chunk-signature=00\r\nhello, chunks\r\n0;chunk-signature=00\r\n\r\n"
    status, text = by_hand("PUT", "/wire-hand/signed", body, signed)
    assert status == 200, text
    got = s3().get_object(Bucket="wire-hand", Key="signed")
    assert got["Body"].read() == b"hello, chunks" and got["ChecksumCRC64NVME"], got

    status, text = by_hand("GET", "/wire-hand/?list-type=2&prefix=ch")
    assert status == 200 and b"<Key>chunked</Key>" in text, text
    status, text = by_hand("GET", "/Not_A_Bucket?list-type=2")
    assert status == 400 and b"<Code>InvalidBucketName</Code>" in text, text
    status, text = by_hand("GET", "/key", headers={"Host": "wire-hand.localhost"})
    assert status == 400 and b"path-style" in text, text
    status, text = by_hand("POST", "/wire-hand?delete", b"<Delete><Object></Del")
    assert status == 400 and b"<Code>MalformedXML</Code>" in text, text
    status, text = by_hand("HEAD", "/wire-hand/none")
    assert status == 404 and text == b"", text

    connection, headers = raw("PUT", "/wire-hand/expect", b"waited", service="s3")
    connection.putrequest("PUT", "/wire-hand/expect")
    for name, value in {**headers, "Expect": "100-continue", "Content-Length": "6"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    interim = connection.sock.recv(64)
    assert interim.startswith(b"HTTP/1.1 100 Continue"), interim
    connection.sock.sendall(b"waited")
    assert connection.getresponse().status == 200
    connection.close()
