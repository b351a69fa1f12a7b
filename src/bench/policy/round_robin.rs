//! Which Region a client without a router sends to: the next one in turn.

use super::Ask;

/// For a client of the SDK, which retries where it sent first: the Region is that of the request's number.
pub(super) fn by_request(ask: &Ask, regions: usize) -> usize {
    ask.id as usize % regions.max(1)
}

/// For a client that retries by itself: the same, and each further attempt goes to the next Region, so that the head of
/// the queue does not stand before one that is down.
pub(super) fn by_attempt(ask: &Ask, regions: usize) -> usize {
    (ask.id as usize + ask.attempts as usize) % regions.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Priority;

    #[test]
    fn a_retry_of_the_sdk_stays_and_another_moves_on() {
        let ask = |id, attempts| Ask { id, input: 1, max_tokens: 1, priority: Priority::default(), attempts };
        assert_eq!([0, 1, 2, 3].map(|id| by_request(&ask(id, 0), 3)), [0, 1, 2, 0]);
        assert_eq!([0, 1, 2, 3].map(|made| by_request(&ask(4, made), 3)), [1; 4]);
        assert_eq!([0, 1, 2, 3].map(|made| by_attempt(&ask(4, made), 3)), [1, 2, 0, 1]);
        assert_eq!(by_attempt(&ask(7, 9), 1), 0);
    }
}
