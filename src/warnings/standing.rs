//! The warnings that stand: since when, and not gone at the first moment in which one was not found.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::record::Micros;

use super::{Moment, Name, Warning, find};

/// A warning goes so long after it was last found: a figure at its threshold comes and goes much faster.
const STAYS: Micros = Micros::from_secs(15);
/// More than this many say no more than this many do.
const MOST: usize = 64;

/// A warning and since when it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// As it was last found.
    pub warning: Warning,
    /// Since when, run's clock.
    pub since: Micros,
    /// Since when, UTC milliseconds.
    pub since_utc_ms: i64,
    /// When it was last found.
    found: Micros,
}

/// The warnings of a session, and which of them the operator does not want to hear of.
#[derive(Clone, Debug, Default)]
pub struct Warnings {
    standing: Vec<Standing>,
    muted: BTreeSet<Name>,
}

impl Warnings {
    /// None yet; these are muted.
    #[must_use]
    pub fn new(muted: impl IntoIterator<Item = Name>) -> Warnings {
        Warnings { standing: Vec::new(), muted: muted.into_iter().collect() }
    }

    /// Takes in a moment at `at` (run's clock). Returns the warnings that have appeared and are not muted.
    pub fn look(&mut self, moment: &Moment<'_>, at: Micros) -> Vec<Warning> {
        let since_utc_ms = moment.engine.utc_ms;
        let mut appeared = Vec::new();
        for warning in find(moment) {
            if let Some(known) = self.standing.iter_mut().find(|known| known.warning.is(&warning)) {
                known.warning = warning;
                known.found = at;
            } else if self.standing.len() < MOST {
                if !self.muted.contains(&warning.name) {
                    appeared.push(warning.clone());
                }
                self.standing.push(Standing { warning, since: at, since_utc_ms, found: at });
            }
        }
        self.standing.retain(|known| at.since(known.found) < STAYS);
        self.sort();
        appeared
    }

    /// The gravest first, then the oldest; what is muted last.
    fn sort(&mut self) {
        let muted = &self.muted;
        self.standing.sort_by(|a, b| {
            let rank = |one: &Standing| {
                let name = one.warning.name;
                (muted.contains(&name), Reverse(name.level()), one.since, name)
            };
            rank(a).cmp(&rank(b)).then_with(|| a.warning.about.cmp(&b.warning.about))
        });
    }

    /// All that stand, muted ones last.
    #[must_use]
    pub fn all(&self) -> &[Standing] {
        &self.standing
    }

    /// Those that are not muted, the gravest first.
    pub fn heard(&self) -> impl Iterator<Item = &Standing> {
        self.standing.iter().filter(|one| !self.is_muted(one.warning.name))
    }

    /// Whether a name is muted.
    #[must_use]
    pub fn is_muted(&self, name: Name) -> bool {
        self.muted.contains(&name)
    }

    /// The muted names.
    #[must_use]
    pub const fn muted(&self) -> &BTreeSet<Name> {
        &self.muted
    }

    /// Mutes a name, or lets it be heard again; says whether it is muted now.
    pub fn mute(&mut self, name: Name) -> bool {
        let muted = self.muted.insert(name) || !self.muted.remove(&name);
        self.sort();
        muted
    }
}
