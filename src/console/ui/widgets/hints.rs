//! The bar of key hints.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Kit;
use super::text::Line;
use crate::console::app::Hit;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;

/// One key and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint<'a> {
    /// The key as it is printed.
    pub key: &'a str,
    /// What it does, in a word or two.
    pub label: &'a str,
    /// It can be used now.
    pub enabled: bool,
    /// What a click on it does.
    pub hit: Option<Hit>,
}

/// Hints in one row, the most important first.
#[derive(Clone, Copy, Debug)]
pub struct Hints<'a> {
    /// The hints.
    pub hints: &'a [Hint<'a>],
}

impl Hints<'_> {
    /// Draws those that fit, whole; an ellipsis says that there are more.
    pub fn render(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        const GAP: usize = 2;
        let cells = usize::from(area.width);
        let width = |hint: &Hint<'_>| fmt::width(hint.key) + 1 + fmt::width(hint.label);
        let mut line = Line::new();
        let mut used = 0;
        for (index, hint) in self.hints.iter().enumerate() {
            let gap = if index == 0 { 0 } else { GAP };
            let last = index + 1 == self.hints.len();
            // Room for the ellipsis has to be left, unless nothing comes after this one.
            let reserve = if last { 0 } else { GAP + 1 };
            if used + gap + width(hint) + reserve > cells {
                line.push(Role::Muted, format!("{:gap$}{}", "", kit.glyphs.ellipsis));
                break;
            }
            let (key, label) = if hint.enabled { (Role::Key, Role::Hint) } else { (Role::Disabled, Role::Disabled) };
            line.push(Role::Hint, " ".repeat(gap));
            line.push(key, hint.key);
            line.push(label, format!(" {}", hint.label));
            if let Some(hit) = hint.hit {
                let x = area.x + (used + gap) as u16;
                kit.takes_clicks(Rect { x, width: width(hint) as u16, height: 1, ..area }, hit);
            }
            used += gap + width(hint);
        }
        line.render(area, buf, kit);
    }
}
