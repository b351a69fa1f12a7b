//! Uploads under way, on disk: what a killed process left half uploaded costs money until somebody gives it up.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::bedrock::Address;
use crate::record::Region;

/// An upload in parts that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Upload {
    pub region: Region,
    pub address: Address,
    pub id: String,
    /// The account, if known: another account's uploads are none of ours.
    pub account: Option<String>,
    pub simulated: bool,
}

/// The folder of uploads under way, `uploads` in the state folder.
#[derive(Clone, Debug)]
pub(super) struct Uploads {
    folder: PathBuf,
}

/// An upload that this process has under way. As long as it lives no other process takes it for abandoned.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    /// Locked.
    _file: File,
}

impl Held {
    /// The upload is complete, or given up.
    pub fn over(self) {
        // If the file stays, the next start gives up an upload that is not there: no harm.
        let _ = fs::remove_file(&self.path);
    }
}

impl Uploads {
    pub fn within(state: &Path) -> Uploads {
        Uploads { folder: state.join("uploads") }
    }

    /// Notes `upload` on disk.
    pub fn hold(&self, upload: &Upload) -> io::Result<Held> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.folder.join(format!("{}.json", blake3::hash(upload.id.as_bytes()).to_hex()));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.lock()?;
        serde_json::to_writer(&mut file, upload)?;
        file.flush()?;
        Ok(Held { path, _file: file })
    }

    /// Uploads that no living process has under way.
    pub fn abandoned(&self) -> Vec<(Upload, Held)> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let abandoned = entries.take(100).filter_map(|entry| {
            let path = entry.ok()?.path();
            let file = File::open(&path).ok()?;
            file.try_lock().ok()?;
            let upload = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            Some((upload, Held { path, _file: file }))
        });
        abandoned.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_abandoned() {
        let folder = tempfile::tempdir().unwrap();
        let uploads = Uploads::within(folder.path());
        assert!(uploads.abandoned().is_empty());
        let address = Address::parse("s3://bucket/key").unwrap();
        let upload = Upload { region: "us-east-1".into(), address, id: "u/1".into(), account: None, simulated: true };
        let held = uploads.hold(&upload).unwrap();
        assert!(uploads.abandoned().is_empty());
        drop(held);
        let mut found = uploads.abandoned();
        assert_eq!(found.len(), 1);
        let (again, held) = found.remove(0);
        assert_eq!(again, upload);
        held.over();
        assert!(uploads.abandoned().is_empty());
    }
}
