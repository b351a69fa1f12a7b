//! How long a reply will be, from the replies seen: what the settlement of a request in flight is expected to be.

use std::collections::HashMap;

/// Before the first reply, as much as this.
const FIRST_GUESS: f64 = 300.0;
/// Weight of a new reply.
const WEIGHT: f64 = 0.05;
/// Models remembered.
const MODELS: usize = 256;

/// Mean output tokens by model.
#[derive(Clone, Debug, Default)]
pub struct OutputGuess {
    means: HashMap<String, f64>,
}

impl OutputGuess {
    /// Output tokens expected of `model`, never above `max_tokens`.
    #[must_use]
    pub fn expect(&self, model: &str, max_tokens: u64) -> u64 {
        let mean = self.means.get(model).copied().unwrap_or(FIRST_GUESS);
        (mean.ceil() as u64).min(max_tokens)
    }

    /// A reply had this many.
    pub fn observe(&mut self, model: &str, output: u64) {
        if let Some(mean) = self.means.get_mut(model) {
            *mean += WEIGHT * (output as f64 - *mean);
        } else if self.means.len() < MODELS {
            self.means.insert(model.to_string(), output as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_replies_and_respects_max_tokens() {
        let mut guess = OutputGuess::default();
        assert_eq!(guess.expect("m", 100), 100);
        for _ in 0..200 {
            guess.observe("m", 800);
        }
        assert_eq!(guess.expect("m", 4_096), 800);
        assert_eq!(guess.expect("m", 512), 512);
        assert_eq!(guess.expect("other", 4_096), 300);
    }
}
