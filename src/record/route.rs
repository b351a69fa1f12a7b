//! Where work can be sent, and what has the quota behind it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Usd;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name! {
    /// An AWS Region, e.g. `us-east-1`: the source Region of the call, whose quota is used.
    Region
}

name! {
    /// What is put in the `modelId` of a call: a foundation model id, an inference profile id or an ARN.
    ModelId
}

/// A route whose capacity was bought: metered by its model units, paid by the hour and not by the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionedRoute {
    /// Its Region and the ARN of the provisioned model.
    pub route: Route,
    /// Id of the foundation model behind it: what bodies it takes, how its tokens count.
    pub model: ModelId,
    /// Input tokens a minute that its units take; `None`: not known.
    pub input_tpm: Option<u64>,
    /// Output tokens a minute that its units give; `None`: not known.
    pub output_tpm: Option<u64>,
    /// What it costs per hour, used or not; `None`: not known.
    pub usd_per_hour: Option<Usd>,
}

/// A place to send to: one model or profile in one Region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Route {
    /// The source Region.
    pub region: Region,
    /// The model, profile or ARN.
    pub model: ModelId,
}

impl Route {
    /// The route to `model` from `region`.
    pub fn new(region: impl Into<Region>, model: impl Into<ModelId>) -> Route {
        Route { region: region.into(), model: model.into() }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.region, self.model)
    }
}

/// What has the quota behind a route. The base model, each geographic profile and the global profile are separate
/// buckets of the same Region (facts §2.2.6), so the key is the Region and the id as it is metered: an
/// application inference profile takes the key of the profile it was copied from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScopeKey {
    /// The source Region.
    pub region: Region,
    /// The metered id.
    pub bucket: ModelId,
}

impl fmt::Display for ScopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.region, self.bucket)
    }
}
