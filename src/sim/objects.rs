//! The objects of the simulated S3: what clients put there and what jobs read and write.
//!
//! Contents are files in a folder of the simulator's own, gone with it: a job of 100,000 records takes no memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::{Bound, ControlFlow};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::record::Micros;

/// Objects of all buckets together: what is known of them is in memory.
const OBJECTS: usize = 200_000;
/// Buckets of the account, as AWS allows by default.
const BUCKETS: usize = 10_000;

/// What is known of an object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    content: Content,
    /// Bytes.
    pub size: u64,
    /// Entity tag without quotes.
    pub etag: String,
    /// Unix time of its last change.
    pub modified: Micros,
    /// Headers to give back with it: content type, checksums, user metadata. Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Object {
    /// Opens the content, from its start. It stays readable if the object is deleted meanwhile.
    pub(super) fn open(&self) -> io::Result<Reader> {
        self.open_at(0)
    }

    /// Opens the content at byte `offset`.
    pub(super) fn open_at(&self, offset: u64) -> io::Result<Reader> {
        Reader::open(self.content.clone(), offset)
    }
}

/// Finished content: one file, or those of the parts of a multipart upload one after the other, so that joining 5 GB
/// copies nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Content(Vec<Arc<Piece>>);

impl Content {
    /// Bytes.
    pub(super) fn size(&self) -> u64 {
        self.0.iter().map(|piece| piece.size).sum()
    }

    /// Adds what follows.
    pub(super) fn append(&mut self, next: Content) {
        self.0.extend(next.0);
    }
}

/// A file that is deleted with its last user.
#[derive(Debug)]
struct Piece {
    path: PathBuf,
    size: u64,
}

impl Drop for Piece {
    fn drop(&mut self) {
        // If it cannot be deleted, it goes with the folder.
        let _ = fs::remove_file(&self.path);
    }
}

/// Reads content from some place to its end.
#[derive(Debug)]
pub(super) struct Reader {
    content: Content,
    /// The piece that `file` is of.
    piece: usize,
    file: Option<File>,
}

impl Reader {
    fn open(content: Content, mut offset: u64) -> io::Result<Reader> {
        let mut piece = 0;
        while content.0.get(piece).is_some_and(|piece| offset >= piece.size) {
            offset -= content.0[piece].size;
            piece += 1;
        }
        let mut reader = Reader { content, piece, file: None };
        if let Some(file) = reader.file()? {
            file.seek(SeekFrom::Start(offset))?;
        }
        Ok(reader)
    }

    /// The open file of the present piece; none after the last.
    fn file(&mut self) -> io::Result<Option<&mut File>> {
        let Some(piece) = self.content.0.get(self.piece) else { return Ok(None) };
        if self.file.is_none() {
            self.file = Some(File::open(&piece.path)?);
        }
        Ok(self.file.as_mut())
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(file) = self.file()? {
            let read = file.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.file = None;
            self.piece += 1;
        }
        Ok(0)
    }
}

/// Content on its way in.
pub(super) struct Draft {
    file: BufWriter<File>,
    piece: Piece,
}

impl Draft {
    /// The content as it stands.
    pub(super) fn finish(mut self) -> io::Result<Content> {
        self.file.flush()?;
        Ok(Content(vec![Arc::new(self.piece)]))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.piece.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A bucket. It has no Region of its own: whoever asks finds it where he is.
struct Bucket {
    created: Micros,
    objects: BTreeMap<String, Object>,
}

/// All objects of the account, whatever their Region: bucket names are global.
pub(super) struct Objects {
    folder: PathBuf,
    next: AtomicU64,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

impl Objects {
    /// An empty S3. The folder is made with the first object.
    pub(super) fn new() -> Objects {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("bedrock-top-sim-{}-{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Objects {
            folder: std::env::temp_dir().join(name),
            next: AtomicU64::new(0),
            buckets: Mutex::new(BTreeMap::new()),
        }
    }

    /// Room for new content.
    pub(super) fn draft(&self) -> io::Result<Draft> {
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        let file = BufWriter::new(File::create_new(&path)?);
        Ok(Draft { piece: Piece { path, size: 0 }, file })
    }

    /// Makes `draft` the content of an object. The bucket is made if it does not exist.
    ///
    /// # Errors
    /// If the content cannot be written, or there are too many objects ([`io::ErrorKind::QuotaExceeded`]).
    pub(super) fn put(
        &self,
        bucket: &str,
        key: &str,
        draft: Draft,
        etag: String,
        headers: Vec<(String, String)>,
        now: Micros,
    ) -> io::Result<Object> {
        self.place(bucket, key, draft.finish()?, etag, headers, now)
    }

    /// Makes `content` that of an object, as [`Objects::put`] does.
    pub(super) fn place(
        &self,
        bucket: &str,
        key: &str,
        content: Content,
        etag: String,
        headers: Vec<(String, String)>,
        now: Micros,
    ) -> io::Result<Object> {
        let object = Object { size: content.size(), content, etag, modified: now, headers };
        let mut buckets = self.buckets();
        let held: usize = buckets.values().map(|bucket| bucket.objects.len()).sum();
        let replaces = buckets.get(bucket).is_some_and(|bucket| bucket.objects.contains_key(key));
        if held >= OBJECTS && !replaces || buckets.len() >= BUCKETS && !buckets.contains_key(bucket) {
            return Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                format!("the simulator holds {OBJECTS} objects in {BUCKETS} buckets at most; delete some"),
            ));
        }
        entry(&mut buckets, bucket, now).objects.insert(key.to_owned(), object.clone());
        Ok(object)
    }

    /// An object.
    pub(super) fn get(&self, bucket: &str, key: &str) -> Option<Object> {
        self.buckets().get(bucket)?.objects.get(key).cloned()
    }

    /// The objects of a bucket whose keys begin with `prefix`, in the order of their keys; `None`: no such bucket.
    pub(super) fn list(&self, bucket: &str, prefix: &str) -> Option<Vec<(String, Object)>> {
        let mut all = Vec::new();
        self.visit(bucket, prefix, "", |key, object| {
            all.push((key.to_owned(), object.clone()));
            ControlFlow::Continue(())
        })?;
        Some(all)
    }

    /// Shows the objects of a bucket whose keys begin with `prefix` and come after `after`, in the order of their keys,
    /// until `visitor` has seen enough; `None`: no such bucket.
    pub(super) fn visit(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
        mut visitor: impl FnMut(&str, &Object) -> ControlFlow<()>,
    ) -> Option<()> {
        let buckets = self.buckets();
        let objects = &buckets.get(bucket)?.objects;
        let from = if after >= prefix { Bound::Excluded(after) } else { Bound::Included(prefix) };
        for (key, object) in objects.range::<str, _>((from, Bound::Unbounded)) {
            // An `after` behind the prefix may also be behind all keys that have it.
            if !key.starts_with(prefix) || visitor(key, object).is_break() {
                break;
            }
        }
        Some(())
    }

    /// Deletes an object, if it exists.
    pub(super) fn delete(&self, bucket: &str, key: &str) {
        if let Some(bucket) = self.buckets().get_mut(bucket) {
            bucket.objects.remove(key);
        }
    }

    /// Makes a bucket; false if there is one of this name or there are too many.
    pub(super) fn make_bucket(&self, bucket: &str, now: Micros) -> bool {
        let mut buckets = self.buckets();
        let new = !buckets.contains_key(bucket) && buckets.len() < BUCKETS;
        if new {
            entry(&mut buckets, bucket, now);
        }
        new
    }

    /// Whether there is a bucket of this name.
    pub(super) fn has_bucket(&self, bucket: &str) -> bool {
        self.buckets().contains_key(bucket)
    }

    /// All buckets and when they were made.
    pub(super) fn bucket_list(&self) -> Vec<(String, Micros)> {
        self.buckets().iter().map(|(name, bucket)| (name.clone(), bucket.created)).collect()
    }

    fn buckets(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder, for tests.
    #[cfg(test)]
    fn folder(&self) -> &std::path::Path {
        &self.folder
    }
}

fn entry<'b>(buckets: &'b mut BTreeMap<String, Bucket>, name: &str, now: Micros) -> &'b mut Bucket {
    buckets.entry(name.to_owned()).or_insert_with(|| Bucket { created: now, objects: BTreeMap::new() })
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.buckets().clear();
        // A folder that cannot be removed is the system's to clean up, as all temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(objects: &Objects, key: &str, text: &str) {
        let mut draft = objects.draft().unwrap();
        draft.write_all(text.as_bytes()).unwrap();
        objects.put("b", key, draft, "e".into(), Vec::new(), Micros::ZERO).unwrap();
    }

    #[test]
    fn what_was_put_is_listed_read_and_deleted() {
        let objects = Objects::new();
        for (key, text) in [("in/2", "two"), ("in/1", "one"), ("out/1", "x")] {
            put(&objects, key, text);
        }
        let keys: Vec<String> = objects.list("b", "in/").unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["in/1", "in/2"]);
        let object = objects.get("b", "in/2").unwrap();
        objects.delete("b", "in/2");
        let mut text = String::new();
        object.open().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), object.size), ("two", 3));
        assert!(objects.get("b", "in/2").is_none() && objects.list("c", "").is_none());
    }

    #[test]
    fn nothing_is_left_behind() {
        let objects = Objects::new();
        put(&objects, "k", "v");
        let folder = objects.folder().to_owned();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        put(&objects, "k", "w");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "what is replaced is gone");
        drop(objects);
        assert!(!folder.exists());
    }

    #[test]
    fn joined_content_reads_as_one_from_any_place() {
        let objects = Objects::new();
        let mut content = Content::default();
        for text in ["one", "", "three"] {
            let mut draft = objects.draft().unwrap();
            draft.write_all(text.as_bytes()).unwrap();
            content.append(draft.finish().unwrap());
        }
        let object = objects.place("b", "k", content, "e".into(), Vec::new(), Micros::ZERO).unwrap();
        objects.delete("b", "k");
        assert_eq!(object.size, 8);
        for offset in 0..=9 {
            let mut text = String::new();
            object.open_at(offset).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "onethree"[(offset as usize).min(8)..]);
        }
    }

    #[test]
    fn a_visit_begins_behind_a_key_and_stops_when_told() {
        let objects = Objects::new();
        for key in ["a/1", "a/2", "a/3", "b/1"] {
            put(&objects, key, "v");
        }
        let seen = |prefix: &str, after: &str, most: usize| {
            let mut seen = Vec::new();
            objects
                .visit("b", prefix, after, |key, _| {
                    seen.push(key.to_owned());
                    if seen.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                })
                .unwrap();
            seen
        };
        assert_eq!(seen("a/", "", 9), ["a/1", "a/2", "a/3"]);
        assert_eq!(seen("a/", "a/1", 1), ["a/2"]);
        assert_eq!(seen("b/", "a/2", 9), ["b/1"]);
        assert!(seen("a/", "a/3", 9).is_empty() && seen("a/", "z", 9).is_empty());
    }
}
