//! The fixed pacer at 85 % of the quota, after the traffic shaper that AWS publishes for Bedrock.

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;

use crate::record::Micros;

use super::{Answer, Ask, Next, Policy, Refused, Served, Told, round_robin};

/// The share of the quota at which the shaper drains its queue.
const SHARE: f64 = 0.85;
/// The shaper's margin on its estimate of the prompt.
const MARGIN: f64 = 1.10;
/// Nothing is sent for so long after a refusal.
const PAUSE: Micros = Micros::from_secs(1);
/// The shaper's longest window: what was saved longer ago is forgotten.
const MEMORY: Micros = Micros::from_secs(60);

/// The pacing of one Region.
#[derive(Clone, Copy, Default)]
struct Lane {
    /// When it was sent to last.
    last: Option<Micros>,
    /// When that send would have been due, had all charges been known: the next gap begins there.
    begin: Micros,
    /// Quota tokens by which past estimates were too low; negative: too high.
    correction: f64,
    /// Not before this, after a refusal.
    pause: Micros,
}

/// Even spacing: a request goes `tokens / (0.85 * quota)` after the one before it, and `1 / (0.85 * RPM)` after it.
///
/// `tokens` is the shaper's estimate, `input * 1.1 + max_tokens * burndown`. The shaper's drain never corrects the
/// gap itself, only its windows, in which the actual charge overwrites the estimate; with large `max_tokens` it would
/// stand still here most of the time. Read in its favour: the difference is kept, and shortens or lengthens the gap
/// that runs and those after it, so that under a backlog what is *charged* flows at 85 % of the quota. A refused
/// request was charged nothing: all of its estimate comes back. Time in which nothing waited is not saved, and what is
/// left of a correction is forgotten after a minute without a send: it is a pacer, and has no burst.
///
/// It is always told the true quotas, even where the others have to find them: a handicap on the others.
pub struct Pacer {
    /// Tokens per microsecond.
    rate: f64,
    /// Between two requests, for the RPM quota.
    spacing: Micros,
    burndown: f64,
    quota: f64,
    lanes: Vec<Lane>,
    /// When it sent last, to any Region.
    last: Option<Micros>,
    /// Since when there has always been a request that waits.
    backlog: Micros,
    /// The moment the head of the queue was told last.
    told: Option<Micros>,
    /// Estimates of the requests in flight, and the Regions they went to.
    flights: HashMap<u32, (usize, f64)>,
}

impl Pacer {
    /// `true_tpm` and `true_rpm` are what each Region enforces at the start, whatever the client was told.
    #[must_use]
    pub fn new(told: Told, true_tpm: u64, true_rpm: Option<u64>) -> Pacer {
        let quota = true_tpm.max(1) as f64;
        Pacer {
            rate: SHARE * quota / 60e6,
            spacing: true_rpm.map_or(Micros::ZERO, |rpm| Micros::from_secs_f64(60.0 / (SHARE * rpm.max(1) as f64))),
            burndown: f64::from(told.burndown),
            quota,
            lanes: vec![Lane::default(); told.regions.max(1)],
            last: None,
            backlog: Micros::ZERO,
            told: None,
            flights: HashMap::new(),
        }
    }

    fn estimate(&self, ask: &Ask) -> f64 {
        ask.input as f64 * MARGIN + ask.max_tokens as f64 * self.burndown
    }

    /// When a request of `tokens` may go, as far as tokens are concerned.
    fn due(&self, lane: &Lane, tokens: f64) -> Micros {
        let gap = (tokens + lane.correction).max(0.0) / self.rate;
        lane.begin + Micros(gap.round() as u64)
    }

    /// The attempt is over, and was charged `tokens`; `None`: nobody knows, so the estimate stands.
    fn over(&mut self, ask: &Ask, tokens: Option<u64>) -> Option<&mut Lane> {
        let (region, estimate) = self.flights.remove(&ask.id)?;
        let lane = self.lanes.get_mut(region)?;
        lane.correction += tokens.map_or(0.0, |tokens| tokens as f64 - estimate);
        Some(lane)
    }
}

impl Policy for Pacer {
    fn ask(&mut self, ask: &Ask, now: Micros) -> Answer {
        let region = round_robin::by_attempt(ask, self.lanes.len());
        let Some(lane) = self.lanes.get(region) else { return Answer::Go { region } };
        let due = match lane.last {
            Some(last) => self.due(lane, self.estimate(ask)).max(last + self.spacing).max(lane.pause),
            None => now,
        };
        if self.told.is_none() && self.last != Some(now) {
            // The queue was empty.
            self.backlog = now;
        }
        if now >= due {
            self.told.get_or_insert(now);
            return Answer::Go { region };
        }
        self.told = Some(due);
        Answer::Wait(due)
    }

    fn sent(&mut self, ask: &Ask, region: usize, now: Micros) {
        let estimate = self.estimate(ask);
        if self.told.take().is_none_or(|told| told < now) {
            // It was not the pacer that held it so long.
            self.backlog = now;
        }
        self.last = Some(now);
        let Some(&(mut lane)) = self.lanes.get(region) else { return };
        let late = lane.last.is_none_or(|last| now.since(last) >= MEMORY) && self.backlog == now;
        // What came in while it waited may have made it due earlier: that time is not lost, but for what the RPM quota
        // or a pause took.
        lane.begin = match lane.last {
            Some(last) => {
                let spaced = if self.spacing > Micros::ZERO { last + self.spacing } else { Micros::ZERO };
                let young = Micros(now.0.saturating_sub(MEMORY.0));
                let floor = spaced.max(lane.pause).max(young).max(self.backlog);
                self.due(&lane, estimate).max(floor).min(now)
            }
            None => now,
        };
        // The gap has paid for this request and for what was owed. Only savings are left, if they are young.
        lane.correction = if late { 0.0 } else { (lane.correction + estimate).min(0.0) };
        lane.last = Some(now);
        self.lanes[region] = lane;
        self.flights.insert(ask.id, (region, estimate));
    }

    fn served(&mut self, ask: &Ask, served: Served, _now: Micros) {
        self.over(ask, served.charged);
    }

    fn refused(&mut self, ask: &Ask, _why: Refused, now: Micros, _rng: &mut ChaCha8Rng) -> Next {
        if let Some(lane) = self.over(ask, Some(0)) {
            lane.pause = now + PAUSE;
        }
        Next::Requeue
    }

    fn believes(&self, _now: Micros) -> Option<f64> {
        Some(self.quota)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use rand::SeedableRng;

    use super::*;
    use crate::record::Priority;

    const TOLD: Told = Told { tpm: None, rpm: None, has_rpm: false, burndown: 5, regions: 1 };
    /// 85 % of it is 1,000 tokens a second.
    const QUOTA: u64 = 70_588;

    /// 1,100 + 5 * 180 = 2,000 tokens, as estimated.
    fn request(id: u32) -> Ask {
        Ask { id, input: 1_000, max_tokens: 180, priority: Priority::default(), attempts: 0 }
    }

    fn charged(tokens: Option<u64>) -> Served {
        Served { input: 1_000, output: Some(0), charged: tokens, latency: Micros::from_secs(1) }
    }

    fn send(pacer: &mut Pacer, id: u32, now: Micros) {
        assert_eq!(pacer.ask(&request(id), now), Answer::Go { region: 0 });
        pacer.sent(&request(id), 0, now);
    }

    fn wait(pacer: &mut Pacer, now: Micros) -> f64 {
        match pacer.ask(&request(1_000), now) {
            Answer::Go { .. } => now.secs_f64(),
            Answer::Wait(until) => {
                assert!(until > now);
                until.secs_f64()
            }
        }
    }

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 0.001
    }

    #[test]
    fn requests_are_spaced_evenly_and_idle_time_is_not_saved() {
        let mut pacer = Pacer::new(TOLD, 120_000, None);
        let rate = 0.85 * 120_000.0 / 60.0;
        let mut now = Micros::ZERO;
        for id in 0..5 {
            send(&mut pacer, id, now);
            let Answer::Wait(until) = pacer.ask(&request(9), now) else { panic!("two at once") };
            assert_eq!(until, now + Micros::from_secs_f64(2_000.0 / rate));
            assert!(matches!(pacer.ask(&request(9), Micros(until.0 - 1)), Answer::Wait(same) if same == until));
            now = until;
        }
        now = now + Micros::from_secs(30);
        send(&mut pacer, 10, now);
        assert_eq!(pacer.ask(&request(11), now), Answer::Wait(now + Micros::from_secs_f64(2_000.0 / rate)));
    }

    #[test]
    fn requests_per_minute_space_too() {
        let mut pacer = Pacer::new(TOLD, 100_000_000, Some(60));
        send(&mut pacer, 0, Micros::ZERO);
        assert_eq!(pacer.ask(&request(1), Micros::ZERO), Answer::Wait(Micros(1_176_471)));
    }

    #[test]
    fn a_charge_below_the_estimate_shortens_the_gap_and_one_above_lengthens_it() {
        let mut pacer = Pacer::new(TOLD, QUOTA, None);
        send(&mut pacer, 0, Micros::ZERO);
        assert!(near(wait(&mut pacer, Micros::ZERO), 2.0));
        pacer.served(&request(0), charged(Some(1_500)), Micros::ZERO);
        assert!(near(wait(&mut pacer, Micros::ZERO), 1.5));
        send(&mut pacer, 1, Micros::from_secs(2));
        pacer.served(&request(1), charged(Some(3_000)), Micros::from_secs(3));
        assert!(near(wait(&mut pacer, Micros::from_secs(3)), 5.0));
        send(&mut pacer, 2, Micros::from_secs(6));
        pacer.served(&request(2), charged(None), Micros::from_secs(7));
        assert!(near(wait(&mut pacer, Micros::from_secs(7)), 8.0), "without usage the estimate stands");
    }

    #[test]
    fn in_the_long_run_what_is_charged_flows_at_the_rate() {
        let mut pacer = Pacer::new(TOLD, QUOTA, None);
        let (mut now, mut half, mut flying) = (Micros::ZERO, Micros::ZERO, VecDeque::new());
        for id in 0..400 {
            while let Answer::Wait(until) = pacer.ask(&request(id), now) {
                // Each is charged a quarter of its estimate, three seconds after it was sent.
                match flying.front() {
                    Some(&(done, other)) if done <= until => {
                        flying.pop_front();
                        now = done;
                        pacer.served(&request(other), charged(Some(500)), now);
                    }
                    _ => now = until,
                }
            }
            pacer.sent(&request(id), 0, now);
            flying.push_back((now + Micros::from_secs(3), id));
            if id == 199 {
                half = now;
            }
        }
        let rate = 200.0 * 500.0 / now.since(half).secs_f64();
        assert!((990.0..=1_010.0).contains(&rate), "{rate} tokens a second of 1,000");
    }

    #[test]
    fn time_that_the_other_quota_took_is_not_saved() {
        // One request in 2 s; the tokens of one come in 20 ms.
        let mut pacer = Pacer::new(TOLD, 100 * QUOTA, Some(36));
        let mut now = Micros::ZERO;
        for id in 0..100 {
            if let Answer::Wait(until) = pacer.ask(&request(id), now) {
                now = until;
            }
            send(&mut pacer, id, now);
        }
        assert!(now > Micros::from_secs(190), "{now:?}");
        let large = Ask { input: 1_000_000, ..request(100) };
        let Answer::Wait(until) = pacer.ask(&large, now) else { panic!("no gap") };
        assert!(near(until.since(now).secs_f64(), 11.009), "{:?}", until.since(now));
    }

    #[test]
    fn savings_are_spent_within_a_minute_or_lost() {
        for (idle, at_once) in [(50, true), (70, false)] {
            let mut pacer = Pacer::new(TOLD, QUOTA, None);
            for id in 0..4 {
                send(&mut pacer, id, Micros::from_secs(3 * u64::from(id)));
            }
            let now = Micros::from_secs(9 + idle);
            for id in 0..4 {
                pacer.served(&request(id), charged(Some(200)), now);
            }
            send(&mut pacer, 4, now);
            assert_eq!(pacer.ask(&request(5), now) == Answer::Go { region: 0 }, at_once, "after {idle} s");
        }
    }

    #[test]
    fn a_refusal_stops_its_region_for_a_second() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut pacer = Pacer::new(Told { regions: 2, ..TOLD }, QUOTA, None);
        let now = Micros::from_secs(5);
        send(&mut pacer, 0, now);
        assert_eq!(pacer.refused(&request(0), Refused::Tpm, now, &mut rng), Next::Requeue);
        assert_eq!(
            pacer.ask(&request(2), now),
            Answer::Wait(now + PAUSE),
            "its tokens came back, its second is not over"
        );
        assert_eq!(pacer.ask(&request(2), now + PAUSE), Answer::Go { region: 0 });
        assert_eq!(pacer.ask(&Ask { attempts: 1, ..request(0) }, now), Answer::Go { region: 1 });
    }
}
