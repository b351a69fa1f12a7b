//! Synthetic prompts: text of a wanted size in tokens, decided by seed and number alone.

use rand::distr::weighted::WeightedIndex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal};

use crate::families;
use crate::record::Priority;

use super::Sizes;
use super::phrases::VOICES;

/// Larger than every context window in the catalogue; keeps a mistaken size from filling the memory.
const MOST_TOKENS: f64 = 2_000_000.0;
/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.326_347_874_040_841;

/// Makes prompts.
#[derive(Clone, Debug)]
pub struct Prompts {
    seed: u64,
    sizes: Sizes,
    priorities: WeightedIndex<f64>,
    voices: WeightedIndex<u32>,
    /// Raw tokens of each phrase of each voice.
    tokens: Vec<Vec<u64>>,
}

/// A synthetic prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What to send.
    pub text: String,
    /// Its class.
    pub priority: Priority,
}

impl Prompts {
    /// Prompts of `sizes` tokens (as the raw estimate counts them), with classes in the proportions of `mix`
    /// (high, medium, low; all medium if it makes no sense).
    #[must_use]
    pub fn new(seed: u64, sizes: Sizes, mix: [f64; 3]) -> Prompts {
        let all_medium = [0.0, 1.0, 0.0];
        let priorities = WeightedIndex::new(mix).or_else(|_| WeightedIndex::new(all_medium));
        let voices = WeightedIndex::new(VOICES.iter().map(|voice| voice.share));
        let (Ok(priorities), Ok(voices)) = (priorities, voices) else { unreachable!("constant weights are positive") };
        let count = |phrase: &&str| families::raw_tokens(phrase).tokens.max(1);
        let tokens = VOICES.iter().map(|voice| voice.phrases.iter().map(count).collect()).collect();
        Prompts { seed, sizes, priorities, voices, tokens }
    }

    /// Prompt number `seq`.
    #[must_use]
    pub fn get(&self, seq: u64) -> Prompt {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // Stream 0 belongs to the arrivals.
        rng.set_stream(seq.wrapping_add(1));
        let priority = Priority::ALL[self.priorities.sample(&mut rng)];
        let wanted = tokens(self.sizes, &mut rng);
        let voice = self.voices.sample(&mut rng);
        Prompt { text: self.text(voice, wanted, &mut rng), priority }
    }

    fn text(&self, voice: usize, wanted: u64, rng: &mut ChaCha8Rng) -> String {
        let (words, tokens) = (&VOICES[voice], &self.tokens[voice]);
        // No two prompts begin alike, or a prompt cache on the way would answer for the model.
        let mut text = format!("[{:08x}] ", rng.random::<u32>());
        if wanted > 24 {
            text.push_str(words.tasks[rng.random_range(0..words.tasks.len())]);
            text.push_str("\n\n");
        }
        let mut have = families::raw_tokens(&text).tokens;
        while have < wanted {
            let pick = rng.random_range(0..words.phrases.len());
            let phrase = words.phrases[pick];
            let missing = wanted - have;
            if tokens[pick] > missing {
                let part =
                    phrase.len() * usize::try_from(missing).unwrap_or(0) / usize::try_from(tokens[pick]).unwrap_or(1);
                text.push_str(&phrase[..phrase.floor_char_boundary(part.max(1))]);
                break;
            }
            text.push_str(phrase);
            text.push_str(words.join);
            have += tokens[pick];
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Draws a size.
fn tokens(sizes: Sizes, rng: &mut ChaCha8Rng) -> u64 {
    let drawn = match sizes {
        Sizes::Fixed { tokens } => tokens,
        Sizes::Uniform { min, max } => {
            let (min, max) = (min.clamp(1.0, MOST_TOKENS), max.clamp(1.0, MOST_TOKENS));
            if min < max { rng.random_range(min..=max) } else { min }
        }
        Sizes::Normal { mean, sd } => Normal::new(mean, sd).map_or(mean, |normal| normal.sample(rng)),
        Sizes::LogNormal { p50, p99 } => {
            let sigma = (p99 / p50).ln() / Z99;
            LogNormal::new(p50.ln(), sigma).map_or(p50, |lognormal| lognormal.sample(rng))
        }
    };
    if drawn >= 1.0 { drawn.min(MOST_TOKENS).round() as u64 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(sizes: Sizes) -> Prompts {
        Prompts::new(9, sizes, [1.0, 2.0, 1.0])
    }

    fn raw(text: &str) -> u64 {
        families::raw_tokens(text).tokens
    }

    #[test]
    fn voices_add_up() {
        assert_eq!(VOICES.iter().map(|voice| voice.share).sum::<u32>(), 100);
    }

    #[test]
    fn a_prompt_has_the_wanted_size() {
        for wanted in [50.0, 400.0, 5_000.0] {
            let prompts = prompts(Sizes::Fixed { tokens: wanted });
            for seq in 0..60 {
                let have = raw(&prompts.get(seq).text) as f64;
                let slack = 0.12 * wanted + 8.0;
                assert!((have - wanted).abs() <= slack, "prompt {seq}: {have} for {wanted}");
            }
        }
    }

    #[test]
    fn the_distributions_have_their_percentiles() {
        let mut sizes: Vec<u64> = {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            (0..20_000).map(|_| tokens(Sizes::LogNormal { p50: 400.0, p99: 4_000.0 }, &mut rng)).collect()
        };
        sizes.sort_unstable();
        assert!((380..=420).contains(&sizes[10_000]), "{}", sizes[10_000]);
        assert!((3_600..=4_450).contains(&sizes[19_800]), "{}", sizes[19_800]);
    }

    #[test]
    fn senseless_sizes_do_not_panic() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for value in [0.0, -5.0, f64::NAN, f64::INFINITY] {
            for sizes in [
                Sizes::Fixed { tokens: value },
                Sizes::Uniform { min: value, max: 3.0 },
                Sizes::Uniform { min: 3.0, max: value },
                Sizes::Normal { mean: value, sd: value },
                Sizes::LogNormal { p50: value, p99: value },
            ] {
                let drawn = tokens(sizes, &mut rng);
                assert!((1..=MOST_TOKENS as u64).contains(&drawn), "{sizes:?}: {drawn}");
            }
        }
    }

    #[test]
    fn classes_come_in_their_proportions() {
        let prompts = prompts(Sizes::Fixed { tokens: 1.0 });
        let mut seen = [0u32; 3];
        (0..4_000).for_each(|seq| seen[prompts.get(seq).priority.index()] += 1);
        for (class, expected) in seen.iter().zip([1_000.0, 2_000.0, 1_000.0]) {
            assert!((f64::from(*class) - expected).abs() < 130.0, "{seen:?}");
        }
        let broken = Prompts::new(1, Sizes::Fixed { tokens: 1.0 }, [0.0, f64::NAN, 0.0]);
        assert_eq!(broken.get(0).priority, Priority::Medium);
    }

    #[test]
    fn a_prompt_depends_on_seed_and_number_alone() {
        let sizes = Sizes::Uniform { min: 5.0, max: 900.0 };
        let (one, two) = (prompts(sizes), prompts(sizes));
        let _ = one.get(3);
        assert_eq!(one.get(17), two.get(17));
        assert_ne!(one.get(17).text, one.get(18).text);
    }
}
