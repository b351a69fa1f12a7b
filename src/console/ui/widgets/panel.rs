//! A titled section.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Kit;
use super::text::{Line, put};
use crate::console::ui::theme::Role;

/// How a panel is set off from its neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frame {
    /// A frame all around.
    #[default]
    Box,
    /// A rule with the title above, nothing else: for small screens.
    Rule,
}

/// A titled section: the title on the left, a summary on the right.
#[derive(Clone, Debug, Default)]
pub struct Panel<'a> {
    /// The title.
    pub title: &'a str,
    /// What the panel says in a few words, at the right end of the title's row.
    pub summary: Line<'a>,
    /// It has the focus.
    pub focused: bool,
    /// How it is set off.
    pub frame: Frame,
}

impl<'a> Panel<'a> {
    /// A panel in a frame.
    #[must_use]
    pub fn new(title: &'a str) -> Panel<'a> {
        Panel { title, ..Panel::default() }
    }

    /// The same with a summary.
    #[must_use]
    pub fn summary(self, summary: Line<'a>) -> Panel<'a> {
        Panel { summary, ..self }
    }

    /// The same with or without the focus.
    #[must_use]
    pub fn focused(self, focused: bool) -> Panel<'a> {
        Panel { focused, ..self }
    }

    /// The same under a rule instead of in a frame.
    #[must_use]
    pub fn ruled(self) -> Panel<'a> {
        Panel { frame: Frame::Rule, ..self }
    }

    /// The part of `area` that is left for the content.
    #[must_use]
    pub fn inner(&self, area: Rect) -> Rect {
        match self.frame {
            Frame::Rule => Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area },
            // One blank column on both sides inside the frame lets the content breathe.
            Frame::Box => Rect {
                x: area.x.saturating_add(2).min(area.right()),
                y: area.y.saturating_add(1).min(area.bottom()),
                width: area.width.saturating_sub(4),
                height: area.height.saturating_sub(2),
            },
        }
    }

    /// Draws it and returns the area for its content.
    pub fn render(&self, area: Rect, buf: &mut Buffer, kit: Kit<'_>) -> Rect {
        let inner = self.inner(area);
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return Rect { width: 0, height: 0, ..inner };
        }
        let g = kit.glyphs;
        let line = kit.style(if self.focused { Role::Focus } else { Role::Border });
        let top = Rect { height: 1, ..area };
        let rule = g.horizontal.repeat(usize::from(area.width));
        put(buf, top.x, top, &rule, line);
        if self.frame == Frame::Box {
            let bottom = Rect { y: area.bottom() - 1, ..top };
            put(buf, bottom.x, bottom, &rule, line);
            for y in area.top() + 1..area.bottom().saturating_sub(1) {
                let row = Rect { y, ..top };
                put(buf, row.x, row, g.vertical, line);
                put(buf, row.right() - 1, row, g.vertical, line);
            }
            for (row, [left, right]) in [(top, [g.corners[0], g.corners[1]]), (bottom, [g.corners[2], g.corners[3]])] {
                put(buf, row.x, row, left, line);
                put(buf, row.right() - 1, row, right, line);
            }
        }
        self.render_title(top, buf, kit);
        inner
    }

    fn render_title(&self, top: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let offset = if self.frame == Frame::Box { 2 } else { 0 };
        let space = Rect { x: top.x.saturating_add(offset), width: top.width.saturating_sub(offset * 2), ..top };
        if space.width < 4 || self.title.is_empty() {
            return;
        }
        let role = if self.focused { Role::Focus } else { Role::Title };
        let pad = if self.frame == Frame::Box { " " } else { "" };
        let mut title = Line::of(role, format!("{pad}{}", self.title));
        title.push(role, " ");
        let used = title.render(space, buf, kit);
        // The rule's attributes must not shine through the summary.
        let behind = Rect { x: space.x + used, width: space.width.saturating_sub(used), ..space };
        // The summary gives way first; cut to a few cells it would say nothing.
        let rest = space.width.saturating_sub(used + 1);
        if rest >= 8 && !self.summary.parts.is_empty() {
            let mut summary = Line::of(Role::Muted, " ");
            summary.parts.extend(self.summary.parts.iter().cloned());
            if offset > 0 {
                summary.push(Role::Muted, " ");
            }
            let width = u16::try_from(summary.width()).unwrap_or(u16::MAX).min(rest);
            for position in (Rect { x: behind.right() - width, width, ..behind }).positions() {
                buf[position].modifier = ratatui::style::Modifier::empty();
            }
            summary.render_right(Rect { x: space.right() - rest, width: rest, ..space }, buf, kit);
        }
    }
}
