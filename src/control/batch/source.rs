//! Batch inputs and outputs as streams of bytes: a file here, or objects in S3, read on whatever happens to the
//! connection.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

use crate::bedrock::{Address, Clients, ObjectFacts, one_line};
use crate::record::{Failure, Region};

use super::super::command::BatchInput;
use super::super::desk::Desk;
use super::trouble::{Trouble, may_pass};

/// Something to read once, from its beginning.
pub(super) struct Source {
    /// What it is called in messages.
    pub label: String,
    /// Its length.
    pub bytes: u64,
    pub reader: Box<dyn Read + Send>,
}

impl Desk {
    /// Opens a batch input: one source for each file. A prefix stands for the `.jsonl` objects under it.
    pub(super) async fn sources(&self, region: &Region, input: &BatchInput) -> Result<Vec<Source>, Trouble> {
        match input {
            BatchInput::Local(path) => Ok(vec![local(path)?]),
            BatchInput::S3(text) => {
                let at = Address::parse(text).map_err(Trouble::unusable)?;
                let found = self.input_objects(region, &at).await?;
                Ok(found.into_iter().map(|object| self.stream(region, object)).collect())
            }
        }
    }

    /// The objects that an input in S3 stands for.
    pub(super) async fn input_objects(&self, region: &Region, at: &Address) -> Result<Vec<ObjectFacts>, Trouble> {
        if !at.key.is_empty()
            && !at.key.ends_with('/')
            && let Some(object) = self.clients.object(region, at).await?
        {
            return Ok(vec![object]);
        }
        let found = self.clients.objects(region, at).await?;
        let found: Vec<_> = found.into_iter().filter(|object| object.address.key.ends_with(".jsonl")).collect();
        if found.is_empty() {
            return Err(Trouble::unusable(format!("{at}: there is no object of this name, and no .jsonl under it")));
        }
        Ok(found)
    }

    /// Reads an object as it comes.
    pub(super) fn stream(&self, region: &Region, object: ObjectFacts) -> Source {
        let label = object.address.to_string();
        let bytes = object.bytes;
        // Sixteen pieces as they come off the wire: some hundred kilobytes.
        let (give, chunks) = mpsc::channel(16);
        tokio::spawn(feed(Arc::clone(&self.clients), region.clone(), object, give));
        Source { label, bytes, reader: Box::new(ObjectReader { chunks, current: Bytes::new(), ended: false }) }
    }
}

pub(super) fn local(path: &Path) -> Result<Source, Trouble> {
    let name = path.display();
    let wrong = |error: io::Error| Trouble::unusable(format!("{name}: {error}"));
    let file = File::open(path).map_err(wrong)?;
    let meta = file.metadata().map_err(wrong)?;
    if !meta.is_file() {
        return Err(Trouble::unusable(format!("{name}: not a regular file")));
    }
    Ok(Source { label: name.to_string(), bytes: meta.len(), reader: Box::new(file) })
}

/// Attempts without a byte of progress before an object is given up.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The pause before attempt `n` (from 1) of something that may pass.
pub(super) fn pause(n: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << n.saturating_sub(1).min(10)).min(LONGEST_PAUSE)
}

/// Gives the contents of `object`, of exactly that version and length. A connection that breaks is made again, from the
/// byte on where it broke.
async fn feed(clients: Arc<Clients>, region: Region, object: ObjectFacts, give: mpsc::Sender<Result<Bytes, Failure>>) {
    let mut at = 0;
    let mut failed = 0;
    while at < object.bytes {
        let before = at;
        let broke = match clients.read_object(&region, &object.address, object.etag.as_deref(), at).await {
            Err(failure) => Some(failure),
            Ok(mut stream) => loop {
                match stream.next().await {
                    Ok(Some(bytes)) => {
                        at += bytes.len() as u64;
                        if give.send(Ok(bytes)).await.is_err() {
                            return;
                        }
                    }
                    // Short of its length, it was cut off.
                    Ok(None) => break None,
                    Err(failure) => break Some(failure),
                }
            },
        };
        if at >= object.bytes {
            break;
        }
        failed = if at > before { 1 } else { failed + 1 };
        let over = failed > ATTEMPTS;
        match broke {
            Some(failure) if over || !may_pass(&failure) => {
                let _ = give.send(Err(failure)).await;
                return;
            }
            None if over => return,
            _ => tokio::time::sleep(pause(failed)).await,
        }
    }
    if at > object.bytes {
        return;
    }
    // An empty piece says that this is the end.
    let _ = give.send(Ok(Bytes::new())).await;
}

/// The blocking end of [`feed`].
struct ObjectReader {
    chunks: mpsc::Receiver<Result<Bytes, Failure>>,
    current: Bytes,
    ended: bool,
}

impl Read for ObjectReader {
    /// Fills `into` as far as there is something: whoever reads in large blocks gets large blocks.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() && !self.ended {
            if self.current.is_empty() {
                match self.chunks.blocking_recv() {
                    Some(Ok(bytes)) if bytes.is_empty() => self.ended = true,
                    Some(Ok(bytes)) => self.current = bytes,
                    Some(Err(failure)) => return Err(io::Error::other(one_line(&failure.to_string()))),
                    None => return Err(io::Error::other("the object is not as long as it was said to be")),
                }
                continue;
            }
            let take = self.current.len().min(into.len() - filled);
            into[filled..filled + take].copy_from_slice(&self.current[..take]);
            self.current.advance(take);
            filled += take;
        }
        Ok(filled)
    }
}

/// Ends a blocking pass: at its next line, it fails.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Fails once the pass is to end.
    pub fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(io::Error::other("interrupted")) } else { Ok(()) }
    }
}

/// Sets its stop when it goes away, which is what becomes of a workflow that is dropped.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a blocking pass on a thread of its own. If this future is dropped, the pass ends at its next line.
pub(super) async fn pass<T: Send + 'static>(
    stop: Stop,
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let _guard = StopOnDrop(stop);
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(Trouble::passing("a thread of the program has ended early")),
    }
}
