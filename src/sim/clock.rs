//! How moments are written on the wire.

use jiff::Timestamp;

use crate::record::Micros;

/// The last second that is told, in the year 9000: at a speed of a million a week leads beyond what clients can read.
const LAST: u64 = 221_845_392_000;

/// `2026-11-22T01:02:03Z`, in whole seconds as the control plane writes it.
pub(super) fn iso(at: Micros) -> String {
    timestamp(at).to_string()
}

/// The form of the `Date` header.
pub(super) fn http_date(at: Micros) -> String {
    timestamp(at).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads a moment of a query parameter; `None`: it is none. What lies before 1970 is 1970.
pub(super) fn parse(text: &str) -> Option<Micros> {
    let at: Timestamp = text.parse().ok()?;
    Some(Micros(u64::try_from(at.as_microsecond()).unwrap_or(0)))
}

fn timestamp(at: Micros) -> Timestamp {
    let seconds = (at.0 / 1_000_000).min(LAST);
    i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_both_forms_and_never_beyond_what_can_be_read() {
        let at = parse("2026-11-22T01:02:03.5Z").unwrap();
        assert_eq!(iso(at), "2026-11-22T01:02:03Z");
        assert_eq!(http_date(at), "Sun, 22 Nov 2026 01:02:03 GMT");
        assert_eq!(parse("yesterday"), None);
        assert_eq!(parse("1960-01-01T00:00:00Z"), Some(Micros::ZERO));
        assert!(iso(Micros::MAX).starts_with("9000-"));
    }
}
