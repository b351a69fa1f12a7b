//! The objects of the simulated S3: what clients put there and what jobs read and write.
//!
//! Contents are files in a folder of the simulator's own, gone with it: a job of 100,000 records takes no memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::record::Micros;

/// What is known of an object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    content: Arc<Content>,
    /// Bytes.
    pub size: u64,
    /// Entity tag without quotes.
    pub etag: String,
    /// Unix time of its last change.
    pub modified: Micros,
    /// Headers to give back with it: content type, checksums, user metadata.
    pub headers: Vec<(String, String)>,
}

impl Object {
    /// Opens the content, from its start. It stays readable if the object is deleted meanwhile.
    pub(super) fn open(&self) -> io::Result<File> {
        File::open(&self.content.path)
    }
}

/// A file that is deleted with its last user.
#[derive(Debug)]
struct Content {
    path: PathBuf,
}

impl Drop for Content {
    fn drop(&mut self) {
        // If it cannot be deleted, it goes with the folder.
        let _ = fs::remove_file(&self.path);
    }
}

/// Content on its way in.
pub(super) struct Draft {
    content: Arc<Content>,
    file: BufWriter<File>,
    size: u64,
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// All objects of the account, whatever their Region: bucket names are global.
pub(super) struct Objects {
    folder: PathBuf,
    next: AtomicU64,
    buckets: Mutex<BTreeMap<String, BTreeMap<String, Object>>>,
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
        Ok(Draft { content: Arc::new(Content { path }), file, size: 0 })
    }

    /// Makes `draft` the content of an object. The bucket is made if it does not exist.
    pub(super) fn put(
        &self,
        bucket: &str,
        key: &str,
        mut draft: Draft,
        etag: String,
        headers: Vec<(String, String)>,
        now: Micros,
    ) -> io::Result<Object> {
        draft.file.flush()?;
        let object = Object { content: draft.content, size: draft.size, etag, modified: now, headers };
        self.buckets().entry(bucket.to_owned()).or_default().insert(key.to_owned(), object.clone());
        Ok(object)
    }

    /// An object.
    pub(super) fn get(&self, bucket: &str, key: &str) -> Option<Object> {
        self.buckets().get(bucket)?.get(key).cloned()
    }

    /// The objects of a bucket whose keys begin with `prefix`, in the order of their keys; `None`: no such bucket.
    pub(super) fn list(&self, bucket: &str, prefix: &str) -> Option<Vec<(String, Object)>> {
        let buckets = self.buckets();
        let from = buckets.get(bucket)?.range(prefix.to_owned()..);
        let inside = from.take_while(|(key, _)| key.starts_with(prefix));
        Some(inside.map(|(key, object)| (key.clone(), object.clone())).collect())
    }

    /// Deletes an object, if it exists.
    pub(super) fn delete(&self, bucket: &str, key: &str) {
        if let Some(objects) = self.buckets().get_mut(bucket) {
            objects.remove(key);
        }
    }

    /// Makes a bucket, if it does not exist.
    pub(super) fn make_bucket(&self, bucket: &str) {
        self.buckets().entry(bucket.to_owned()).or_default();
    }

    fn buckets(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<String, Object>>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder, for tests.
    #[cfg(test)]
    fn folder(&self) -> &Path {
        &self.folder
    }
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
    use std::io::Read;

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
}
