//! Drawing: themes, glyphs, number formats, widgets. Everything here reads and fills a buffer; nothing keeps state,
//! nothing touches a terminal.
//!
//! Every colour comes from a [`theme::Role`], every non-ASCII glyph from [`glyphs::Glyphs`].

mod cell_shapes;
pub mod dump;
pub mod fmt;
pub mod glyphs;
pub mod svg;
pub mod theme;
pub mod widgets;
