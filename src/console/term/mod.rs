//! The terminal: what it can do, its modes, the bytes we send and the keys we get.
//!
//! This room owns the tty and gives it back in every case: normal end, panic, signal, suspension, hang-up. It knows
//! nothing of what is drawn: [`run::App`] is all it sees of the console.
//!
//! ```text
//!  input thread ──┐                        ┌─► App::handle
//!  signal thread ─┼─► Inbox ─► Session::run┤
//!  engine Waker ──┘   (bounded)            └─► App::render ─► FrameWriter ─► one write(2)
//! ```

pub mod caps;
pub mod decode;
pub mod guard;
pub mod inbox;
pub mod input;
pub mod run;
pub mod signals;
pub mod suspend;
pub mod tty;
pub mod writer;

pub use caps::{Caps, ColourDepth, GlyphLevel, Unusable};
pub use inbox::{Event, Inbox, SignalKind, Waker};
pub use run::{App, Exit, Reaction, Session, SessionOptions};
pub use writer::FrameStats;
