//! The journal of changes: every call that changed something in the account.

use serde::{Deserialize, Serialize};

use crate::record::Region;

/// One call that changed something, or was meant to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// ARN of the caller, if known.
    pub caller: Option<String>,
    /// Where.
    pub region: Region,
    /// The operation: `CreateProvisionedModelThroughput`, `PutObject`, ...
    pub operation: String,
    /// What it was about: a name, an ARN, an `s3://` address. Never a prompt.
    pub subject: String,
    /// The service's id of the request, if a reply came.
    pub request_id: Option<String>,
    /// What went wrong, if anything.
    pub failure: Option<String>,
}
