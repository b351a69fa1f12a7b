//! The account that is looked at: others on it, a quota that is raised while the console runs, and a gateway behind which
//! nothing is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use super::{Home, LARGE, SMALL, check_words, has, leave, row_with, trial};
use crate::pty::{Pty, check};

/// How often CloudWatch can be asked by hand: the console asks on demand once in 20 s.
const ASKED: Duration = Duration::from_secs(25);
/// A minute that both sides have whole ends two minutes after the beginning at the latest.
const ASKS: usize = 8;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("others_on_the_account_are_told_with_at_least", others),
        trial("a_quota_is_asked_for_approved_offered_and_taken_by_keyboard", raised),
        trial("behind_a_gateway_the_dashboard_is_the_accounts", gateway),
    ]
}

/// `bedrock-top sim` in a process of its own, which ends with this.
struct Sim {
    child: Child,
    url: String,
}

impl Sim {
    fn start(home: &Home, scenario: &str) -> Result<Sim, Failed> {
        let scenario = home.file("sim.toml", scenario)?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_bedrock-top"))
            .args(["sim", "--scenario", &scenario])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().ok_or("the simulator has no output")?;
        let mut said = String::new();
        BufReader::new(out).read_line(&mut said)?;
        let url = said.trim().strip_prefix("listening on ").ok_or(format!("the simulator said {said:?}"))?.to_owned();
        Ok(Sim { child, url })
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The header by which a simulator's replies are known, and one of the same length that nobody knows.
const SIMULATED: &[u8] = b"x-bedrock-top-sim";
const UNKNOWN: &[u8] = b"x-gateway-passed1";

/// Passes every connection on to `to`, but one that asks who is there: that is told that nobody is; and nothing in the
/// replies says that they are simulated. What a gateway in front of AWS looks like.
fn forwarder(to: &str) -> Result<String, Failed> {
    let to: SocketAddr = to.strip_prefix("http://").ok_or("no address")?.trim_end_matches('/').parse()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            thread::spawn(move || forward(near, to));
        }
    });
    Ok(url)
}

fn forward(mut near: TcpStream, to: SocketAddr) -> std::io::Result<()> {
    let mut first = [0; 4096];
    let read = near.read(&mut first)?;
    if first[..read].windows(13).any(|window| window == b"/__bedrock-to") {
        return near.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let mut far = TcpStream::connect(to)?;
    far.write_all(&first[..read])?;
    let (mut back_from, mut back_to) = (far.try_clone()?, near.try_clone()?);
    thread::spawn(move || {
        let _ = disguise(&mut back_from, &mut back_to);
        let _ = back_to.shutdown(Shutdown::Both);
    });
    std::io::copy(&mut near, &mut far)?;
    far.shutdown(Shutdown::Write)
}

/// Copies, with the simulator's header under another name.
fn disguise(from: &mut impl Read, to: &mut impl Write) -> std::io::Result<()> {
    let (mut held, mut buffer) = (Vec::new(), [0; 64 * 1024]);
    loop {
        let read = from.read(&mut buffer)?;
        held.extend_from_slice(&buffer[..read]);
        while let Some(at) = held.windows(SIMULATED.len()).position(|window| window == SIMULATED) {
            held[at..at + UNKNOWN.len()].copy_from_slice(UNKNOWN);
        }
        // What may be the beginning of the name waits for the rest of it.
        let begun = (1..SIMULATED.len()).rev().find(|cells| held.ends_with(&SIMULATED[..*cells])).unwrap_or(0);
        let begun = if read == 0 { 0 } else { begun };
        to.write_all(&held[..held.len() - begun])?;
        held.drain(..held.len() - begun);
        if read == 0 {
            return Ok(());
        }
    }
}

/// Asks all Regions by hand until `holds`.
fn asked_until(pty: &mut Pty, what: &str, holds: impl Fn(&vt100::Screen) -> bool) -> Result<(), Failed> {
    for _ in 1..ASKS {
        pty.send("\x12");
        if pty.wait_within(ASKED, what, &holds).is_ok() {
            return Ok(());
        }
    }
    pty.send("\x12");
    pty.wait_within(ASKED, what, holds)
}

/// Somebody else uses as much as the console's own load and more.
const SHARED: &str = r#"
output_tokens = 60
metric_delay_s = 0
[[region]]
name = "us-east-1"
ttft_ms = 20
tokens_per_second = 2000
[[quota]]
region = "us-east-1"
model = "anthropic.claude-3-haiku-20240307-v1:0"
rpm = 1000
tpm = 2000000
[[tenant]]
region = "us-east-1"
model = "anthropic.claude-3-haiku-20240307-v1:0"
tokens_per_minute = 900000
"#;

const HAIKU: &[&str] = &["--region", "us-east-1", "--model", "anthropic.claude-3-haiku-20240307-v1:0"];

fn others() -> Result<(), Failed> {
    let home = Home::new()?;
    let sim = Sim::start(&home, SHARED)?;
    let mut pty = home.program(&[&["--target", &sim.url], HAIKU].concat(), LARGE);
    pty.wait("a running load", |screen| has(screen, "SIM") && has(screen, "RUNNING"))?;
    pty.send("6");
    pty.wait("the route", |screen| !row_with(screen, "claude-3-haiku").is_empty())?;
    pty.send("\r");
    asked_until(&mut pty, "the part of the others, in words", |screen| has(screen, "others use at least"))?;
    check_words(&pty, &["CloudWatch does not show", "invocations", "difference", "same minutes"])?;
    pty.send("\x1b");
    pty.wait("the part of the others in the list", |screen| row_with(screen, "claude-3-haiku").contains('≥'))?;
    pty.resize(SMALL.0, SMALL.1);
    pty.wait("the list on a small screen", |screen| row_with(screen, "claude-3-haiku").contains('≥'))?;
    leave(&mut pty).map(|_| ())
}

/// A quota that can be raised, at the default; what takes hours is over in moments.
const RAISED: &str = r#"
speed = 6000.0
output_tokens = 60
[[region]]
name = "us-east-1"
ttft_ms = 20
tokens_per_second = 2000
[[quota]]
region = "us-east-1"
model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
rpm = 10000
tpm = 5000000
"#;

fn raised() -> Result<(), Failed> {
    let home = Home::new()?;
    let sim = Sim::start(&home, RAISED)?;
    let sonnet = ["--region", "us-east-1", "--model", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"];
    let mut pty = home.program(&[&["--target", &sim.url], &sonnet[..]].concat(), LARGE);
    pty.wait("a running load", |screen| has(screen, "SIM") && has(screen, "RUNNING"))?;
    pty.send("6");
    pty.wait("the route and its quota", |screen| row_with(screen, "us.claude-sonnet-4-5").contains("5.00M"))?;
    // The form proposes a value; another one is typed, for the tokens per minute.
    pty.send("N");
    pty.wait("the form", |screen| has(screen, "Value asked for"))?;
    for _ in 0..3 {
        if row_with(pty.screen(), "Quota ").contains("TPM") {
            break;
        }
        let before = pty.text();
        pty.send("\x1b[C");
        pty.wait("another quota", |screen| screen.contents() != before)?;
    }
    check(row_with(pty.screen(), "Quota ").contains("TPM"), pty.text())?;
    pty.send("\t\t\t\t\t\x158000000\r");
    pty.wait("the question", |screen| has(screen, "▸ Cancel"))?;
    check_words(&pty, &["8,000,000"])?;
    pty.send("\t\r");
    pty.wait("that it was asked for", |screen| has(screen, "requested: 8000000 of"))?;
    asked_until(&mut pty, "the offer", |screen| has(screen, "TPM 8.00M now, was 5.00M"))?;
    pty.send("T");
    pty.wait("that the limiter has it", |screen| !has(screen, "was 5.00M"))?;
    pty.send("1");
    pty.wait("the quota of the limiter", |screen| has(screen, "Quota") && has(screen, "8.00M"))?;
    pty.send("7");
    pty.wait("the line of the journal", |screen| has(screen, "RequestServiceQuotaIncrease"))?;
    leave(&mut pty).map(|_| ())
}

/// Somebody works on the account, a minute lasts a second.
const WATCHED: &str = r#"
speed = 60.0
metric_delay_s = 0
[[region]]
name = "us-east-1"
[[quota]]
region = "us-east-1"
model = "anthropic.claude-3-haiku-20240307-v1:0"
rpm = 1000
tpm = 40000
[[tenant]]
region = "us-east-1"
model = "anthropic.claude-3-haiku-20240307-v1:0"
tokens_per_minute = 1800000
"#;

fn gateway() -> Result<(), Failed> {
    let home = Home::new()?.with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").with("AWS_SECRET_ACCESS_KEY", "nothing");
    let sim = Sim::start(&home, WATCHED)?;
    let url = forwarder(&sim.url)?;
    let mut pty = home.program(&[&["--target", &url], HAIKU].concat(), LARGE);
    pty.wait_within(ASKED, "an account without load", |screen| has(screen, "AWS") && has(screen, "WATCHING"))?;
    check(!has(pty.screen(), "SIM"), pty.text())?;
    asked_until(&mut pty, "the account's use, with its age", |screen| {
        has(screen, "the account, by CloudWatch") && has(screen, "of its TPM") && has(screen, " ago")
    })?;
    check_words(&pty, &["us-east-1", "claude-3-haiku", "Calls", "invocations", "last hour", "Latency"])?;
    pty.resize(SMALL.0, SMALL.1);
    pty.wait("the same on a small screen", |screen| has(screen, "WATCHING") && has(screen, "of its TPM"))?;
    // Load asks first.
    pty.send("L");
    pty.wait("the form of the load", |screen| has(screen, "Arrivals") || has(screen, "arrival"))?;
    pty.send("\r");
    pty.wait("the question", |screen| has(screen, "▸ Cancel"))?;
    check_words(&pty, &["us-east-1", "$"])?;
    pty.send("\t\r");
    pty.wait("a running load", |screen| has(screen, "RUNNING") && !has(screen, "Calls ─"))?;
    // And after it the account is to be seen again.
    pty.send("S");
    pty.wait("its end", |screen| has(screen, "FINISHED"))?;
    pty.send("a");
    pty.wait("the account again", |screen| has(screen, "WATCHING") && has(screen, "Calls ─"))?;
    pty.send("a");
    pty.wait("the load again", |screen| has(screen, "FINISHED") && !has(screen, "Calls ─"))?;
    leave(&mut pty).map(|_| ())
}
