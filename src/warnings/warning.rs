//! One warning.

use crate::record::{Region, ScopeKey};

use super::Name;

/// What a warning is about. With the name it tells one warning from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A scope.
    Scope(ScopeKey),
    /// A Region.
    Region(Region),
    /// The rate of arrivals.
    Arrivals,
    /// What waits.
    Queue,
    /// The finished records.
    Requests,
    /// The account and this machine's way to it.
    Account,
    /// A provisioned model.
    Provisioned {
        /// Which.
        arn: String,
        /// Where, and what it is called.
        place: String,
    },
    /// A batch job.
    Job {
        /// Which.
        arn: String,
        /// Where, and what it is called.
        place: String,
    },
}

impl About {
    /// In a few words.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            About::Scope(key) => key.to_string(),
            About::Region(region) => region.to_string(),
            About::Arrivals => "arrivals".to_owned(),
            About::Queue => "queue".to_owned(),
            About::Requests => "requests".to_owned(),
            About::Account => "account".to_owned(),
            About::Provisioned { place, .. } | About::Job { place, .. } => place.clone(),
        }
    }
}

/// Something that an operator should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Its name.
    pub name: Name,
    /// What it is about.
    pub about: About,
    /// What is the matter, with this moment's figures.
    pub words: String,
    /// What to do about it.
    pub remedy: String,
}

impl Warning {
    /// Whether it is the same one at another moment.
    #[must_use]
    pub fn is(&self, other: &Warning) -> bool {
        self.name == other.name && self.about == other.about
    }
}
