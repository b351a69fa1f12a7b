//! What the simulated models say.

/// Four words of the passage stand for five tokens, about the ratio of English prose.
const WORDS: u64 = 4;
const TOKENS: u64 = 5;

/// The passage from which replies are cut, starting at a word chosen by the request's seed.
const PASSAGE: &str = "The morning shift begins with a look at the meters. Requests arrive in waves, and each wave asks \
for a share of the same small budget. A patient operator admits only what the budget can bear, lets the rest wait its \
turn, and writes down how long the wait was. When a reply turns out shorter than feared, the unused part goes back to \
the pool and the next request moves up. When a neighbour takes more than usual, the pool refills slowly and the line \
grows. Nothing is lost in that case; it only takes longer. The opposite mistake is worse: a crowd that pushes all at \
once is turned away at the door, comes back a moment later, and is turned away again, so that more effort goes into \
asking than into working. Good planning therefore starts from two numbers, how much may flow in a minute and how much \
is still on its way. Everything else follows from keeping these two honest. A second region helps when the first is \
full, provided that somebody notices in time that it recovered. Reports at the end of the day should say what was \
asked, what was answered, what it cost, and which part of the cost bought nothing. With that in hand the next day can \
be planned better, and the quiet hours of the night can carry what the busy hours could not. ";

/// The passage, cut at its words.
pub(super) struct Speaker {
    /// Where each word starts; a last entry marks the end.
    starts: Vec<usize>,
}

impl Speaker {
    pub(super) fn new() -> Speaker {
        let mut starts = vec![0];
        starts.extend(PASSAGE.match_indices(' ').map(|(at, _)| at + 1));
        Speaker { starts }
    }

    /// Text of `tokens` tokens, of which the first `skip` tokens are left out: consecutive pieces put together are
    /// the whole. `seed` chooses where in the passage the reply starts.
    pub(super) fn piece(&self, seed: u64, skip: u64, tokens: u64) -> String {
        let words = self.starts.len() as u64 - 1;
        let word_of = |token: u64| token.saturating_mul(WORDS).div_ceil(TOKENS);
        let mut from = word_of(skip);
        let until = word_of(skip.saturating_add(tokens));
        let mut text = String::with_capacity(((until - from) * 6) as usize);
        while from < until {
            let here = (seed.wrapping_add(from) % words) as usize;
            let run = (until - from).min(words - here as u64) as usize;
            text.push_str(&PASSAGE[self.starts[here]..self.starts[here + run]]);
            from += run as u64;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_put_together_are_the_whole() {
        let speaker = Speaker::new();
        for seed in [0, 3, 77, u64::from(u32::MAX)] {
            let whole = speaker.piece(seed, 0, 997);
            let mut pieces = String::new();
            let mut at = 0;
            while at < 997 {
                let next = 5.min(997 - at);
                pieces.push_str(&speaker.piece(seed, at, next));
                at += next;
            }
            assert_eq!(whole, pieces);
            assert_eq!(whole.split_whitespace().count() as u64, (997u64 * 4).div_ceil(5));
        }
    }

    #[test]
    fn one_token_is_a_word_and_none_is_nothing() {
        let speaker = Speaker::new();
        assert_eq!(speaker.piece(0, 0, 1), "The ");
        assert_eq!(speaker.piece(0, 0, 0), "");
    }
}
