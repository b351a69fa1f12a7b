//! The listener, its connections and its thread.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use url::Url;

use crate::catalogue::Catalogue;

use super::call;
use super::jobs;
use super::ledger::Ledger;
use super::reply::Severed;
use super::scenario::Scenario;
use super::world::World;

/// Connections at a time. Beyond that a new one is answered with 503 and closed.
const CONNECTIONS: usize = 4_096;
/// What a connection may hold of a request that is not yet read: all connections together stay under 256 MB.
const BUFFER: usize = 64 << 10;
/// How long a connection may take to send a request's head, which includes its time idle between two requests:
/// longer than the 90 s for which the Rust SDK keeps idle connections, so that it is the client who closes.
const HEAD_TIME: Duration = Duration::from_secs(150);
/// How long [`Simulator::stop`] lets replies in flight finish.
const GRACE: Duration = Duration::from_secs(2);
/// After an accept error (too many open files) the listener rests this long.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// What the owner asks of the simulator's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Serve,
    /// Replies in flight may finish within [`GRACE`].
    Finish,
    /// Everything ends now.
    Halt,
}

/// A running Bedrock simulator: HTTP on a socket, on its own thread. It ends when this value is dropped.
pub struct Simulator {
    addr: SocketAddr,
    url: Url,
    world: Arc<World>,
    orders: watch::Sender<Order>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Simulator {
    /// Starts to serve `scenario` on `listen` (port 0: any free port). When this returns, connections are accepted.
    ///
    /// # Errors
    /// If the scenario is unusable ([`io::ErrorKind::InvalidInput`], all reasons in the text), or the address cannot
    /// be bound.
    pub fn start(scenario: Scenario, listen: SocketAddr) -> io::Result<Simulator> {
        let catalogue = Catalogue::embedded();
        let scenario = scenario
            .resolve(catalogue)
            .map_err(|errors| io::Error::new(io::ErrorKind::InvalidInput, errors.join("\n")))?;
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let url = endpoint(addr).map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let world = Arc::new(World::new(scenario, catalogue));
        let (orders, received) = watch::channel(Order::Serve);
        let thread = {
            let world = Arc::clone(&world);
            thread::Builder::new()
                .name("simulator".into())
                .spawn(move || runtime.block_on(serve(listener, world, received)))?
        };
        let worker = {
            let world = Arc::clone(&world);
            thread::Builder::new().name("batch".into()).spawn(move || jobs::work(&world))?
        };
        Ok(Simulator { addr, url, world, orders, threads: vec![thread, worker] })
    }

    /// The address on which it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The endpoint URL for any AWS client.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The server's own account of what happened, for comparison with the client's.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        let now = self.world.unix();
        let mut ledger = self.world.account().ledger(now);
        ledger.batch = self.world.jobs.ledger();
        ledger.watched = self.world.watched_needles().clone();
        ledger
    }

    /// Counts from now on, in [`Ledger::watched`], the requests that carry `needle` in a header value or the URL: by
    /// this a test proves that something never travels.
    pub fn watch(&self, needle: &str) {
        self.world.watch(needle);
    }

    /// Stops accepting, lets replies in flight finish for two seconds at most, and ends.
    pub fn stop(mut self) {
        self.end(Order::Finish);
    }

    fn end(&mut self, order: Order) {
        self.orders.send_replace(order);
        self.world.jobs.close();
        for thread in self.threads.drain(..) {
            // A panic of the thread has been reported on stderr; there is nothing left to do about it.
            let _ = thread.join();
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.end(Order::Halt);
    }
}

/// Where a client on the same machine reaches `addr`.
fn endpoint(addr: SocketAddr) -> Result<Url, url::ParseError> {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    Url::parse(&format!("http://{}", SocketAddr::new(ip, addr.port())))
}

/// Accepts until told otherwise.
async fn serve(listener: tokio::net::TcpListener, world: Arc<World>, mut orders: watch::Receiver<Order>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = orders.wait_for(|order| *order != Order::Serve) => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_REST).await;
            continue;
        };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let connection = connection(stream, Arc::clone(&world), orders.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(_) => turn_away(&stream),
        }
    }
    drop(listener);
    let gone = places.acquire_many(CONNECTIONS as u32);
    tokio::select! {
        _ = timeout(GRACE, gone) => {}
        _ = orders.wait_for(|order| *order == Order::Halt) => {}
    }
}

/// Says that there are too many connections, if that can be said at once.
fn turn_away(stream: &TcpStream) {
    const BODY: &str = r#"{"message":"The simulator has too many open connections."}"#;
    let text = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nx-amzn-errortype: ServiceUnavailableException\r\n\
         {}: {}\r\ndate: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{BODY}",
        call::SIM_HEADER,
        env!("CARGO_PKG_VERSION"),
        jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT"),
        BODY.len(),
    );
    // A client that is not there to read it loses nothing.
    let _ = stream.try_write(text.as_bytes());
}

/// Serves one connection to its end.
async fn connection(stream: TcpStream, world: Arc<World>, mut orders: watch::Receiver<Order>) {
    // Small frames of a stream must not wait for each other; a socket that refuses is gone anyway.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket { stream, reset: Arc::clone(&reset) };
    let service = service_fn(move |request| {
        let world = Arc::clone(&world);
        let reset = Arc::clone(&reset);
        async move {
            let answered = call::answer(world, request).await;
            if answered.as_ref().err() == Some(&Severed::Reset) {
                reset.store(true, Ordering::Relaxed);
            }
            answered
        }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(BUFFER);
    let mut serving = std::pin::pin!(server.serve_connection(TokioIo::new(socket), service));
    tokio::select! {
        // What ends a connection early is the client's doing or the scenario's.
        _ = serving.as_mut() => return,
        _ = orders.wait_for(|order| *order != Order::Serve) => serving.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = serving => {}
        _ = orders.wait_for(|order| *order == Order::Halt) => {}
    }
}

/// A socket that resets, instead of closing, when it is dropped after the scenario has said so.
struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // If it cannot be set, the client sees a close: as bad a day.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
