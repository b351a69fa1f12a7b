//! The one action table: what can be done, by which key, where, and why not just now.
//!
//! Key dispatch, the help screen and the hint bar all read [`ACTIONS`]; there is no second list of keys anywhere.
//! This room knows the console's state (to say whether an action can run) and no terminal.

mod action;
mod chord;
mod dispatch;
pub mod doc;
mod when;

pub use action::{ACTIONS, Action, ActionSpec, Place, Risk};
pub use chord::{Chord, Key};
pub use dispatch::{Lookup, availability, hints, keys_of, lookup};
