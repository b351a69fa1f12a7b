//! The one action table: what can be done, by which key, where, and why not just now.
//!
//! Key dispatch, the help screen, the hint bar and the palette all read [`ACTIONS`], and the keys from the [`Keymap`] that
//! the operator may have changed; there is no second list of keys anywhere.
//! This room knows the console's state (to say whether an action can run) and no terminal.

mod action;
mod chord;
mod dispatch;
pub mod doc;
mod keymap;
#[cfg(test)]
mod readme;
mod when;

pub use action::{ACTIONS, Action, ActionSpec, Place, Risk};
pub use chord::{Chord, Key};
pub use dispatch::{Lookup, availability, available_at, hints, lookup};
pub use keymap::{Keymap, Overrides};
