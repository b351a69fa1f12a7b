//! Request and reply bodies of each model family and API.
//!
//! This room owns what a body looks like: which API and family a request is for ([`inspect`]), where its output limit
//! sits ([`set_max_tokens`]), what a reply says ([`read_reply`], [`StreamReader`], [`ConverseAssembler`]), how a reply
//! is written ([`synthesize`]), and the first guess of how many tokens a text has ([`raw_tokens`]). It is pure: bytes
//! in, facts out. It may not know the wire, the AWS SDK, quotas or prices, and it learns nothing.

mod check;
mod compose;
mod content;
mod converse;
mod family;
mod inspect;
mod kind;
mod object;
mod reply;
mod request;
mod stream;
pub mod synthesize;
mod tokens;

use std::fmt;

pub use crate::record::Family;
pub use compose::{converse_body, converse_text, set_max_tokens};
pub use converse::ConverseAssembler;
pub use family::invoke_family;
pub use inspect::{ApiChoice, Inspection, inspect};
pub use kind::TextKind;
pub use reply::{ReplyFacts, ReplyParts, read_reply};
pub use stream::{EventFacts, StreamReader};
pub use tokens::{RawEstimate, TokenWalk, raw_tokens};

/// Why a body cannot be used: one readable line that names the field and what is expected. It never quotes a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyError(String);

/// Longer messages are cut: a line of a terminal is enough to find a field.
const LONGEST_MESSAGE: usize = 240;

impl BodyError {
    pub(crate) fn new(message: impl Into<String>) -> BodyError {
        let mut message: String = message.into();
        if message.len() > LONGEST_MESSAGE {
            message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
            message.push('…');
        }
        BodyError(message)
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BodyError {}

#[cfg(test)]
mod tests;
