//! The simulator's S3, driven by the Rust SDK: objects from memory and from files, in parts and in ranges, lists, and
//! transfers that break in the middle.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_s3 as s3;
use bedrock_top::sim::{Fault, FaultKind, Operation, Scenario, Simulator};
use libtest_mimic::{Failed, Trial};
use s3::config::{BehaviorVersion, Credentials, Region};
use s3::error::ProvideErrorMetadata;
use s3::primitives::ByteStream;
use s3::types::{ChecksumType, CompletedMultipartUpload, CompletedPart};

use crate::wire::{LOOPBACK, check, fast};

const MEGABYTE: usize = 1 << 20;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("what_was_put_from_memory_comes_back", from_memory),
        trial("a_file_travels_in_chunks_with_its_checksum_behind_it", from_file),
        trial("three_parts_make_one_object", three_parts),
        trial("lists_come_in_pages", lists_in_pages),
        trial("errors_have_their_names", errors_have_names),
        trial("a_download_that_breaks_is_an_error_and_its_rest_can_be_fetched", broken_download),
        trial("an_upload_that_is_reset_leaves_nothing", reset_upload),
        trial("an_upload_whose_client_leaves_leaves_nothing", abandoned_upload),
        trial("a_lost_reply_has_done_its_work", lost_reply),
        trial("a_throttled_upload_is_told_so_though_it_was_sending", throttled_upload),
    ]
}

fn trial<F>(name: &str, test: fn() -> F) -> Trial
where
    F: Future<Output = Result<(), Failed>> + 'static,
{
    Trial::test(format!("s3::{name}"), move || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(test())
    })
}

fn simulator(faults: &[(FaultKind, &str)]) -> Result<Simulator, Failed> {
    let fault = |(kind, operation): &(FaultKind, &str)| Fault {
        region: Some("us-west-2".into()),
        kind: *kind,
        service: Some("s3".into()),
        operation: Some((*operation).into()),
        model: None,
        at_s: 0.0,
        for_s: None,
        rate: 1.0,
    };
    let scenario = Scenario {
        regions: vec![fast("us-east-1"), fast("us-west-2")],
        faults: faults.iter().map(fault).collect(),
        ..Scenario::default()
    };
    Ok(Simulator::start(scenario, LOOPBACK)?)
}

/// A client of a Region. In us-west-2 things break.
fn client(simulator: &Simulator, region: &'static str) -> s3::Client {
    let config = s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .endpoint_url(simulator.url().as_str())
        .force_path_style(true)
        .credentials_provider(Credentials::new("AKIDSDK", "secret", None, None, "test"))
        .retry_config(s3::config::retry::RetryConfig::disabled())
        .build();
    s3::Client::from_conf(config)
}

/// Bytes in which no two places are alike.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect()
}

async fn read(client: &s3::Client, key: &str) -> Result<Vec<u8>, Failed> {
    let reply = client.get_object().bucket("bkt").key(key).send().await?;
    Ok(reply.body.collect().await?.to_vec())
}

async fn put(client: &s3::Client, key: &str, bytes: Vec<u8>) -> Result<(), Failed> {
    client.put_object().bucket("bkt").key(key).body(ByteStream::from(bytes)).send().await?;
    Ok(())
}

async fn from_memory() -> Result<(), Failed> {
    let simulator = simulator(&[])?;
    let client = client(&simulator, "us-east-1");
    for (key, length) in [("empty", 0), ("in/a b+c é.jsonl", 3 * MEGABYTE + 1)] {
        let bytes = content(length);
        let stored = client
            .put_object()
            .bucket("bkt")
            .key(key)
            .content_type("application/jsonl")
            .metadata("run", "7")
            .body(ByteStream::from(bytes.clone()))
            .send()
            .await?;
        check(stored.checksum_crc32().is_some(), &stored)?;
        let reply = client.get_object().bucket("bkt").key(key).send().await?;
        check(reply.e_tag() == stored.e_tag() && reply.content_length() == Some(length as i64), &reply)?;
        check(reply.content_type() == Some("application/jsonl"), &reply)?;
        check(reply.metadata().is_some_and(|metadata| metadata["run"] == "7"), &reply)?;
        check(reply.checksum_crc32() == stored.checksum_crc32(), &reply)?;
        check(reply.body.collect().await?.to_vec() == bytes, key)?;
        let head = client.head_object().bucket("bkt").key(key).send().await?;
        check(head.content_length() == Some(length as i64) && head.last_modified().is_some(), &head)?;
        client.delete_object().bucket("bkt").key(key).send().await?;
    }
    let ledger = simulator.ledger();
    check(ledger.requests(Operation::PutObject) == 2 && ledger.errors.is_empty(), &ledger)
}

/// A temporary file with this content.
fn file(bytes: &[u8]) -> Result<(tempfile::TempDir, PathBuf), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("content");
    std::fs::write(&path, bytes)?;
    Ok((folder, path))
}

async fn from_file() -> Result<(), Failed> {
    let simulator = simulator(&[])?;
    simulator.watch("STREAMING-");
    let client = client(&simulator, "us-east-1");
    let bytes = content(5 * MEGABYTE + 7);
    let (_folder, path) = file(&bytes)?;
    let stored = client.put_object().bucket("bkt").key("file").body(ByteStream::from_path(&path).await?).send().await?;
    check(stored.checksum_crc32().is_some(), &stored)?;
    check(simulator.ledger().watched["STREAMING-"] == 1, "the body was not in aws-chunked")?;
    check(read(&client, "file").await? == bytes, "the content differs")
}

async fn three_parts() -> Result<(), Failed> {
    let simulator = simulator(&[])?;
    let client = client(&simulator, "us-east-1");
    let bytes = content(11 * MEGABYTE);
    let begun = client.create_multipart_upload().bucket("bkt").key("parts").send().await?;
    let id = begun.upload_id().ok_or("no upload id")?;
    let mut parts = CompletedMultipartUpload::builder();
    for (number, piece) in (1..).zip(bytes.chunks(5 * MEGABYTE)) {
        // The second comes from a file, the others from memory.
        let (_folder, path) = file(piece)?;
        let body = if number == 2 { ByteStream::from_path(&path).await? } else { ByteStream::from(piece.to_vec()) };
        let part =
            client.upload_part().bucket("bkt").key("parts").upload_id(id).part_number(number).body(body).send().await?;
        parts = parts.parts(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag().map(str::to_owned))
                .set_checksum_crc32(part.checksum_crc32().map(str::to_owned))
                .build(),
        );
    }
    let done = client
        .complete_multipart_upload()
        .bucket("bkt")
        .key("parts")
        .upload_id(id)
        .multipart_upload(parts.build())
        .send()
        .await?;
    check(done.e_tag().is_some_and(|tag| tag.ends_with("-3\"")), &done)?;
    // The SDK names no algorithm for the object, so it has the service's own, of the whole: reading verifies it.
    check(done.checksum_crc64_nvme().is_some() && done.checksum_type() == Some(&ChecksumType::FullObject), &done)?;
    check(read(&client, "parts").await? == bytes, "the content differs")?;
    // Over the seam of two parts.
    let (from, to) = (5 * MEGABYTE - 10, 5 * MEGABYTE + 9);
    let reply = client.get_object().bucket("bkt").key("parts").range(format!("bytes={from}-{to}")).send().await?;
    check(reply.content_range() == Some(format!("bytes {from}-{to}/{}", bytes.len()).as_str()), &reply)?;
    check(reply.body.collect().await?.to_vec() == bytes[from..=to], "the range differs")
}

async fn lists_in_pages() -> Result<(), Failed> {
    let simulator = simulator(&[])?;
    let client = client(&simulator, "us-east-1");
    let keys: Vec<String> = (0..25).map(|n| format!("in/{n:03} é.jsonl")).collect();
    for key in &keys {
        put(&client, key, vec![b'x'; 10]).await?;
    }
    put(&client, "out/1", Vec::new()).await?;
    let mut pages = client.list_objects_v2().bucket("bkt").prefix("in/").max_keys(10).into_paginator().send();
    let mut seen = Vec::new();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        let page = page?;
        count += 1;
        check(page.contents().iter().all(|object| object.size() == Some(10)), &page)?;
        seen.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
    }
    check(count == 3 && seen == keys, (count, &seen))?;
    let tops = client.list_objects_v2().bucket("bkt").delimiter("/").send().await?;
    let tops: Vec<&str> = tops.common_prefixes().iter().filter_map(|prefix| prefix.prefix()).collect();
    check(tops == ["in/", "out/"], tops)
}

async fn errors_have_names() -> Result<(), Failed> {
    let simulator = simulator(&[(FaultKind::Denied, "ListObjectsV2"), (FaultKind::Expired, "HeadBucket")])?;
    let client = client(&simulator, "us-east-1");
    put(&client, "k", content(10)).await?;
    let error = client.get_object().bucket("bkt").key("none").send().await.err().ok_or("found")?;
    check(error.as_service_error().is_some_and(|error| error.is_no_such_key()), &error)?;
    let error = client.list_objects_v2().bucket("no-bucket").send().await.err().ok_or("found")?;
    check(error.as_service_error().is_some_and(|error| error.is_no_such_bucket()), &error)?;
    let error = client.head_object().bucket("bkt").key("none").send().await.err().ok_or("found")?;
    check(error.as_service_error().is_some_and(|error| error.is_not_found()), &error)?;
    let error = client.get_object().bucket("bkt").key("k").range("bytes=10-").send().await.err().ok_or("found")?;
    check(error.code() == Some("InvalidRange"), &error)?;
    let error = client.put_object().bucket("bkt").key("k").checksum_crc32("AAAAAA==").body(content(9).into());
    let error = error.send().await.err().ok_or("stored")?;
    check(error.code() == Some("BadDigest"), &error)?;
    check(read(&client, "k").await? == content(10), "a refused put must not replace the object")?;
    let far = self::client(&simulator, "us-west-2");
    let error = far.list_objects_v2().bucket("bkt").send().await.err().ok_or("allowed")?;
    check(error.code() == Some("AccessDenied") && error.message().is_some_and(|m| m.contains("s3:ListBucket")), &error)
}

async fn broken_download() -> Result<(), Failed> {
    let simulator = simulator(&[(FaultKind::Truncate, "GetObject")])?;
    let bytes = content(2 * MEGABYTE);
    let (near, far) = (client(&simulator, "us-east-1"), client(&simulator, "us-west-2"));
    put(&near, "k", bytes.clone()).await?;
    let mut reply = far.get_object().bucket("bkt").key("k").send().await?;
    let mut come = Vec::new();
    let error = loop {
        match reply.body.next().await {
            Some(Ok(piece)) => come.extend_from_slice(&piece),
            Some(Err(error)) => break error,
            None => return Err("the body ended as if it were whole".into()),
        }
    };
    check(come.len() == MEGABYTE && bytes.starts_with(&come), (come.len(), error))?;
    let rest = near.get_object().bucket("bkt").key("k").range(format!("bytes={}-", come.len())).send().await?;
    come.extend_from_slice(&rest.body.collect().await?.into_bytes());
    check(come == bytes, "the halves do not make the whole")
}

/// The head of a signed PUT.
fn head(path: &str, region: &str, length: usize) -> String {
    format!(
        "PUT {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {length}\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential=AKIDRAW/20260101/{region}/s3/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n"
    )
}

async fn reset_upload() -> Result<(), Failed> {
    let simulator = simulator(&[(FaultKind::Reset, "PutObject")])?;
    let (near, far) = (client(&simulator, "us-east-1"), client(&simulator, "us-west-2"));
    put(&near, "other", content(1)).await?;
    let error = put(&far, "k", content(8 * MEGABYTE)).await.err().ok_or("stored")?;
    let error = format!("{error:?}");
    check(error.contains("dispatch failure") || error.contains("DispatchFailure"), &error)?;
    let missing = near.get_object().bucket("bkt").key("k").send().await.err().ok_or("stored")?;
    check(missing.code() == Some("NoSuchKey"), &missing)?;
    // Sent by hand it can be seen that half is taken first.
    let mut stream = TcpStream::connect(simulator.addr())?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(head("/bkt/k", "us-west-2", 2 * MEGABYTE).as_bytes())?;
    stream.write_all(&content(MEGABYTE))?;
    let mut reply = Vec::new();
    let error = stream.read_to_end(&mut reply).err().map(|error| error.kind());
    check(error == Some(ErrorKind::ConnectionReset) && reply.is_empty(), (error, reply))
}

async fn abandoned_upload() -> Result<(), Failed> {
    let simulator = simulator(&[])?;
    let client = client(&simulator, "us-east-1");
    put(&client, "other", content(1)).await?;
    let mut stream = TcpStream::connect(simulator.addr())?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(head("/bkt/k", "us-east-1", 2 * MEGABYTE).as_bytes())?;
    stream.write_all(&content(MEGABYTE))?;
    stream.shutdown(Shutdown::Write)?;
    // The simulator has noticed when it closes its side.
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    let missing = client.get_object().bucket("bkt").key("k").send().await.err().ok_or("stored")?;
    check(missing.code() == Some("NoSuchKey"), &missing)
}

async fn lost_reply() -> Result<(), Failed> {
    let simulator = simulator(&[(FaultKind::LostReply, "PutObject"), (FaultKind::Stall, "DeleteObject")])?;
    let (near, far) = (client(&simulator, "us-east-1"), client(&simulator, "us-west-2"));
    put(&far, "k", content(MEGABYTE)).await.err().ok_or("the reply came")?;
    check(read(&near, "k").await? == content(MEGABYTE), "the work was not done")?;
    let stalled = far.delete_object().bucket("bkt").key("k").send();
    check(tokio::time::timeout(Duration::from_millis(300), stalled).await.is_err(), "the reply came")?;
    let missing = near.head_object().bucket("bkt").key("k").send().await.err().ok_or("not deleted")?;
    check(missing.as_service_error().is_some_and(|error| error.is_not_found()), &missing)
}

async fn throttled_upload() -> Result<(), Failed> {
    let simulator = simulator(&[(FaultKind::Throttle, "PutObject")])?;
    let far = client(&simulator, "us-west-2");
    let body = ByteStream::from(content(8 * MEGABYTE));
    let error = far.put_object().bucket("bkt").key("k").body(body).send().await.err().ok_or("stored")?;
    check(error.code() == Some("SlowDown"), &error)?;
    check(error.raw_response().is_some_and(|raw| raw.status().as_u16() == 503), &error)
}
