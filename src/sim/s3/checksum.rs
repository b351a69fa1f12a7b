//! Checksums of objects: which a client promised, which the content has, and what those of parts make together.

use aws_smithy_checksums::ChecksumAlgorithm;
use aws_smithy_checksums::http::HttpChecksum;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, checksum_combine};
use hyper::HeaderMap;
use md5::{Digest, Md5};

use super::super::errors::ServiceError;
use super::errors;

/// The checksum that S3 takes where a client wants none.
pub(super) const DEFAULT: ChecksumAlgorithm = ChecksumAlgorithm::Crc64Nvme;

/// Those that can be verified. (SHA-512, MD5 and the xxHashes of newer clients are accepted and not looked at.)
const KNOWN: [ChecksumAlgorithm; 5] = [
    ChecksumAlgorithm::Crc32,
    ChecksumAlgorithm::Crc32c,
    ChecksumAlgorithm::Crc64Nvme,
    ChecksumAlgorithm::Sha1,
    ChecksumAlgorithm::Sha256,
];

/// The algorithm of this name, if it is known.
pub(super) fn named(name: &str) -> Option<ChecksumAlgorithm> {
    KNOWN.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))
}

/// `x-amz-checksum-...`.
pub(super) fn header(algorithm: ChecksumAlgorithm) -> String {
    format!("x-amz-checksum-{}", algorithm.as_str())
}

/// `Checksum...` of the XML.
pub(super) fn element(algorithm: ChecksumAlgorithm) -> String {
    format!("Checksum{}", algorithm.as_str().to_ascii_uppercase())
}

/// How the checksum of an object in parts is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of the whole content.
    FullObject,
    /// Of the checksums of the parts.
    Composite,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::FullObject => "FULL_OBJECT",
            Kind::Composite => "COMPOSITE",
        }
    }

    /// The kind that a client wants, or the usual one of the algorithm.
    pub(super) fn wanted(algorithm: ChecksumAlgorithm, wanted: Option<&str>) -> Result<Kind, ServiceError> {
        let kind = match wanted {
            None if algorithm == ChecksumAlgorithm::Crc64Nvme => Kind::FullObject,
            None | Some("COMPOSITE") => Kind::Composite,
            Some("FULL_OBJECT") => Kind::FullObject,
            Some(other) => {
                return Err(errors::invalid_request(format!(
                    "Value for x-amz-checksum-type header is invalid: '{other}'"
                )));
            }
        };
        let possible = match kind {
            Kind::FullObject => crc(algorithm).is_some(),
            Kind::Composite => algorithm != ChecksumAlgorithm::Crc64Nvme,
        };
        if !possible {
            return Err(errors::invalid_request(format!(
                "The {} checksum type cannot be used with the {} checksum algorithm.",
                kind.as_str(),
                algorithm.as_str()
            )));
        }
        Ok(kind)
    }
}

/// What a client says of its body beforehand.
#[derive(Debug, Default)]
pub(super) struct Promise {
    md5: Option<Vec<u8>>,
    checksum: Option<(ChecksumAlgorithm, Promised)>,
}

#[derive(Debug)]
enum Promised {
    Value(String),
    /// The value comes behind the body.
    Trailer,
}

impl Promise {
    pub(super) fn of(headers: &HeaderMap) -> Result<Promise, ServiceError> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let md5 = match headers.get("content-md5") {
            None => None,
            Some(value) => Some(
                STANDARD
                    .decode(value)
                    .ok()
                    .filter(|md5| md5.len() == 16)
                    .ok_or_else(|| errors::invalid_digest("The Content-MD5 you specified is not valid."))?,
            ),
        };
        let trailer = text("x-amz-trailer")
            .and_then(|name| named(name.trim().to_ascii_lowercase().strip_prefix("x-amz-checksum-")?))
            .map(|algorithm| (algorithm, Promised::Trailer));
        let mut given = KNOWN
            .into_iter()
            .filter_map(|algorithm| Some((algorithm, Promised::Value(text(&header(algorithm))?.to_owned()))))
            .chain(trailer);
        let checksum = given.next();
        if given.next().is_some() {
            return Err(errors::invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        Ok(Promise { md5, checksum })
    }

    /// The algorithm that the client has chosen.
    pub(super) fn algorithm(&self) -> Option<ChecksumAlgorithm> {
        self.checksum.as_ref().map(|(algorithm, _)| *algorithm)
    }
}

/// What is known of content that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub md5: [u8; 16],
    /// Of the algorithm asked for: the raw bytes.
    pub checksum: Vec<u8>,
}

/// Takes the digests of content as it comes.
pub(super) struct Digests {
    md5: Md5,
    /// What is kept.
    kept: Box<dyn HttpChecksum>,
    promise: Promise,
    /// What the client promised, if that is another algorithm than the one kept.
    other: Option<Box<dyn HttpChecksum>>,
}

impl Digests {
    pub(super) fn new(kept: ChecksumAlgorithm, promise: Promise) -> Digests {
        let other = promise.algorithm().filter(|promised| *promised != kept).map(ChecksumAlgorithm::into_impl);
        Digests { md5: Md5::new(), kept: kept.into_impl(), promise, other }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.kept.update(bytes);
        if let Some(other) = &mut self.other {
            other.update(bytes);
        }
    }

    /// The digests, if they are what was promised; `trailer` looks up what came behind the body.
    pub(super) fn finish<'t>(self, trailer: impl Fn(&str) -> Option<&'t str>) -> Result<Fingerprint, ServiceError> {
        let md5: [u8; 16] = self.md5.finalize().into();
        if self.promise.md5.is_some_and(|promised| promised != md5) {
            return Err(errors::bad_digest("The Content-MD5 you specified did not match what we received."));
        }
        let checksum = self.kept.finalize().to_vec();
        if let Some((algorithm, promised)) = self.promise.checksum {
            let name = header(algorithm);
            let promised = match &promised {
                Promised::Value(value) => value.as_str(),
                Promised::Trailer => trailer(&name).ok_or_else(|| {
                    errors::invalid_request(format!(
                        "The trailing header {name} that x-amz-trailer announces is missing."
                    ))
                })?,
            };
            let found = self.other.map_or_else(|| checksum.clone(), |other| other.finalize().to_vec());
            compare(algorithm, promised, &found)?;
        }
        Ok(Fingerprint { md5, checksum })
    }
}

/// Compares a promised value, in base64, with the one found.
fn compare(algorithm: ChecksumAlgorithm, promised: &str, found: &[u8]) -> Result<(), ServiceError> {
    match STANDARD.decode(promised) {
        Ok(value) if value == found => Ok(()),
        Ok(value) if value.len() == found.len() => Err(errors::bad_digest(format!(
            "The {} you specified did not match the calculated checksum.",
            algorithm.as_str().to_ascii_uppercase()
        ))),
        _ => Err(errors::invalid_request(format!("Value for {} header is invalid.", header(algorithm)))),
    }
}

/// The checksum of an object from those of its parts (raw bytes and the part's size), as it is written.
pub(super) fn join(algorithm: ChecksumAlgorithm, kind: Kind, parts: &[(&[u8], u64)]) -> String {
    match (kind, crc(algorithm)) {
        (Kind::FullObject, Some(crc)) => {
            let value = |bytes: &[u8]| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
            let whole = parts
                .iter()
                .map(|(bytes, size)| (value(bytes), *size))
                .reduce(|(before, length), (next, size)| (checksum_combine(crc, before, next, size), length + size));
            let (whole, _) = whole.unwrap_or_default();
            let width = parts.first().map_or(8, |(bytes, _)| bytes.len());
            STANDARD.encode(&whole.to_be_bytes()[8_usize.saturating_sub(width)..])
        }
        _ => {
            let mut checksum = algorithm.into_impl();
            for (bytes, _) in parts {
                checksum.update(bytes);
            }
            format!("{}-{}", STANDARD.encode(checksum.finalize()), parts.len())
        }
    }
}

/// The parameters by which the CRCs of two pieces make that of both.
fn crc(algorithm: ChecksumAlgorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        ChecksumAlgorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        ChecksumAlgorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        _ => None,
    }
}

/// The entity tag of content that came in one piece.
pub(super) fn etag(md5: &[u8; 16]) -> String {
    md5.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The entity tag of an object in parts.
pub(super) fn joined_etag<'p>(parts: impl ExactSizeIterator<Item = &'p [u8; 16]>) -> String {
    let count = parts.len();
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part);
    }
    format!("{}-{count}", etag(&md5.finalize().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Fingerprint {
        let mut digests = Digests::new(algorithm, Promise::default());
        digests.update(bytes);
        digests.finish(|_| None).unwrap()
    }

    fn promise(headers: &[(&'static str, &str)]) -> Result<Promise, ServiceError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Promise::of(&map)
    }

    /// The check values of the catalogues, over "123456789".
    #[test]
    fn each_algorithm_is_the_one_that_it_says() {
        for (name, value) in [
            ("CRC32", "cbf43926"),
            ("CRC32C", "e3069283"),
            ("CRC64NVME", "ae8b14860a799888"),
            ("SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            ("SHA256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ] {
            let found = fingerprint(named(name).unwrap(), b"123456789");
            let hex: String = found.checksum.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, value, "{name}");
            assert_eq!(etag(&found.md5), "25f9e794323b453885f5181f1b624d0b");
        }
        assert_eq!(named("md5"), None);
    }

    #[test]
    fn promises_are_kept_or_named() {
        let check = |headers: &[(&'static str, &str)], trailer: Option<&'static str>| {
            let mut digests = Digests::new(DEFAULT, promise(headers)?);
            digests.update(b"123456789");
            digests.finish(move |_| trailer)
        };
        assert!(
            check(&[("x-amz-checksum-crc32", "y/Q5Jg=="), ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")], None).is_ok()
        );
        assert!(check(&[("x-amz-trailer", "x-amz-checksum-crc32")], Some("y/Q5Jg==")).is_ok());
        let code = |headers: &[(&'static str, &str)], trailer| check(headers, trailer).unwrap_err().code;
        assert_eq!(code(&[("x-amz-checksum-crc32", "y/Q5Jw==")], None), "BadDigest");
        assert_eq!(code(&[("x-amz-checksum-crc64nvme", "y/Q5Jw==")], None), "InvalidRequest");
        assert_eq!(code(&[("x-amz-trailer", "x-amz-checksum-crc32")], Some("AAAAAA==")), "BadDigest");
        assert_eq!(code(&[("x-amz-trailer", "x-amz-checksum-crc32")], None), "InvalidRequest");
        assert_eq!(code(&[("content-md5", "JfnnlDI7RTiF9RgfG2JNCg==")], None), "BadDigest");
        assert_eq!(code(&[("content-md5", "what")], None), "InvalidDigest");
        let two = [("x-amz-checksum-crc32", "y/Q5Jg=="), ("x-amz-checksum-sha1", "x")];
        assert_eq!(promise(&two).unwrap_err().code, "InvalidRequest");
    }

    #[test]
    fn parts_make_the_checksum_of_the_whole() {
        for algorithm in [ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Crc64Nvme] {
            let whole = fingerprint(algorithm, b"one two three").checksum;
            let parts: Vec<(Vec<u8>, u64)> = [&b"one "[..], b"", b"two three"]
                .iter()
                .map(|part| (fingerprint(algorithm, part).checksum, part.len() as u64))
                .collect();
            let parts: Vec<(&[u8], u64)> = parts.iter().map(|(bytes, size)| (bytes.as_slice(), *size)).collect();
            assert_eq!(join(algorithm, Kind::FullObject, &parts), STANDARD.encode(whole));
        }
        let part = fingerprint(ChecksumAlgorithm::Sha256, b"x").checksum;
        let joined = join(ChecksumAlgorithm::Sha256, Kind::Composite, &[(&part, 1), (&part, 1)]);
        let twice = fingerprint(ChecksumAlgorithm::Sha256, &part.repeat(2)).checksum;
        assert_eq!(joined, format!("{}-2", STANDARD.encode(twice)));
        assert!(Kind::wanted(ChecksumAlgorithm::Sha1, Some("FULL_OBJECT")).is_err());
        assert!(Kind::wanted(ChecksumAlgorithm::Crc64Nvme, Some("COMPOSITE")).is_err());
        assert_eq!(Kind::wanted(ChecksumAlgorithm::Crc32, None).unwrap(), Kind::Composite);
    }
}
