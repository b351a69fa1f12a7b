//! How well a few letters fit a text: what the palette sorts by.
//!
//! A pattern fits if its characters are in the text in their order, whatever their case. Of all the ways in which they
//! are, the best counts:
//!
//! ```text
//!  score = sum over the characters of  HIT + WORD (it begins a word) or NEXT (it follows the one before) + CASE (as typed)
//!          - GAP (once for each hole between two of them)
//! ```
//!
//! The alignment is found row by row as in Smith and Waterman (1981), a row for each character of the pattern. Cost: length
//! of the pattern times length of the text.

/// A character that fits.
const HIT: i32 = 16;
/// It begins a word.
const WORD: i32 = 12;
/// It stands right behind the one before.
const NEXT: i32 = 10;
/// It has the case that was typed.
const CASE: i32 = 1;
/// A hole.
const GAP: i32 = 4;

/// How well `pattern` fits `text`, more is better; `None`: not at all. Words of the pattern fit each for itself, in any
/// order; an empty pattern fits everything alike.
#[must_use]
pub fn score(pattern: &str, text: &str) -> Option<i32> {
    let text: Vec<char> = text.chars().collect();
    pattern.split_whitespace().try_fold(0_i32, |sum, word| Some(sum.saturating_add(word_score(word, &text)?)))
}

fn word_score(word: &str, text: &[char]) -> Option<i32> {
    // The best score of what was read of the word so far with its last character at this place of the text.
    let mut row: Vec<Option<i32>> = Vec::new();
    for c in word.chars() {
        let mut next: Vec<Option<i32>> = Vec::with_capacity(text.len());
        // The best of the row before, two or more places back.
        let mut far: Option<i32> = None;
        for (at, &here) in text.iter().enumerate() {
            if at >= 2 && !row.is_empty() {
                far = far.max(row[at - 2]);
            }
            let starts = begins_word(text, at);
            let before = if row.is_empty() {
                Some(if starts { WORD } else { 0 })
            } else {
                let near = if at >= 1 {
                    row[at - 1].map(|score| score + if starts { NEXT.max(WORD) } else { NEXT })
                } else {
                    None
                };
                near.max(far.map(|score| score - GAP + if starts { WORD } else { 0 }))
            };
            let fits = here == c || here.to_lowercase().eq(c.to_lowercase());
            next.push(if fits { before.map(|score| score + HIT + if here == c { CASE } else { 0 }) } else { None });
        }
        row = next;
    }
    row.into_iter().flatten().max()
}

/// Whether a word begins here: after anything that is no letter or digit, and at a capital after a small letter.
fn begins_word(text: &[char], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|at| text[at]) else { return true };
    !before.is_alphanumeric() || (before.is_lowercase() && text[at].is_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn better(pattern: &str, one: &str, other: &str) {
        let (one_score, other_score) = (score(pattern, one), score(pattern, other));
        assert!(one_score > other_score, "{pattern}: {one} {one_score:?}, {other} {other_score:?}");
    }

    #[test]
    fn only_what_is_there_in_order_fits() {
        assert!(score("pse", "load.pause").is_some());
        assert!(score("PAUSE", "load.pause").is_some());
        assert_eq!(score("esp", "load.pause"), None);
        assert_eq!(score("pausee", "load.pause"), None);
        assert_eq!(score("a", ""), None);
        assert_eq!(score("", "anything"), Some(0));
        assert_eq!(score(" \t", "anything"), Some(0));
    }

    #[test]
    fn beginnings_of_words_runs_and_case_count() {
        better("th", "view.theme", "with much");
        better("lp", "load.pause", "help page"); // both words begin with one of them
        better("pause", "pause", "p-a-u-s-e-d by others");
        better("paus", "pause", "parse us");
        better("L", "L", "l");
        better("on", "on demand", "second");
        better("rm", "readMe", "farm");
    }

    #[test]
    fn words_fit_in_any_order() {
        let scope = "scope us-east-1 anthropic.claude-3-haiku";
        assert_eq!(score("haiku scope", scope), score("scope haiku", scope));
        assert!(score("sco east1 hai", scope).is_some());
        assert_eq!(score("scope sonnet", scope), None);
    }

    #[test]
    fn the_best_alignment_counts_not_the_first() {
        // The first `s` is inside a word, a later one begins `stop`.
        assert_eq!(score("stop", "this.stop"), score("stop", "abcd.stop"));
    }

    proptest! {
        #[test]
        fn every_subsequence_fits_and_nothing_panics(text in ".{0,40}", pick in prop::collection::vec(any::<bool>(), 40), other in ".{0,12}") {
            let pattern: String = text.chars().zip(pick).filter(|(c, keep)| *keep && !c.is_whitespace()).map(|(c, _)| c).collect();
            prop_assert!(score(&pattern, &text).is_some());
            let _ = score(&other, &text);
        }
    }
}
