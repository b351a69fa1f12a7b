//! Drawing: themes, glyphs, number formats, widgets, and the screens made of them. Everything here reads and fills a
//! buffer; nothing keeps state, nothing touches a terminal.
//!
//! Every colour comes from a [`theme::Role`], every non-ASCII glyph from [`glyphs::Glyphs`].

mod cell_shapes;
pub mod dump;
pub mod fmt;
pub mod glyphs;
mod hit;
pub mod svg;
pub mod theme;
pub mod widgets;

mod account;
mod facts;
mod footer;
mod header;
mod layout;
mod panels;
mod privacy;
mod progress;
mod render;
mod screens;
mod view;
mod words;

#[cfg(test)]
pub mod fixtures;
#[cfg(test)]
mod screen_tests;

pub use hit::{Hits, hit};
pub use render::render;
