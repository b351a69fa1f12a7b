//! What may be asked of a running engine.

use serde::{Deserialize, Serialize};

use crate::limiter::Preset;
use crate::record::{ProvisionedRoute, Region, ScopeKey, Usd};
use crate::workload::LoadSpec;

use super::KnobId;

/// An order to the engine. Plain data, so that a console can one day sit in another process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// Stop admitting; what is in flight goes on.
    Pause,
    /// Admit again.
    Resume,
    /// Stop admitting, let what is in flight finish, end the load. The engine itself stays up.
    Drain,
    /// End the load at once: attempts in flight are abandoned (and may be billed).
    Abort,
    /// Begin a synthetic load in place of the current one.
    StartLoad(Box<LoadSpec>),
    /// Multiply the arrival rate (or the closed loop's concurrency) by this factor, from now on.
    ScaleRate(f64),
    /// Move one knob. The value is in the knob's unit and is clamped to its range.
    SetKnob {
        /// Which.
        knob: KnobId,
        /// Its new value.
        value: f64,
    },
    /// Switch the limiter's rule; usage in the ledgers is kept.
    SetPreset(Preset),
    /// Give a scope's quotas by hand, requests and tokens per minute; `None` leaves that one as it was.
    SetQuota {
        /// Whose.
        scope: ScopeKey,
        /// Requests per minute.
        rpm: Option<u64>,
        /// Tokens per minute.
        tpm: Option<u64>,
    },
    /// Take the last tuning change back.
    Undo,
    /// Send no more to a Region (its attempts in flight finish), or send again.
    DrainRegion {
        /// Which.
        region: Region,
        /// True: send no more.
        off: bool,
    },
    /// Send to this bought capacity from now on, and to nothing else unless the knob `spill` is on; `None`: to none of it,
    /// but on demand, as the session began. What is in flight stays where it is.
    UseProvisioned(Option<Box<ProvisionedRoute>>),
    /// Change the spend cap; `None` removes it.
    SetCap(Option<Usd>),
    /// Try parked scopes again now.
    Unpark,
}
