//! Taking the last tuning change back.

use crate::limiter::{Preset, ScopeQuota};
use crate::record::{Region, ScopeKey, Usd};

use super::EngineSettings;

/// Changes remembered.
pub(super) const DEPTH: usize = 64;

/// How to take a change back: the state before it.
#[derive(Clone, Debug)]
pub(super) enum Undone {
    /// Settings as they were, and what had been changed, in words.
    Settings(Box<EngineSettings>, String),
    /// A preset as it was, with the settings that came with it.
    Preset(Preset, Box<EngineSettings>),
    /// The arrival rate or worker count as it was.
    Rate(f64),
    /// A scope's quota as it was, and where it came from.
    Quota(ScopeKey, ScopeQuota, String),
    /// A Region as it was.
    Region(Region, bool),
    /// The routes to bought capacity that were in use.
    Bought(Vec<usize>),
    /// The cap as it was.
    Cap(Option<Usd>),
}
