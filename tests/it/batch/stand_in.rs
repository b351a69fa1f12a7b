//! A control plane for batch jobs in front of the simulator: it answers calls about jobs as a trial wants them answered,
//! and hands everything else (S3, quotas, identity) on as it stands.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use bedrock_top::sim::Simulator;
use serde_json::{Value, json};

/// How a record of a job goes.
#[derive(Clone, Copy)]
pub enum Record {
    Well,
    /// With this error code.
    Error(u16),
    /// Nothing is written about it.
    Nothing,
}

/// What becomes of a job: it is at work for some readings, then this.
#[derive(Clone)]
pub struct Plan {
    /// Readings for which it is at work.
    pub readings: usize,
    /// Its end.
    pub end: &'static str,
    pub message: Option<&'static str>,
    /// How record `n` of a job of generation `g` goes.
    pub record: fn(n: usize, g: usize) -> Record,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { readings: 1, end: "Completed", message: None, record: |_, _| Record::Well }
    }
}

/// A job as it was ordered, and how far it is.
pub struct Job {
    pub arn: String,
    pub order: Value,
    pub status: String,
    readings: usize,
    looks: usize,
    counts: [usize; 4],
}

impl Job {
    /// Somebody watches it: has found it, and looked at it.
    pub fn read(&self) -> bool {
        self.looks > 1
    }

    /// At work again, for a few readings.
    pub fn restart(&mut self) {
        (self.status, self.readings, self.looks) = ("InProgress".to_owned(), 3, 0);
    }

    pub fn tag(&self, key: &str) -> Option<&str> {
        let tags = self.order["tags"].as_array()?;
        tags.iter().find(|tag| tag["key"] == key)?["value"].as_str()
    }
}

#[derive(Default)]
pub struct State {
    pub plan: Plan,
    pub jobs: Vec<Job>,
    /// Creates that are accepted and then left without a reply.
    pub lose_replies: usize,
    /// Creates that are refused for want of a slot.
    pub full: usize,
    /// Answers to any call about jobs that are throttles.
    pub throttles: usize,
    /// Lists that are denied.
    pub deny_lists: usize,
    pub creates: usize,
}

/// Serves until the process ends: its threads have nothing to clean up.
pub struct StandIn {
    pub simulator: Simulator,
    state: Arc<Mutex<State>>,
    address: SocketAddr,
}

impl StandIn {
    pub fn new(simulator: Simulator) -> StandIn {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, upstream) = (Arc::clone(&state), simulator.addr());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client that goes away is a trial's business.
                std::thread::spawn(move || drop(serve(stream, upstream, &shared)));
            }
        });
        StandIn { simulator, state, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The contents of an object.
    pub fn object(&self, at: &str) -> Vec<u8> {
        s3(self.simulator.addr(), "GET", &path(at), b"")
    }

    /// The keys in a bucket.
    pub fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        list(self.simulator.addr(), bucket, prefix)
    }

    /// Deletes an object, as somebody else's program would.
    pub fn delete(&self, at: &str) {
        s3(self.simulator.addr(), "DELETE", &path(at), b"");
    }

    /// Puts an object, as somebody else's program would.
    pub fn put(&self, at: &str, bytes: &[u8]) {
        s3(self.simulator.addr(), "PUT", &path(at), bytes);
    }
}

fn path(at: &str) -> String {
    format!("/{}", at.strip_prefix("s3://").unwrap())
}

/// One exchange with the simulator's S3, whose signatures nobody verifies.
fn s3(upstream: SocketAddr, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(upstream).unwrap();
    let scope = "Credential=trial/20260101/us-east-1/s3/aws4_request";
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\
         x-amz-content-sha256: UNSIGNED-PAYLOAD\r\nx-amz-date: 20260101T000000Z\r\n\
         authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(body).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let head = reply.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let text = String::from_utf8_lossy(&reply[..head]).to_ascii_lowercase();
    assert!(text.starts_with("http/1.1 20"), "{method} {path}: {}", String::from_utf8_lossy(&reply));
    let body = &reply[head..];
    if text.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_vec() }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        // Cut off: what there is.
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else { return whole };
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return whole;
        }
        let next = (end + 2 + size + 2).min(rest.len());
        whole.extend_from_slice(&rest[end + 2..(end + 2 + size).min(next)]);
        rest = &rest[next..];
    }
}

fn list(upstream: SocketAddr, bucket: &str, prefix: &str) -> Vec<String> {
    let reply = s3(upstream, "GET", &format!("/{bucket}?list-type=2&prefix={prefix}"), b"");
    let text = String::from_utf8(reply).unwrap();
    text.split("<Key>").skip(1).map(|part| part.split("</Key>").next().unwrap().to_owned()).collect()
}

fn serve(mut stream: TcpStream, upstream: SocketAddr, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let header = |name: &str| {
        let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut words = text.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let decoded = percent_encoding::percent_decode_str(target).decode_utf8_lossy().into_owned();
    let of_jobs = decoded.starts_with("/model-invocation-job") || decoded.starts_with("/listTagsForResource");
    if header("authorization").is_some_and(|value| value.contains("/bedrock/aws4_request")) && of_jobs {
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let Some((status, kind, reply)) = answer(method, &decoded, &body, upstream, state) else { return Ok(()) };
        let reply = reply.to_string();
        let date = jiff::fmt::rfc2822::to_string(&jiff::Zoned::now()).unwrap();
        return write!(
            stream,
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nx-amzn-requestid: request-1\r\ndate: {date}\r\n\
             x-amzn-errortype: {kind}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{reply}",
            reply.len()
        );
    }
    // Everything else goes on as it stands, one exchange for each connection.
    let mut server = TcpStream::connect(upstream)?;
    let plain = text.trim_end().lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let head = plain.collect::<Vec<_>>().join("\r\n");
    write!(server, "{head}\r\nconnection: close\r\n\r\n")?;
    let mut back = server.try_clone()?;
    let mut client = stream.try_clone()?;
    let replies = std::thread::spawn(move || {
        let copied = std::io::copy(&mut back, &mut client);
        let _ = client.shutdown(std::net::Shutdown::Both);
        copied
    });
    let sent = std::io::copy(&mut reader.take(length as u64), &mut server);
    if sent.is_err() || *sent.as_ref().unwrap_or(&0) < length as u64 {
        // A client that left in the middle is seen to leave.
        server.shutdown(std::net::Shutdown::Both)?;
    }
    let _ = replies.join();
    let _ = stream.flush();
    Ok(())
}

type Answer = Option<(u16, &'static str, Value)>;

/// `None`: the connection is closed without a reply.
fn answer(method: &str, path: &str, body: &[u8], upstream: SocketAddr, state: &Mutex<State>) -> Answer {
    let mut state = state.lock().unwrap();
    if state.throttles > 0 {
        state.throttles -= 1;
        return Some((429, "ThrottlingException", json!({ "message": "Rate exceeded" })));
    }
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path == "/model-invocation-job" && method == "POST" {
        return create(&mut state, serde_json::from_slice(body).unwrap());
    }
    if path == "/model-invocation-jobs" {
        if state.deny_lists > 0 {
            state.deny_lists -= 1;
            return Some((403, "AccessDeniedException", json!({ "message": "no" })));
        }
        let name = query.split('&').find_map(|pair| pair.strip_prefix("nameContains=")).unwrap_or("");
        let named = |job: &&Job| job.order["jobName"].as_str().unwrap().contains(name);
        let summaries: Vec<Value> = state.jobs.iter().rev().filter(named).map(summary).collect();
        return Some((200, "", json!({ "invocationJobSummaries": summaries })));
    }
    if path == "/listTagsForResource" {
        let order: Value = serde_json::from_slice(body).unwrap();
        let tags = state.jobs.iter().find(|job| job.arn == order["resourceARN"]).map(|job| job.order["tags"].clone());
        return Some((200, "", json!({ "tags": tags.unwrap_or(json!([])) })));
    }
    let which = path.strip_prefix("/model-invocation-job/").unwrap();
    let (which, stop) = which.strip_suffix("/stop").map_or((which, false), |which| (which, true));
    let plan = state.plan.clone();
    let Some(job) = state.jobs.iter_mut().find(|job| job.arn == which || job.arn.ends_with(&format!("/{which}")))
    else {
        return Some((404, "ResourceNotFoundException", json!({ "message": "there is no such job" })));
    };
    if stop {
        if job.status == "Completed" {
            return Some((400, "ConflictException", json!({ "message": "the job is over" })));
        }
        work(job, &Plan { end: "Stopped", ..plan }, upstream);
        return Some((200, "", json!({})));
    }
    job.looks += 1;
    if job.status == "InProgress" {
        if job.readings == 0 {
            work(job, &plan, upstream);
        } else {
            job.readings -= 1;
        }
    }
    Some((200, "", summary(job)))
}

fn create(state: &mut State, order: Value) -> Answer {
    state.creates += 1;
    if state.full > 0 {
        state.full -= 1;
        let message = "the sum of in-progress and submitted jobs is used up";
        return Some((400, "ServiceQuotaExceededException", json!({ "message": message })));
    }
    let token = &order["clientRequestToken"];
    let arn = match state.jobs.iter().find(|job| job.order["clientRequestToken"] == *token) {
        Some(job) => job.arn.clone(),
        None => {
            let arn =
                format!("arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/{:012x}", state.jobs.len() + 10);
            let readings = state.plan.readings;
            let status = "InProgress".to_owned();
            state.jobs.push(Job { arn: arn.clone(), order, status, readings, looks: 0, counts: [0; 4] });
            arn
        }
    };
    if state.lose_replies > 0 {
        state.lose_replies -= 1;
        return None;
    }
    Some((200, "", json!({ "jobArn": arn })))
}

fn summary(job: &Job) -> Value {
    let mut told = job.order.clone();
    let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap();
    told["jobArn"] = json!(job.arn);
    told["status"] = json!(job.status);
    told["submitTime"] = json!("2026-01-01T00:00:00Z");
    told["jobExpirationTime"] = json!((now + jiff::SignedDuration::from_hours(20)).to_string());
    let names = ["totalRecordCount", "processedRecordCount", "successRecordCount", "errorRecordCount"];
    for (name, count) in names.into_iter().zip(job.counts) {
        told[name] = json!(count);
    }
    told.as_object_mut().unwrap().remove("tags");
    told
}

/// Does the whole job at once: reads its input from S3, writes its output there.
fn work(job: &mut Job, plan: &Plan, upstream: SocketAddr) {
    job.status = plan.end.to_owned();
    if let Some(message) = plan.message {
        job.order["message"] = json!(message);
    }
    if plan.end == "Failed" {
        return;
    }
    let input = job.order["inputDataConfig"]["s3InputDataConfig"]["s3Uri"].as_str().unwrap();
    let output = job.order["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].as_str().unwrap();
    let generation: usize = job.tag("bedrock-top:generation").map_or(1, |n| n.parse().unwrap());
    let (bucket, key) = input.strip_prefix("s3://").unwrap().split_once('/').unwrap();
    let folder = format!("{}{}", path(output), job.arn.rsplit('/').next().unwrap());
    let mut counts = [0; 4];
    for key in list(upstream, bucket, key) {
        // Where transfers break, the service itself does not mind.
        let read = || s3(upstream, "GET", &format!("/{bucket}/{key}"), b"");
        let whole = std::iter::repeat_with(read).find(|bytes| bytes.ends_with(b"}\n")).unwrap();
        let text = String::from_utf8(whole).unwrap();
        let mut lines = String::new();
        for line in text.lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            let id = record["recordId"].as_str().expect("the copy names every record");
            let n: usize = id.rsplit('-').next().unwrap().parse().unwrap();
            counts[0] += 1;
            let mut out = json!({ "recordId": id, "modelInput": record["modelInput"] });
            match (plan.record)(n, generation) {
                Record::Well => {
                    counts[2] += 1;
                    out["modelOutput"] = json!({ "answer": n });
                }
                Record::Error(code) => {
                    counts[3] += 1;
                    out["error"] = json!({ "errorCode": code, "errorMessage": format!("trouble {n}") });
                }
                Record::Nothing => continue,
            }
            counts[1] += 1;
            lines.insert_str(0, &format!("{out}\n"));
        }
        let name = key.rsplit('/').next().unwrap();
        s3(upstream, "PUT", &format!("{folder}/{name}.out"), lines.as_bytes());
    }
    s3(upstream, "PUT", &format!("{folder}/manifest.json.out"), b"{\"inputTokenCount\":9,\"outputTokenCount\":4}");
    job.counts = counts;
}
