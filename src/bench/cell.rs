//! One cell of the table: a server, a workload, what happens to them, and how the run is scored.

use crate::meter::{MeterKind, MeterSpec, ScopeSpec};

use super::work::{Arrivals, CHAT, Crowd, Shape};

/// How a server meters tokens per minute (study §D.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meter {
    /// A bucket of so many seconds.
    Bucket(u32),
    /// A bucket of a minute behind a guard against bunches.
    Guarded,
    /// A fixed calendar minute, at a phase that the seed decides.
    Minute,
    /// The last 60 seconds.
    Sliding,
}

impl Meter {
    /// All of them.
    pub const ALL: [Meter; 6] =
        [Meter::Bucket(60), Meter::Bucket(10), Meter::Bucket(2), Meter::Guarded, Meter::Minute, Meter::Sliding];

    /// As the simulator's room calls it.
    #[must_use]
    pub fn kind(self) -> MeterKind {
        match self {
            Meter::Bucket(seconds) => MeterKind::Bucket { burst_seconds: f64::from(seconds) },
            Meter::Guarded => MeterKind::Guarded,
            Meter::Minute => MeterKind::Minute,
            Meter::Sliding => MeterKind::Sliding,
        }
    }

    /// The most seconds of its rate that it gives at once.
    #[must_use]
    pub fn depth(self) -> f64 {
        match self {
            Meter::Bucket(seconds) => f64::from(seconds),
            Meter::Guarded => 2.0,
            Meter::Minute | Meter::Sliding => 60.0,
        }
    }

    /// Its name in the table.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Meter::Bucket(seconds) => format!("bucket {seconds} s"),
            Meter::Guarded => "bucket 60 s + 1 s".into(),
            Meter::Minute => "minute".into(),
            Meter::Sliding => "sliding".into(),
        }
    }
}

/// The service of a cell, one or more Regions alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// How tokens are metered.
    pub meter: Meter,
    /// Quota tokens per minute.
    pub tpm: u64,
    /// Requests per minute, if there is such a quota; metered alike.
    pub rpm: Option<u64>,
    /// Tokens per day, if there is such a quota.
    pub tpd: Option<u64>,
    /// Quota tokens at which an output token is settled.
    pub burndown: u32,
    /// Whether `max_tokens` is reserved weighted by the burndown (the documents say it is not).
    pub weighted_hold: bool,
    /// Part of its reservation that a refused request burns.
    pub reject_charge: f64,
    /// The reservation turns into the charge while the reply is generated, not only at its end.
    pub progressive: bool,
    /// How many Regions there are.
    pub regions: usize,
}

impl Service {
    /// A Region's quotas, multiplied.
    #[must_use]
    pub fn spec(&self, factor: f64) -> ScopeSpec {
        let kind = self.meter.kind();
        let times = |limit: u64| ((limit as f64 * factor).round() as u64).max(1);
        ScopeSpec {
            rpm: self.rpm.map(|rpm| MeterSpec { kind, per_minute: times(rpm) }),
            tpm: Some(MeterSpec { kind, per_minute: times(self.tpm) }),
            tpd: self.tpd,
            burndown: self.burndown,
            reject_charge: self.reject_charge,
        }
    }

    /// Quota tokens reserved for each token of `max_tokens`.
    #[must_use]
    pub fn hold_weight(&self) -> u64 {
        if self.weighted_hold { u64::from(self.burndown) } else { 1 }
    }

    /// The most that is admitted at once.
    #[must_use]
    pub fn burst(&self) -> u64 {
        (self.tpm as f64 / 60.0 * self.meter.depth()) as u64
    }
}

/// Something that happens during a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Happening {
    /// Every quota is this multiple of what it was at the start.
    Quota(f64),
    /// Others take this part of the quota.
    Others(f64),
    /// Replies take this many times as long.
    Latency(f64),
    /// A Region answers this part of the requests with 503.
    Failing {
        /// Index of the Region.
        region: usize,
        /// Part of the requests.
        part: f64,
    },
    /// The operator turns a knob.
    Retune,
    /// The client's clock jumps ahead by so many seconds (negative: back).
    ClockJump(f64),
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The scenario, `S1` to `S16` (study §D.3).
    pub id: &'static str,
    /// What is special about this cell of it.
    pub what: String,
    /// The service.
    pub service: Service,
    /// Sizes.
    pub shape: Shape,
    /// Arrivals.
    pub arrivals: Arrivals,
    /// Sources and classes.
    pub crowd: Crowd,
    /// Whether the quota is told to ours (rivals that cannot live without are always told).
    pub configured: bool,
    /// Factor by which the client misjudges prompts.
    pub input_error: f64,
    /// Part of the replies that carry no usage.
    pub no_usage: f64,
    /// What happens when, in seconds.
    pub happenings: Vec<(f64, Happening)>,
    /// How long it runs, in seconds.
    pub seconds: f64,
    /// From when on it is scored, in seconds: before that the policy finds its way.
    pub scored_from: f64,
    /// The moment after which it must settle: the start or the step.
    pub step_at: f64,
}

impl Cell {
    /// A constant quota on this meter, unknown to ours, under a backlog of chats.
    #[must_use]
    pub fn constant(id: &'static str, tpm: u64, meter: Meter) -> Cell {
        // Small quotas carry few requests a minute: as many minutes as it takes to have some hundreds.
        let seconds = if tpm < 100_000 {
            14_400.0
        } else if tpm < 1_000_000 {
            3_600.0
        } else {
            1_200.0
        };
        Cell {
            id,
            what: format!("{} TPM", short(tpm)),
            service: Service {
                meter,
                tpm,
                rpm: None,
                tpd: None,
                burndown: 5,
                weighted_hold: false,
                reject_charge: 0.0,
                progressive: false,
                regions: 1,
            },
            shape: CHAT,
            arrivals: Arrivals::Backlog,
            crowd: Crowd::ONE,
            configured: false,
            input_error: 1.0,
            no_usage: 0.0,
            happenings: Vec::new(),
            seconds,
            scored_from: seconds / 2.0,
            step_at: 0.0,
        }
    }

    /// The same in a fifth of the time.
    #[must_use]
    pub fn brief(&self) -> Cell {
        const PART: f64 = 0.2;
        Cell {
            seconds: self.seconds * PART,
            scored_from: self.scored_from * PART,
            step_at: self.step_at * PART,
            happenings: self.happenings.iter().map(|&(at, what)| (at * PART, what)).collect(),
            ..self.clone()
        }
    }

    /// Quota tokens granted while it is scored, in all Regions, less what others take.
    #[must_use]
    pub fn granted_while_scored(&self) -> f64 {
        let quota = self.service.tpm as f64 / 60.0 * self.service.regions as f64;
        let seconds = (self.seconds - self.scored_from) as u64;
        (0..seconds).map(|second| quota * self.granted(self.scored_from + second as f64)).sum()
    }

    /// The multiples of its quota that the cell will see.
    pub fn quota_factors(&self) -> impl Iterator<Item = f64> {
        self.happenings.iter().filter_map(|&(_, happening)| match happening {
            Happening::Quota(factor) => Some(factor),
            _ => None,
        })
    }

    /// Scenario and what is special, as the table names it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.id, self.what)
    }

    /// The quota at `at`, as a multiple of that at the start, less what others take.
    #[must_use]
    pub fn granted(&self, at: f64) -> f64 {
        let (mut quota, mut others) = (1.0, 0.0);
        for &(when, happening) in &self.happenings {
            match happening {
                Happening::Quota(factor) if when <= at => quota = factor,
                Happening::Others(part) if when <= at => others = part,
                _ => {}
            }
        }
        (quota - others).max(0.0)
    }
}

/// A round number of tokens, short.
#[must_use]
pub fn short(tokens: u64) -> String {
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..1_000_000 => format!("{}k", tokens / 1_000),
        _ => format!("{}M", tokens / 1_000_000),
    }
}
