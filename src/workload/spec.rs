//! The description of a synthetic load.

use serde::{Deserialize, Serialize};

use crate::record::{ModelId, Region, Usd};

/// A synthetic load: defined in one place, by the load form, the config or the demo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadSpec {
    /// How records arrive.
    pub arrival: Arrival,
    /// Input tokens per record.
    pub input: Sizes,
    /// `max_tokens` per record; `None` leaves it out (the model's maximum is then reserved).
    pub max_tokens: Option<u64>,
    /// Share of high, medium and low priority records; normalised.
    pub mix: [f64; 3],
    /// Whether replies are streamed.
    pub stream: bool,
    /// The same seed gives the same arrivals and prompts.
    pub seed: u64,
    /// End after this many records.
    pub records: Option<u64>,
    /// End after this many seconds.
    pub seconds: Option<f64>,
    /// Stop before this much is spent.
    pub cap: Option<Usd>,
    /// Routes: models; empty keeps the routes in use.
    pub models: Vec<ModelId>,
    /// Routes: Regions; empty keeps the Regions in use.
    pub regions: Vec<Region>,
}

impl Default for LoadSpec {
    fn default() -> Self {
        LoadSpec {
            arrival: Arrival::Poisson { rate: 2.0 },
            input: Sizes::LogNormal { p50: 400.0, p99: 4_000.0 },
            max_tokens: Some(1_024),
            mix: [0.2, 0.6, 0.2],
            stream: false,
            seed: 7,
            records: None,
            seconds: None,
            cap: None,
            models: Vec::new(),
            regions: Vec::new(),
        }
    }
}

/// How records arrive. Rates are per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Arrival {
    /// Evenly spaced.
    Constant {
        /// Arrivals per second.
        rate: f64,
    },
    /// Exponential gaps.
    Poisson {
        /// Mean arrivals per second.
        rate: f64,
    },
    /// Poisson whose mean goes linearly from one rate to another, then stays.
    Ramp {
        /// At the start.
        from: f64,
        /// At the end.
        to: f64,
        /// Length of the ramp, seconds.
        over: f64,
    },
    /// A fixed number of records outstanding: the next comes when one is finished.
    Closed {
        /// How many.
        workers: u32,
    },
}

/// A distribution of sizes, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Sizes {
    /// Always the same.
    Fixed {
        /// The size.
        tokens: f64,
    },
    /// Between two sizes, evenly.
    Uniform {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// Normal, cut at 1.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sd: f64,
    },
    /// Lognormal by two of its percentiles.
    LogNormal {
        /// Median.
        p50: f64,
        /// 99th percentile.
        p99: f64,
    },
}
