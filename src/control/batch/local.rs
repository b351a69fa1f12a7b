//! What this machine knows of jobs that the service does not: which ones we submitted, of which file, and where their
//! results were put. Names of files, never their contents.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A line of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub arn: String,
    /// Submitted from here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ours: bool,
    /// The local input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<PathBuf>,
    /// The folder of the fetched results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_to: Option<String>,
    /// The totals of the manifest: input tokens, output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_tokens: Option<(u64, u64)>,
    /// The most frequent errors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<(String, u64)>,
}

/// `jobs.jsonl` in the state folder: one line for each thing learned, later ones over earlier ones.
#[derive(Clone, Debug)]
pub(super) struct LocalJobs {
    path: PathBuf,
}

impl LocalJobs {
    pub fn within(state: &Path) -> LocalJobs {
        LocalJobs { path: state.join("jobs.jsonl") }
    }

    /// Adds what was learned.
    pub fn learn(&self, known: &Known) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        // A line that a crash tore is ended by this one's newline, and skipped by whoever reads.
        let mut line = b"\n".to_vec();
        serde_json::to_writer(&mut line, known)?;
        line.push(b'\n');
        file.write_all(&line)
    }

    /// Everything known, by ARN. What cannot be read is not known.
    pub fn all(&self) -> BTreeMap<String, Known> {
        let mut all: BTreeMap<String, Known> = BTreeMap::new();
        for line in fs::read(&self.path).unwrap_or_default().split(|byte| *byte == b'\n') {
            let Ok(news) = serde_json::from_slice::<Known>(line) else { continue };
            let known = all.entry(news.arn.clone()).or_default();
            known.arn = news.arn;
            known.ours |= news.ours;
            known.input = news.input.or(known.input.take());
            if news.fetched_to.is_some() {
                known.reasons = news.reasons;
            }
            known.fetched_to = news.fetched_to.or(known.fetched_to.take());
            known.manifest_tokens = news.manifest_tokens.or(known.manifest_tokens);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_lines_add_to_earlier_ones() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = LocalJobs::within(&folder.path().join("state"));
        assert!(jobs.all().is_empty());
        let known = |arn: &str| Known { arn: arn.to_owned(), ..Known::default() };
        jobs.learn(&Known { ours: true, input: Some("/in".into()), ..known("a") }).unwrap();
        jobs.learn(&Known { fetched_to: Some("/out".to_owned()), reasons: vec![("x".to_owned(), 2)], ..known("a") })
            .unwrap();
        jobs.learn(&known("b")).unwrap();
        let all = jobs.all();
        let a = &all["a"];
        assert!(a.ours && a.input.is_some() && a.fetched_to.as_deref() == Some("/out") && a.reasons.len() == 1);
        assert!(!all["b"].ours);
    }
}
