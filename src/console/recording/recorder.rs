//! Writes a recording beside the console, which never waits for it.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::console::app::Msg;
use crate::record::Micros;

use super::line::{Encoder, Header};

/// Messages that may wait for the disk: six seconds of snapshots. More are lost, and counted.
const WAITING: usize = 64;
/// What was recorded longer ago than this survives `kill -9`.
const FLUSH: Duration = Duration::from_secs(1);
/// How long the end of the program waits for the disk.
const LAST: Duration = Duration::from_secs(2);
/// A recording ends when it has become this large, some days of load.
const LARGEST: u64 = 1 << 30;
/// What stands for pasted text, which may be anything, a secret included.
const MASK: char = '\u{2022}';
const LONGEST_MASK: usize = 64;

enum Item {
    Header(Box<Header>),
    Msg(Micros, Msg),
}

#[derive(Debug, Default)]
struct Fate {
    lost: AtomicU64,
    stopped: OnceLock<String>,
}

/// A recording that is being written. Dropping it finishes the file.
#[derive(Debug)]
pub struct Recorder {
    items: Option<SyncSender<Item>>,
    done: Receiver<()>,
    fate: Arc<Fate>,
}

impl Recorder {
    /// Makes the file, which must not exist, and the thread that writes it.
    ///
    /// # Errors
    /// The file exists or cannot be made.
    pub fn create(path: &Path) -> io::Result<Recorder> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Recorder::start(file)
    }

    fn start(file: impl Write + Send + 'static) -> io::Result<Recorder> {
        let (items, waiting) = sync_channel(WAITING);
        let (tell, done) = sync_channel(1);
        let fate = Arc::new(Fate::default());
        let said = fate.clone();
        thread::Builder::new().name("recording".to_owned()).spawn(move || {
            if let Err(error) = write(file, &waiting) {
                let _ = said.stopped.set(error.to_string());
            }
            let _ = tell.send(());
        })?;
        Ok(Recorder { items: Some(items), done, fate })
    }

    /// Says what the console starts from. Comes first, once.
    pub fn begin(&self, header: Header) {
        self.send(Item::Header(Box::new(header)));
    }

    /// Records a message that happened at `at`. Never waits: what the disk is too slow for is lost and counted.
    pub fn take(&self, at: Micros, msg: &Msg) {
        let msg = match msg {
            Msg::Paste(text) => Msg::Paste(MASK.to_string().repeat(text.chars().count().min(LONGEST_MASK))),
            other => other.clone(),
        };
        self.send(Item::Msg(at, msg));
    }

    fn send(&self, item: Item) {
        if let Some(items) = &self.items
            && items.try_send(item).is_err()
        {
            self.fate.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many messages are not in it.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.fate.lost.load(Ordering::Relaxed)
    }

    /// Why it ended before the console, if it did (a full disk).
    #[must_use]
    pub fn stopped(&self) -> Option<&str> {
        self.fate.stopped.get().map(String::as_str)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.items = None;
        // A disk that does not answer must not keep the program.
        let _ = self.done.recv_timeout(LAST);
    }
}

/// Counts what goes to the file.
struct Counted<W> {
    file: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn write(file: impl Write, items: &Receiver<Item>) -> io::Result<()> {
    let counted = BufWriter::new(Counted { file, bytes: 0 });
    let mut out = GzEncoder::new(counted, Compression::new(4));
    let mut encoder = Encoder::default();
    let mut unflushed: Option<Instant> = None;
    loop {
        let patience = unflushed.map(|since| FLUSH.saturating_sub(since.elapsed()));
        let item = match patience {
            Some(patience) => items.recv_timeout(patience),
            None => items.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match item {
            Ok(item) => {
                let mut line = match item {
                    Item::Header(header) => serde_json::to_string(&*header)?,
                    Item::Msg(at, msg) => encoder.line(at, &msg)?,
                };
                line.push('\n');
                out.write_all(line.as_bytes())?;
                unflushed.get_or_insert_with(Instant::now);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                out.try_finish()?;
                return out.get_mut().flush();
            }
        }
        if unflushed.is_some_and(|since| since.elapsed() >= FLUSH) {
            out.flush()?;
            unflushed = None;
            if out.get_ref().get_ref().bytes > LARGEST {
                out.try_finish()?;
                out.get_mut().flush()?;
                return Err(io::Error::other("it has become 1 GiB large"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::console::recording::Recording;

    /// A disk that takes nothing until it is let go.
    struct Stuck(Arc<Mutex<()>>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _free = self.0.lock().unwrap();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_hangs_costs_messages_and_never_the_console() {
        let gate = Arc::new(Mutex::new(()));
        let held = gate.lock().unwrap();
        let recorder = Recorder::start(Stuck(gate.clone())).unwrap();
        // Text that does not compress, so that the writer has to write.
        for n in 0..3_000u64 {
            let text = (0..200).map(|i| blake3::hash(&(n * 1_000 + i).to_le_bytes()).to_string()).collect();
            recorder.take(Micros(n), &Msg::Written(Ok(text)));
            if recorder.lost() > 0 {
                break;
            }
        }
        assert!(recorder.lost() > 0);
        drop(held);
    }

    #[test]
    fn a_full_disk_ends_the_recording_and_says_why() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::new(io::ErrorKind::StorageFull, "no space left"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut recorder = Recorder::start(Full).unwrap();
        recorder.take(Micros(0), &Msg::Tick);
        recorder.items = None;
        recorder.done.recv().unwrap();
        assert_eq!(recorder.stopped(), Some("no space left"));
    }

    #[test]
    fn what_was_pasted_is_not_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        let recorder = Recorder::create(&path).unwrap();
        recorder.begin(Header::new(0, (80, 24), "dusk"));
        recorder.take(Micros(1), &Msg::Paste("hunter2".into()));
        drop(recorder);
        let mut recording = Recording::open(&path).unwrap();
        let (at, msg) = recording.next().unwrap();
        assert!(at == Micros(1) && matches!(msg, Msg::Paste(text) if text == "•••••••"));
        assert!(recording.next().is_none() && recording.broken().is_none());
        assert_eq!(Recorder::create(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
