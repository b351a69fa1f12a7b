//! The parts that screens are made of. Each is a plain value that draws itself into a buffer with a [`Kit`]; none
//! keeps state, none panics at any size.

pub mod axis;
pub mod chart;
pub mod curves;
pub mod dialog;
pub mod form;
pub mod gauge;
pub mod hints;
pub mod lanes;
pub mod panel;
pub mod series;
pub mod spark;
pub mod table;
pub mod text;

#[cfg(test)]
mod gallery;
#[cfg(test)]
mod tests;

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::app::Hit;

use super::Hits;
use super::glyphs::Glyphs;
use super::theme::{Role, Theme};

pub use curves::{Curve, Curves, Post};
pub use dialog::Dialog;
pub use form::{Field, FieldValue, Form};
pub use gauge::Gauge;
pub use hints::{Hint, Hints};
pub use lanes::{Lane, Lanes, Look};
pub use panel::Panel;
pub use series::{Axis, Bin, Chart, Level, Series, Shape, VerticalMark};
pub use spark::Spark;
pub use table::{Align, Cell, Column, Table, Width};
pub use text::{Line, Part};

/// What everything is drawn with.
#[derive(Clone, Copy, Debug)]
pub struct Kit<'a> {
    /// Colours and attributes.
    pub theme: &'a Theme,
    /// Glyphs.
    pub glyphs: &'static Glyphs,
    /// Where what takes clicks says so; `None`: nobody asks.
    pub hits: Option<&'a Hits>,
}

impl<'a> Kit<'a> {
    /// A kit of a theme and glyphs.
    #[must_use]
    pub fn new(theme: &'a Theme, glyphs: &'static Glyphs) -> Kit<'a> {
        Kit { theme, glyphs, hits: None }
    }

    /// What is drawn here takes clicks.
    pub fn takes_clicks(&self, area: Rect, hit: Hit) {
        if let Some(hits) = self.hits {
            hits.add(area, hit);
        }
    }

    /// How a role looks.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }
}
