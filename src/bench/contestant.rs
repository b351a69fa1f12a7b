//! Who is compared.

use crate::limiter::Preset;

use super::cell::Cell;
use super::drive::Client;
use super::policy::Told;
use super::policy::gcra::Gcra;
use super::policy::gradient::Gradient;
use super::policy::ours::Ours;
use super::policy::pacer::Pacer;
use super::policy::sdk_adaptive::SdkAdaptive;
use super::policy::standard::Standard;

/// A client of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contestant {
    /// `adaptive`, ours.
    Ours,
    /// `classic`, the rule of the field's documents.
    Classic,
    /// No limiter, the SDK's standard retry.
    Standard,
    /// The SDK's adaptive mode; retries until it succeeds, as the study's calibration did.
    SdkAdaptive,
    /// Even spacing at 85 % of the quota, which it is always told.
    Pacer,
    /// A pair of GCRA limiters, which are always told the quota.
    Gcra,
    /// Gradient2, a limit on concurrency: in the table, outside the gates.
    Gradient,
    /// Reads the server's level and sends the moment it fits.
    Optimum,
}

impl Contestant {
    /// All of them, in the order of the table.
    pub const ALL: [Contestant; 8] = [
        Contestant::Ours,
        Contestant::Classic,
        Contestant::Standard,
        Contestant::SdkAdaptive,
        Contestant::Pacer,
        Contestant::Gcra,
        Contestant::Gradient,
        Contestant::Optimum,
    ];

    /// Its name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Contestant::Ours => "ours",
            Contestant::Classic => "classic",
            Contestant::Standard => "standard retry",
            Contestant::SdkAdaptive => "sdk adaptive",
            Contestant::Pacer => "pacer 85 %",
            Contestant::Gcra => "gcra pair",
            Contestant::Gradient => "gradient2",
            Contestant::Optimum => "optimum",
        }
    }

    /// The client for a cell.
    #[must_use]
    pub fn client(self, cell: &Cell) -> Client {
        let service = cell.service;
        let told = Told {
            tpm: cell.configured.then_some(service.tpm),
            rpm: service.rpm.filter(|_| cell.configured),
            has_rpm: service.rpm.is_some(),
            burndown: service.burndown,
            regions: service.regions,
        };
        Client::Real(match self {
            Contestant::Ours => Box::new(Ours::new(Preset::Adaptive, told)),
            Contestant::Classic => Box::new(Ours::new(Preset::Classic, told)),
            Contestant::Standard => Box::new(Standard::new(told)),
            Contestant::SdkAdaptive => Box::new(SdkAdaptive::new(told, None)),
            Contestant::Pacer => Box::new(Pacer::new(told, service.tpm, service.rpm)),
            Contestant::Gcra => Box::new(Gcra::new(told, service.tpm, service.rpm)),
            Contestant::Gradient => Box::new(Gradient::new(told)),
            Contestant::Optimum => return Client::Clairvoyant,
        })
    }
}
