//! Our own counts beside the service's: what the difference is, and how much of the use is somebody else's.

use serde::{Deserialize, Serialize};

use super::MinuteUse;

/// The same minutes of one route, as both sides counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reconciled {
    /// Minutes compared; 0: there is none yet that both sides have whole, and nothing else here means anything.
    pub minutes: u64,
    /// Sums of our counts; `start_ms` is the first compared minute.
    pub ours: MinuteUse,
    /// Sums of the service's counts over the same minutes.
    pub theirs: MinuteUse,
    /// Theirs without ours. Zero everywhere if nobody else calls.
    pub difference: UseDifference,
    /// The part of the service's quota tokens that is not ours, 0 to 1; `None`: nothing was compared or used. At least,
    /// because it is of settled tokens: what others have reserved beyond that is seen by nobody but them.
    pub others_at_least: Option<f64>,
}

/// Counts of the service without ours. Negative: we count what the service does not, such as the guess at a reply that was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseDifference {
    /// Calls that were admitted.
    pub invocations: i64,
    /// Calls that were throttled.
    pub throttles: i64,
    /// Calls that were refused for the caller's fault.
    pub client_errors: i64,
    /// Calls that failed for the service's.
    pub server_errors: i64,
    /// Input tokens.
    pub input: i64,
    /// Output tokens.
    pub output: i64,
    /// Quota tokens, settled.
    pub quota_tokens: i64,
}

/// Compares the minutes of one route that both sides have whole. A minute counts if it
///
/// 1. begins at `from_ms` or later, when we began to call: of the minute in which we began we know only a part;
/// 2. lies between the first and the last minute that the service has published: of later ones it has said nothing yet,
///    of earlier ones nothing any more. The minute that is not over must not be among those given;
/// 3. is not older than the oldest of ours if our book is full ([`MinuteUse::KEPT`]): what was before is forgotten.
///
/// Both are sorted by their starts. A minute that is missing between the first and the last had no calls.
#[must_use]
pub fn reconcile(ours: &[MinuteUse], theirs: &[MinuteUse], from_ms: i64) -> Reconciled {
    let (Some(oldest), Some(newest)) = (theirs.first(), theirs.last()) else { return Reconciled::default() };
    let into = from_ms.rem_euclid(MinuteUse::LENGTH_MS);
    let begun = if into == 0 { from_ms } else { from_ms.saturating_add(MinuteUse::LENGTH_MS - into) };
    let kept = ours.first().filter(|_| ours.len() >= MinuteUse::KEPT).map_or(i64::MIN, |minute| minute.start_ms);
    let (first, last) = (oldest.start_ms.max(begun).max(kept), newest.start_ms);
    if first > last {
        return Reconciled::default();
    }
    let sum = |minutes: &[MinuteUse]| {
        let mut sum = MinuteUse { start_ms: first, ..MinuteUse::default() };
        minutes.iter().filter(|minute| (first..=last).contains(&minute.start_ms)).for_each(|minute| sum.add(minute));
        sum
    };
    let (ours, theirs) = (sum(ours), sum(theirs));
    let difference = UseDifference::of(&ours, &theirs);
    let others_at_least = (theirs.quota_tokens > 0)
        .then(|| (difference.quota_tokens as f64 / theirs.quota_tokens as f64).clamp(0.0, 1.0));
    let minutes = ((last - first) / MinuteUse::LENGTH_MS + 1).unsigned_abs();
    Reconciled { minutes, ours, theirs, difference, others_at_least }
}

impl UseDifference {
    fn of(ours: &MinuteUse, theirs: &MinuteUse) -> UseDifference {
        let less = |ours: u64, theirs: u64| {
            let (ours, theirs) = (i64::try_from(ours).unwrap_or(i64::MAX), i64::try_from(theirs).unwrap_or(i64::MAX));
            theirs - ours
        };
        UseDifference {
            invocations: less(ours.invocations, theirs.invocations),
            throttles: less(ours.throttles, theirs.throttles),
            client_errors: less(ours.client_errors, theirs.client_errors),
            server_errors: less(ours.server_errors, theirs.server_errors),
            input: less(ours.input, theirs.input),
            output: less(ours.output, theirs.output),
            quota_tokens: less(ours.quota_tokens, theirs.quota_tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = MinuteUse::LENGTH_MS;

    fn minutes(counts: &[(i64, u64)]) -> Vec<MinuteUse> {
        let minute = |&(minute, count): &(i64, u64)| MinuteUse {
            start_ms: minute * MINUTE,
            invocations: count,
            throttles: count,
            client_errors: count,
            server_errors: count,
            input: count,
            output: count,
            quota_tokens: count * 10,
            reserved: 0,
        };
        counts.iter().map(minute).collect()
    }

    #[test]
    fn alone_on_the_account_the_difference_is_zero() {
        let both = minutes(&[(10, 5), (11, 7), (13, 2)]);
        let found = reconcile(&both, &both, 10 * MINUTE);
        assert_eq!((found.minutes, found.ours.invocations, found.ours.start_ms), (4, 14, 10 * MINUTE));
        assert_eq!(found.difference, UseDifference::default());
        assert_eq!(found.others_at_least, Some(0.0));
    }

    #[test]
    fn the_minute_of_the_beginning_and_unpublished_ones_are_left_out() {
        let ours = minutes(&[(10, 5), (11, 7), (12, 9), (13, 100)]);
        let theirs = minutes(&[(10, 50), (11, 7), (12, 9)]);
        let found = reconcile(&ours, &theirs, 10 * MINUTE + 1);
        assert_eq!((found.minutes, found.difference), (2, UseDifference::default()));
        assert_eq!(reconcile(&ours, &theirs, 12 * MINUTE + 1), Reconciled::default(), "nothing whole yet");
        assert_eq!(reconcile(&ours, &[], 0), Reconciled::default());
    }

    #[test]
    fn what_the_service_no_longer_tells_or_we_have_forgotten_is_left_out() {
        let found = reconcile(&minutes(&[(3, 1), (100, 4)]), &minutes(&[(99, 8), (100, 8)]), 0);
        assert_eq!((found.minutes, found.ours.invocations, found.theirs.invocations), (2, 4, 16));
        let kept: Vec<_> = (0..MinuteUse::KEPT as i64).map(|minute| (100 + minute, 1)).collect();
        let long: Vec<_> = (80..100 + MinuteUse::KEPT as i64).map(|minute| (minute, 1)).collect();
        let found = reconcile(&minutes(&kept), &minutes(&long), 0);
        assert_eq!((found.minutes, found.difference.invocations), (61, 0));
    }

    #[test]
    fn the_rest_is_of_others_and_never_less_than_nothing() {
        let found = reconcile(&minutes(&[(5, 3)]), &minutes(&[(5, 12)]), 0);
        assert_eq!((found.difference.throttles, found.difference.quota_tokens), (9, 90));
        assert_eq!(found.others_at_least, Some(0.75));
        let found = reconcile(&minutes(&[(5, 12)]), &minutes(&[(5, 3)]), 0);
        assert_eq!((found.difference.invocations, found.others_at_least), (-9, Some(0.0)));
        assert_eq!(reconcile(&[], &minutes(&[(5, 0)]), 0).others_at_least, None);
        assert_eq!(reconcile(&[], &minutes(&[(5, 1)]), i64::MAX).minutes, 0);
    }
}
