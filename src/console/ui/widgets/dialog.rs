//! A question that has to be answered before anything else.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::Kit;
use super::form::Form;
use super::panel::Panel;
use super::text::{Line, fill, put};
use crate::console::app::Hit;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;

/// A dialog in the middle of the screen. The first button is the safe one and has the focus unless the caller moves it.
#[derive(Clone, Debug)]
pub struct Dialog<'a> {
    /// What it is about.
    pub title: &'a str,
    /// How serious it is: the role of its frame ([`Role::Accent`], [`Role::Warn`], [`Role::Danger`]).
    pub tone: Role,
    /// What has to be known to answer, line by line; long lines are wrapped.
    pub body: Vec<Line<'a>>,
    /// Fields between body and buttons (the name to type).
    pub form: Option<Form<'a>>,
    /// The answers; disabled ones are shown so.
    pub buttons: Vec<Button<'a>>,
    /// Which button has the focus; `None`: the form has it.
    pub focus: Option<usize>,
}

/// One answer.
#[derive(Clone, Copy, Debug)]
pub struct Button<'a> {
    /// What it says.
    pub label: &'a str,
    /// It can be chosen now.
    pub enabled: bool,
}

/// Widest dialog, in cells: longer lines are hard to read.
const MAX_WIDTH: u16 = 76;

impl<'a> Dialog<'a> {
    /// A question with `Cancel`, focused, and one other answer.
    #[must_use]
    pub fn confirm(title: &'a str, tone: Role, body: Vec<Line<'a>>, answer: &'a str) -> Dialog<'a> {
        let buttons = vec![Button { label: "Cancel", enabled: true }, Button { label: answer, enabled: true }];
        Dialog { title, tone, body, form: None, buttons, focus: Some(0) }
    }

    /// Draws it over the middle of `screen`. Returns where the cursor belongs.
    pub fn render(&self, screen: Rect, buf: &mut Buffer, kit: Kit<'_>) -> Option<Position> {
        let screen = screen.intersection(buf.area);
        if screen.width < 10 || screen.height < 4 {
            return None;
        }
        let widest = self.body.iter().map(Line::width).chain([fmt::width(self.title) + 6, self.buttons_width()]).max();
        let wanted = u16::try_from(widest.unwrap_or(0)).unwrap_or(u16::MAX).saturating_add(6).max(44);
        let width = wanted.min(MAX_WIDTH).min(screen.width);
        let body = wrap_all(&self.body, usize::from(width.saturating_sub(6)));
        let form_height = self.form.as_ref().map_or(0, |form| form.height() + 1);
        let wanted = (body.len() as u16).saturating_add(form_height).saturating_add(6);
        let height = wanted.min(screen.height);
        let area = Rect {
            x: screen.x + (screen.width - width) / 2,
            y: screen.y + (screen.height - height) / 2,
            width,
            height,
        };
        fill(buf, area, kit.theme.ground().patch(kit.style(Role::Dialog)));
        Panel::new(self.title).focused(true).render(area, buf, kit);
        recolour_frame(area, buf, kit, self.tone);
        // Buttons first: they must be there however little room there is.
        let inside =
            Rect { x: area.x + 3, width: area.width.saturating_sub(6), y: area.y + 1, height: area.height - 2 };
        let buttons = Rect { y: inside.bottom() - 1, height: 1, ..inside };
        // A blank row stays below the buttons where there is room for it.
        let buttons = if height == wanted && height > 5 { Rect { y: buttons.y - 1, ..buttons } } else { buttons };
        self.render_buttons(buttons, buf, kit);
        let mut y = inside.y + u16::from(height == wanted);
        let room = usize::from(buttons.y.saturating_sub(form_height).saturating_sub(y));
        for line in &fitted(body, room, kit) {
            line.render(Rect { y, height: 1, ..inside }, buf, kit);
            y += 1;
        }
        let form = self.form.as_ref()?;
        y = (y + 1).min(buttons.y);
        form.render(Rect { y, height: buttons.y - y, ..inside }, buf, kit).filter(|_| self.focus.is_none())
    }

    fn buttons_width(&self) -> usize {
        self.buttons.iter().map(|button| fmt::width(button.label) + 6).sum()
    }

    fn render_buttons(&self, row: Rect, buf: &mut Buffer, kit: Kit<'_>) {
        let width = u16::try_from(self.buttons_width().saturating_sub(2)).unwrap_or(u16::MAX).min(row.width);
        let mut x = row.right() - width;
        for (index, button) in self.buttons.iter().enumerate() {
            let focused = self.focus == Some(index);
            let role = match (button.enabled, focused) {
                (false, _) => Role::Disabled,
                (true, true) => Role::ButtonFocus,
                (true, false) => Role::Button,
            };
            let (open, close) = if focused { (kit.glyphs.pointer, " ") } else { (" ", " ") };
            let end = put(buf, x, row, &format!("{open} {} {close}", button.label), kit.style(role));
            kit.takes_clicks(Rect { x, width: end.saturating_sub(x), ..row }, Hit::Button(index));
            x = end + 2;
        }
    }
}

fn recolour_frame(area: Rect, buf: &mut Buffer, kit: Kit<'_>, tone: Role) {
    let style = kit.style(tone);
    for position in area.positions() {
        let edge = position.x == area.x
            || position.x == area.right() - 1
            || position.y == area.y
            || position.y == area.bottom() - 1;
        if edge {
            buf[position].set_style(ratatui::style::Style { bg: None, ..style });
        }
    }
}

/// What of `body` is shown where only `room` lines fit: its end, which says what cannot be undone, and its beginning.
fn fitted<'a>(mut body: Vec<Line<'a>>, room: usize, kit: Kit<'_>) -> Vec<Line<'a>> {
    if body.len() <= room {
        return body;
    }
    let end = body.iter().rposition(|line| line.width() == 0).map_or(0, |blank| body.len() - blank - 1);
    let end = if end + 2 <= room { end } else { 0 };
    let begin = room.saturating_sub(end + 1);
    let hidden = body.len() - begin - end;
    let note =
        Line::of(Role::Muted, format!("{} {hidden} lines more; a taller terminal shows them", kit.glyphs.ellipsis));
    let tail = body.split_off(body.len() - end);
    body.truncate(begin);
    body.extend((room > 0).then_some(note));
    body.extend(tail);
    body
}

/// Lines broken at words; each part keeps its role.
fn wrap_all<'a>(lines: &[Line<'a>], cells: usize) -> Vec<Line<'a>> {
    let mut out = Vec::new();
    for line in lines {
        if line.width() <= cells {
            out.push(line.clone());
            continue;
        }
        let mut current = Line::new();
        let mut used = 0;
        for part in &line.parts {
            for word in part.text.split_inclusive(' ') {
                let w = fmt::width(word.trim_end());
                if used > 0 && used + w > cells {
                    out.push(std::mem::take(&mut current));
                    used = 0;
                }
                for piece in fmt::wrap(word.trim_end(), cells) {
                    if used > 0 && used + fmt::width(&piece) > cells {
                        out.push(std::mem::take(&mut current));
                        used = 0;
                    }
                    used += fmt::width(&piece);
                    current.push(part.role, piece);
                }
                if word.ends_with(' ') && used < cells {
                    current.push(part.role, " ");
                    used += 1;
                }
            }
        }
        out.push(current);
    }
    out
}
