//! A server that does exactly what a test tells it to, down to the TCP reset, and keeps every request it saw.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    /// `POST`.
    pub method: String,
    /// Path and query, as sent.
    pub path: String,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What to do with a request.
#[derive(Clone, Debug)]
pub enum Step {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Send these bytes again and again, until the client hangs up.
    Forever(Vec<u8>),
    /// Say nothing until the client hangs up.
    Hold,
    /// Reset the connection.
    Reset,
    /// End the connection.
    Close,
}

type Script = dyn Fn(&Seen) -> Vec<Step> + Send + Sync;

/// The server. It runs on the runtime that started it.
pub struct Server {
    pub addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    hangups: mpsc::UnboundedReceiver<()>,
}

impl Server {
    pub async fn start(script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        let (hangup, hangups) = mpsc::unbounded_channel();
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((socket, _)) = listener.accept().await else { return };
                let (script, log, hangup) = (Arc::clone(&script), Arc::clone(&log), hangup.clone());
                tokio::spawn(async move {
                    serve(socket, connection, &*script, &log, &hangup).await;
                });
            }
        });
        Server { addr, seen, hangups }
    }

    pub fn url(&self) -> url::Url {
        format!("http://{}", self.addr).parse().unwrap()
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until a client hangs up on a `Hold`.
    pub async fn hung_up(&mut self) {
        self.hangups.recv().await.unwrap();
    }
}

async fn serve(
    mut socket: TcpStream,
    connection: usize,
    script: &Script,
    log: &Mutex<Vec<Seen>>,
    hangup: &mpsc::UnboundedSender<()>,
) {
    socket.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    while let Some(seen) = request(&mut socket, &mut buffer, connection).await {
        let steps = script(&seen);
        log.lock().unwrap().push(seen);
        for step in steps {
            match step {
                Step::Send(bytes) => {
                    if socket.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Forever(bytes) => {
                    while socket.write_all(&bytes).await.is_ok() {}
                    let _ = hangup.send(());
                    return;
                }
                Step::Hold => {
                    while !matches!(socket.read(&mut [0; 1024]).await, Ok(0) | Err(_)) {}
                    let _ = hangup.send(());
                    return;
                }
                Step::Reset => {
                    let _ = socket.set_zero_linger();
                    return;
                }
                Step::Close => return,
            }
        }
    }
}

async fn request(socket: &mut TcpStream, buffer: &mut Vec<u8>, connection: usize) -> Option<Seen> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        more(socket, buffer).await?;
    };
    let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    while buffer.len() < end + length {
        more(socket, buffer).await?;
    }
    let body = buffer[end..end + length].to_vec();
    buffer.drain(..end + length);
    Some(Seen { connection, method, path, headers, body })
}

async fn more(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    match socket.read_buf(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

/// A whole reply.
pub fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<Step> {
    let mut bytes = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str("\r\n");
    vec![Step::Send([bytes.as_bytes(), body].concat())]
}

/// The service's form of an error.
pub fn error(status: u16, code: &str, message: &str, headers: &[(&str, &str)]) -> Vec<Step> {
    let kind = format!("{code}:http://internal.amazon.com/coral/com.amazon.bedrock/");
    let mut all =
        vec![("x-amzn-errortype", kind.as_str()), ("x-amzn-requestid", "req-1"), ("content-type", "application/json")];
    all.extend_from_slice(headers);
    reply(status, &all, serde_json::json!({ "message": message }).to_string().as_bytes())
}

/// The head of an event stream.
pub fn stream_head() -> Step {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\nx-amzn-requestid: req-1\r\n\
                transfer-encoding: chunked\r\n\r\n";
    Step::Send(head.as_bytes().to_vec())
}

/// One chunk of a chunked body.
pub fn piece(bytes: &[u8]) -> Step {
    Step::Send(chunk(bytes))
}

/// The bytes of one chunk of a chunked body.
pub fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The end of a chunked body.
pub fn stream_end() -> Step {
    Step::Send(b"0\r\n\r\n".to_vec())
}

/// One frame of an event stream.
pub fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut message = Message::new(payload.to_vec());
    for (name, value) in headers {
        message = message.add_header(Header::new(name.to_string(), HeaderValue::String(value.to_string().into())));
    }
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

/// An event.
pub fn event(kind: &str, payload: &serde_json::Value) -> Vec<u8> {
    let headers = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    frame(&headers, payload.to_string().as_bytes())
}

/// A modelled mid-stream exception.
pub fn exception(member: &str, message: &str) -> Vec<u8> {
    let headers = [(":exception-type", member), (":content-type", "application/json"), (":message-type", "exception")];
    frame(&headers, serde_json::json!({ "message": message }).to_string().as_bytes())
}
