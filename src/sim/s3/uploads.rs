//! Multipart uploads that are under way.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_smithy_checksums::ChecksumAlgorithm;

use crate::record::Micros;

use super::super::errors::ServiceError;
use super::super::objects::Content;
use super::checksum::{Fingerprint, Kind};
use super::errors;

/// Uploads under way at a time: one that is neither completed nor aborted stays, as in the real service.
const UPLOADS: usize = 1_000;

/// An upload that is neither completed nor aborted.
pub(super) struct Multipart {
    pub bucket: String,
    pub key: String,
    /// What the object will keep.
    pub headers: Vec<(String, String)>,
    pub algorithm: ChecksumAlgorithm,
    pub kind: Kind,
    pub parts: BTreeMap<u16, Part>,
}

/// A part that has come.
pub(super) struct Part {
    pub content: Content,
    pub size: u64,
    pub found: Fingerprint,
    pub modified: Micros,
}

/// All uploads under way, by their ids.
#[derive(Default)]
pub(in crate::sim) struct Uploads(Mutex<HashMap<String, Multipart>>);

impl Uploads {
    /// Begins one.
    pub(super) fn begin(&self, id: String, upload: Multipart) -> Result<(), ServiceError> {
        let mut uploads = self.lock();
        if uploads.len() >= UPLOADS {
            return Err(errors::invalid_request(format!(
                "The simulator holds {UPLOADS} unfinished multipart uploads at most; abort some."
            )));
        }
        uploads.insert(id, upload);
        Ok(())
    }

    /// Looks at one, or changes it.
    pub(super) fn with<T>(
        &self,
        id: &str,
        bucket: &str,
        key: &str,
        change: impl FnOnce(&mut Multipart) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let mut uploads = self.lock();
        let upload = uploads.get_mut(id).filter(|upload| upload.bucket == bucket && upload.key == key);
        change(upload.ok_or_else(errors::no_such_upload)?)
    }

    /// Ends one.
    pub(super) fn end(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Multipart>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
