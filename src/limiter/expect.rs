//! What a request will settle at, from the replies seen: how long replies are, and how much of the prompts is charged
//! (what is read from the prompt cache is reserved, but not charged; facts §2.2.3).

use std::collections::HashMap;

/// Before the first reply, as much as this.
const FIRST_GUESS: f64 = 300.0;
/// Weight of a new reply once there are many; until then all weigh alike.
const WEIGHT: f64 = 0.05;
/// Models remembered.
const MODELS: usize = 256;

#[derive(Clone, Copy, Debug)]
struct Seen {
    replies: f64,
    /// Mean output tokens.
    output: f64,
    /// Part of the prompt tokens that is charged.
    charged: f64,
}

/// Mean output tokens and charged part of the prompts, by model.
#[derive(Clone, Debug, Default)]
pub struct SettlementGuess {
    seen: HashMap<String, Seen>,
}

impl SettlementGuess {
    /// Output tokens expected of `model`, never above `max_tokens`.
    #[must_use]
    pub fn output(&self, model: &str, max_tokens: u64) -> u64 {
        let mean = self.seen.get(model).map_or(FIRST_GUESS, |seen| seen.output);
        (mean.ceil() as u64).min(max_tokens)
    }

    /// Of a prompt of so many tokens, those that are expected to be charged.
    #[must_use]
    pub fn prompt(&self, model: &str, tokens: u64) -> u64 {
        let charged = self.seen.get(model).map_or(1.0, |seen| seen.charged);
        (tokens as f64 * charged).ceil() as u64
    }

    /// A reply had `output` tokens; of the prompt's tokens, cached ones included, this part was charged.
    pub fn observe(&mut self, model: &str, output: u64, charged: f64) {
        let charged = if charged.is_finite() { charged.clamp(0.0, 1.0) } else { 1.0 };
        if let Some(seen) = self.seen.get_mut(model) {
            seen.replies += 1.0;
            let weight = WEIGHT.max(1.0 / seen.replies);
            seen.output += weight * (output as f64 - seen.output);
            seen.charged += weight * (charged - seen.charged);
        } else if self.seen.len() < MODELS {
            self.seen.insert(model.to_string(), Seen { replies: 1.0, output: output as f64, charged });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_replies_and_respects_max_tokens() {
        let mut guess = SettlementGuess::default();
        assert_eq!(guess.output("m", 100), 100);
        assert_eq!(guess.prompt("m", 1_000), 1_000);
        for _ in 0..200 {
            guess.observe("m", 800, 0.25);
        }
        assert_eq!(guess.output("m", 4_096), 800);
        assert_eq!(guess.output("m", 512), 512);
        assert_eq!(guess.output("other", 4_096), 300);
        assert_eq!(guess.prompt("m", 1_000), 250);
        guess.observe("m", 800, f64::NAN);
        assert!(guess.prompt("m", 1_000) < 300);
    }
}
