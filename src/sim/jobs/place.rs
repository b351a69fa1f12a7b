//! `s3://bucket/key` taken apart, and where results go.

/// A place in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub bucket: String,
    /// A key or a prefix; may be empty.
    pub key: String,
}

impl Place {
    /// Reads an URI as the service does.
    pub(super) fn parse(uri: &str) -> Option<Place> {
        let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/').unwrap_or((uri.strip_prefix("s3://")?, ""));
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        let named = (3..=63).contains(&bucket.len()) && bucket.bytes().all(plain) && !bucket.starts_with(['-', '.']);
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-!_*'().".contains(&byte);
        let inside = key.strip_suffix('/').unwrap_or(key);
        let keyed = key.is_empty() || inside.split('/').all(|part| !part.is_empty() && part.bytes().all(fits));
        (uri.len() <= 1_024 && named && keyed).then(|| Place { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// The folder of a job's results in this output place.
    pub(super) fn folder(&self, job: &str) -> String {
        match self.key.trim_end_matches('/') {
            "" => format!("{job}/"),
            prefix => format!("{prefix}/{job}/"),
        }
    }

    /// What the results of the input `key` are called, in the folder: the part of the key after the input prefix.
    pub(super) fn result_name(&self, key: &str) -> String {
        let folder = match self.key.rsplit_once('/') {
            _ if self.key == key => key.rfind('/').map_or(0, |at| at + 1),
            Some((folder, _)) => folder.len() + 1,
            None if key.starts_with(&format!("{}/", self.key)) => self.key.len() + 1,
            None => 0,
        };
        format!("{}.out", key.get(folder..).unwrap_or(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_taken_apart() {
        let place = |uri: &str| Place::parse(uri).map(|place| (place.bucket, place.key));
        assert_eq!(place("s3://abc/in/x.jsonl"), Some(("abc".into(), "in/x.jsonl".into())));
        assert_eq!(place("s3://abc"), Some(("abc".into(), String::new())));
        assert_eq!(place("s3://abc/in/"), Some(("abc".into(), "in/".into())));
        for bad in ["abc/in", "s3://", "s3://A/b", "s3://abc//x", "s3://abc/a b", "s3://abc/x//"] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }

    #[test]
    fn results_lie_in_the_jobs_folder_under_the_inputs_name() {
        let place = |uri: &str| Place::parse(uri).unwrap();
        assert_eq!(place("s3://abc/out/").folder("j1"), "out/j1/");
        assert_eq!(place("s3://abc").folder("j1"), "j1/");
        assert_eq!(place("s3://abc/in/x.jsonl").result_name("in/x.jsonl"), "x.jsonl.out");
        assert_eq!(place("s3://abc/in/").result_name("in/deep/x.jsonl"), "deep/x.jsonl.out");
        assert_eq!(place("s3://abc/in").result_name("in/x.jsonl"), "x.jsonl.out");
        assert_eq!(place("s3://abc").result_name("in/x.jsonl"), "in/x.jsonl.out");
    }
}
