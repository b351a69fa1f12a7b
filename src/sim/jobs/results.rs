//! The output of a job on its way into S3.

use std::io::{self, Write};

use serde_json::json;

use crate::record::{Micros, Usage};

use super::super::objects::{Draft, Objects};
use super::lifecycle::Counts;

/// The service does not keep the order of records. Lines are turned round in groups of so many, so that nobody relies on
/// it here either; of fewer where they are long.
const GROUP: usize = 16;
const GROUP_BYTES: usize = 1 << 20;

/// One output file.
pub(super) struct Results {
    draft: Draft,
    hash: blake3::Hasher,
    group: Vec<Vec<u8>>,
    bytes: usize,
}

impl Results {
    pub(super) fn new(objects: &Objects) -> io::Result<Results> {
        Ok(Results { draft: objects.draft()?, hash: blake3::Hasher::new(), group: Vec::new(), bytes: 0 })
    }

    /// Adds a line.
    pub(super) fn push(&mut self, line: Vec<u8>) -> io::Result<()> {
        self.bytes += line.len();
        self.group.push(line);
        if self.group.len() >= GROUP || self.bytes >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        for mut line in self.group.drain(..).rev() {
            line.push(b'\n');
            self.hash.update(&line);
            self.draft.write_all(&line)?;
        }
        self.bytes = 0;
        Ok(())
    }

    /// Makes it an object.
    pub(super) fn put(mut self, objects: &Objects, bucket: &str, key: &str, now: Micros) -> io::Result<()> {
        self.flush()?;
        let etag = self.hash.finalize().to_hex()[..32].to_owned();
        let headers = vec![("content-type".to_owned(), "application/octet-stream".to_owned())];
        objects.put(bucket, key, self.draft, etag, headers, now).map(drop)
    }
}

/// Writes the manifest of a job.
pub(super) fn put_manifest(
    objects: &Objects,
    bucket: &str,
    key: &str,
    counts: Counts,
    used: Usage,
    now: Micros,
) -> io::Result<()> {
    let manifest = json!({
        "totalRecordCount": counts.total,
        "processedRecordCount": counts.processed(),
        "successRecordCount": counts.succeeded,
        "errorRecordCount": counts.failed,
        "inputTokenCount": used.input,
        "outputTokenCount": used.output,
    });
    let mut file = Results::new(objects)?;
    file.push(manifest.to_string().into_bytes())?;
    file.put(objects, bucket, key, now)
}
