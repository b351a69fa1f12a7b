//! The simulator on the wire, byte by byte: how connections end, what bodies it takes, what it owes when a client goes.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bedrock_top::sim::{Fault, FaultKind, Operation, RegionSpec, Scenario, ScopeLedger, Simulator, TenantSpec};
use libtest_mimic::{Failed, Trial};

use crate::wire::{HAIKU, LOOPBACK, check, fast, quota};

/// A test, its name beside it.
type Test = (&'static str, fn() -> Result<(), Failed>);

const TESTS: [Test; 9] = [
    ("a_reset_is_a_tcp_reset", a_reset_is_a_tcp_reset),
    ("a_lost_reply_is_a_close_without_a_byte", a_lost_reply_is_a_close_without_a_byte),
    ("a_truncated_reply_is_shorter_than_announced", a_truncated_reply_is_shorter_than_announced),
    ("a_malformed_reply_is_no_json", a_malformed_reply_is_no_json),
    ("a_client_that_leaves_a_unary_call_is_charged", a_client_that_leaves_a_unary_call_is_charged),
    ("stop_lets_replies_finish", stop_lets_replies_finish),
    ("the_same_seed_replies_the_same", the_same_seed_replies_the_same),
    ("a_body_beyond_the_limit_is_refused_while_it_comes", a_body_beyond_the_limit_is_refused_while_it_comes),
    ("an_unusable_scenario_does_not_start", an_unusable_scenario_does_not_start),
];

pub fn trials() -> Vec<Trial> {
    TESTS.into_iter().map(|(name, test)| Trial::test(format!("wire_raw::{name}"), test)).collect()
}

fn scenario() -> Scenario {
    Scenario {
        output_tokens: 60.0,
        regions: vec![fast("us-east-1")],
        quotas: vec![bedrock_top::sim::QuotaSpec { tpm: Some(1_000_000), ..quota(HAIKU) }],
        ..Scenario::default()
    }
}

fn with_fault(kind: FaultKind) -> Result<Simulator, Failed> {
    let fault =
        Fault { region: None, kind, service: None, operation: None, model: None, at_s: 0.0, for_s: None, rate: 1.0 };
    Ok(Simulator::start(Scenario { faults: vec![fault], ..scenario() }, LOOPBACK)?)
}

fn head(length: &str) -> String {
    format!(
        "POST /model/{}/converse HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=AKIDRAW/20260101/us-east-1/bedrock/aws4_request, \
         SignedHeaders=host, Signature=0\r\n{length}\r\n\r\n",
        HAIKU.replace(':', "%3A")
    )
}

/// Connects and sends a Converse request.
fn send(simulator: &Simulator) -> Result<TcpStream, Failed> {
    let body = r#"{"messages":[{"role":"user","content":[{"text":"Hello."}]}],"inferenceConfig":{"maxTokens":4000}}"#;
    let mut stream = TcpStream::connect(simulator.addr())?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(format!("{}{body}", head(&format!("content-length: {}", body.len()))).as_bytes())?;
    Ok(stream)
}

/// Reads one reply to the end of what it announces, or of the connection: status, body, announced length.
fn reply(stream: &mut TcpStream) -> Result<(u16, Vec<u8>, usize), Failed> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 << 10];
    loop {
        let read = stream.read(&mut chunk)?;
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            check(read > 0, "no head")?;
            continue;
        };
        let head = std::str::from_utf8(&bytes[..end])?.to_lowercase();
        let announced =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).ok_or("no length")?.parse()?;
        let body = &bytes[end + 4..];
        if read == 0 || body.len() >= announced {
            let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
            return Ok((status, body.to_vec(), announced));
        }
    }
}

fn scope(simulator: &Simulator) -> Result<ScopeLedger, Failed> {
    Ok(simulator.ledger().scope("us-east-1", HAIKU).ok_or("no scope")?.clone())
}

/// Looks until the books say what is wanted.
fn until(simulator: &Simulator, wanted: impl Fn(&ScopeLedger) -> bool) -> Result<ScopeLedger, Failed> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let scope = scope(simulator)?;
        if wanted(&scope) {
            return Ok(scope);
        }
        check(Instant::now() < deadline, &scope)?;
        std::thread::yield_now();
    }
}

fn a_reset_is_a_tcp_reset() -> Result<(), Failed> {
    let simulator = with_fault(FaultKind::Reset)?;
    let error = send(&simulator)?.read(&mut [0; 64]).err().ok_or("a reset was expected")?;
    check(error.kind() == ErrorKind::ConnectionReset, &error)?;
    check(scope(&simulator)?.admitted == 0, "nothing was admitted")
}

fn a_lost_reply_is_a_close_without_a_byte() -> Result<(), Failed> {
    let simulator = with_fault(FaultKind::LostReply)?;
    check(send(&simulator)?.read(&mut [0; 64])? == 0, "a close was expected")?;
    let scope = scope(&simulator)?;
    check(scope.completed == 1 && scope.settled > 0, &scope)
}

fn a_truncated_reply_is_shorter_than_announced() -> Result<(), Failed> {
    let simulator = with_fault(FaultKind::Truncate)?;
    let (status, body, announced) = reply(&mut send(&simulator)?)?;
    check(status == 200 && !body.is_empty() && body.len() < announced, (status, body.len(), announced))
}

fn a_malformed_reply_is_no_json() -> Result<(), Failed> {
    let simulator = with_fault(FaultKind::Malformed)?;
    let (status, body, announced) = reply(&mut send(&simulator)?)?;
    check(status == 200 && body.len() == announced, (status, body.len(), announced))?;
    check(serde_json::from_slice::<serde_json::Value>(&body).is_err(), String::from_utf8_lossy(&body))
}

fn a_client_that_leaves_a_unary_call_is_charged() -> Result<(), Failed> {
    // A hundred seconds for the whole reply: it cannot be complete before the client goes.
    let slow = RegionSpec { name: "us-east-1".into(), ttft_ms: 1.0, tokens_per_second: 40.0 };
    let scenario = Scenario { output_tokens: 100_000.0, output_sigma: 0.0, regions: vec![slow], ..scenario() };
    let simulator = Simulator::start(scenario, LOOPBACK)?;
    let stream = send(&simulator)?;
    until(&simulator, |scope| scope.in_flight == 1)?;
    drop(stream);
    let scope = until(&simulator, |scope| scope.in_flight == 0)?;
    check(scope.abandoned == 1 && scope.completed == 0 && scope.held == 0, &scope)?;
    check(scope.used.output < 4_000 && scope.settled == scope.used.input + scope.used.output, &scope)
}

fn stop_lets_replies_finish() -> Result<(), Failed> {
    let slow = RegionSpec { name: "us-east-1".into(), ttft_ms: 150.0, tokens_per_second: 10_000.0 };
    let simulator = Simulator::start(Scenario { regions: vec![slow], ..scenario() }, LOOPBACK)?;
    let mut stream = send(&simulator)?;
    until(&simulator, |scope| scope.in_flight == 1)?;
    let addr = simulator.addr();
    simulator.stop();
    let (status, body, announced) = reply(&mut stream)?;
    check(status == 200 && body.len() == announced, status)?;
    check(TcpStream::connect(addr).is_err(), "it listens no more")
}

fn the_same_seed_replies_the_same() -> Result<(), Failed> {
    let replies = |seed: u64| -> Result<Vec<(serde_json::Value, serde_json::Value)>, Failed> {
        let simulator = Simulator::start(Scenario { seed, ..scenario() }, LOOPBACK)?;
        let mut replies = Vec::new();
        for _ in 0..4 {
            let (_, body, _) = reply(&mut send(&simulator)?)?;
            let mut value: serde_json::Value = serde_json::from_slice(&body)?;
            replies.push((value["output"].take(), value["usage"].take()));
        }
        check(simulator.ledger().requests(Operation::Converse) == 4, "four requests")?;
        Ok(replies)
    };
    let first = replies(1)?;
    check(first == replies(1)?, "the same seed")?;
    check(first != replies(2)?, "another seed")
}

fn a_body_beyond_the_limit_is_refused_while_it_comes() -> Result<(), Failed> {
    let simulator = Simulator::start(scenario(), LOOPBACK)?;
    let mut stream = TcpStream::connect(simulator.addr())?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(head("transfer-encoding: chunked").as_bytes())?;
    let megabyte = vec![b' '; 1_000_000];
    for _ in 0..26 {
        // The simulator may close before it has read everything: then there is a reply to read already.
        let sent = write!(stream, "{:x}\r\n", megabyte.len())
            .and_then(|()| stream.write_all(&megabyte))
            .and_then(|()| stream.write_all(b"\r\n"));
        if sent.is_err() {
            break;
        }
    }
    match reply(&mut stream) {
        Ok((status, body, _)) => check(status == 413, String::from_utf8_lossy(&body))?,
        // Bytes that were still on their way when it closed turn the close into a reset.
        Err(_) => check(simulator.ledger().errors("RequestEntityTooLargeException") == 1, simulator.ledger())?,
    }
    // It serves on.
    check(reply(&mut send(&simulator)?)?.0 == 200, "the next request")
}

fn an_unusable_scenario_does_not_start() -> Result<(), Failed> {
    let tenant = TenantSpec {
        region: "us-east-1".into(),
        model: "nothing".into(),
        tokens_per_minute: 1.0,
        ..TenantSpec::default()
    };
    let scenario = Scenario { account: "1".into(), tenants: vec![tenant], ..scenario() };
    let error = Simulator::start(scenario, LOOPBACK).err().ok_or("an error was expected")?;
    check(error.kind() == ErrorKind::InvalidInput, &error)?;
    let text = error.to_string();
    check(text.contains("account = \"1\"") && text.contains("tenant[0]"), &text)
}
