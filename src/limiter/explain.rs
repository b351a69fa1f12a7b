//! A scope, explained: what the console and the reports show of it.

use crate::record::Micros;

use super::estimate::Phase;
use super::scope::Scope;
use super::{LimiterKnobs, Preset, QuotaLimit, ScopeStatus, Why};

impl Scope {
    /// The scope as it stands at `now`; changes nothing.
    pub(super) fn status(&self, now: Micros, knobs: &LimiterKnobs) -> ScopeStatus {
        let mut clock = self.clock;
        let own = clock.read(now);
        let (mut requests, mut tokens) = (self.requests.clone(), self.tokens.clone());
        requests.advance(own);
        tokens.advance(own);
        let sums = self.window.sums_at(own);
        let held_off = (self.off_until > own).then(|| clock.to_given(self.off_until));
        let mut rpm = requests.status(sums.charged, knobs);
        if knobs.preset == Preset::Classic {
            rpm.target = Some(self.classic.rate() * 60.0);
            rpm.burst = Some(1.0);
            rpm.level = self.classic.level();
        }
        ScopeStatus {
            rpm,
            tpm: tokens.status(u64::try_from(sums.net).unwrap_or(0), knobs),
            tpd: self.day.limit(),
            tpd_used: self.day.used(now),
            requests_60s: sums.sent,
            settled_60s: sums.settled,
            reserved_60s: sums.held,
            held: self.held,
            debt: self.debt,
            epochs: self.epochs,
            last_epochs: self.last_epochs.iter().copied().collect(),
            held_off_until: held_off,
            mood: self.mood(held_off.is_some(), knobs),
        }
    }

    fn mood(&self, held_off: bool, knobs: &LimiterKnobs) -> String {
        if held_off {
            return match self.off_why {
                Why::Tpd => "tokens per day used up".into(),
                _ => "paused after a throttle".into(),
            };
        }
        match knobs.preset {
            Preset::Classic => {
                let (run, of) = (self.classic.successes(), knobs.classic.successes);
                format!("{:.2}/s, {run} of {of} successes", self.classic.rate())
            }
            Preset::TokenBucket | Preset::SlidingWindow => {
                let known = |limit| matches!(limit, QuotaLimit::Limit(_));
                let unknown = !known(self.quota().tpm) && !known(self.quota().rpm);
                let of = if unknown { "the fallback" } else { "the quota" };
                format!("fixed at {:.0} % of {of}", knobs.share * 100.0)
            }
            Preset::Adaptive => self.adaptive_mood(),
        }
    }

    /// In the words of the meter that pressed last.
    fn adaptive_mood(&self) -> String {
        let (name, dimension) = if self.requests.limited_until() > self.tokens.limited_until() {
            ("RPM", &self.requests)
        } else {
            ("TPM", &self.tokens)
        };
        let rate = dimension.believed_rate();
        match dimension.phase() {
            Phase::Hold if dimension.sliding() => format!("{name}: holding, 60 s window"),
            Phase::Hold => format!("{name}: holding at the quota"),
            Phase::Ramp => format!("{name}: ramping up"),
            Phase::Seek { .. } => format!("{name}: seeking the limit"),
            Phase::Climb { to, .. } if rate < to => format!("{name}: backed off to {:.0} %", 100.0 * rate / to),
            Phase::Climb { to, .. } => format!("{name}: probing {:+.0} %", 100.0 * (rate / to - 1.0)),
        }
    }
}
