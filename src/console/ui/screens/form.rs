//! The load form.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::console::app::form::{Content, LoadForm};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Field, FieldValue, Form, Line, Panel, text};

/// Widest form, in cells.
const WIDEST: u16 = 84;

pub(in crate::console::ui) fn render(
    view: &View<'_>,
    form: &LoadForm,
    body: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let kit = view.kit;
    let visible = form.visible();
    let fields: Vec<Field<'_>> = visible
        .iter()
        .map(|field| {
            let (label, unit) = form.words(field.id);
            let value = match &field.content {
                Content::Choice { options, at } => FieldValue::Choice(options.get(*at).copied().unwrap_or("")),
                Content::Text(input) => FieldValue::Input(input),
            };
            let error = form.errors.iter().find(|(id, _)| *id == field.id).map(|(_, why)| why.as_str());
            Field { unit, error, ..Field::new(label, value) }
        })
        .collect();
    let focus = visible.iter().position(|field| field.id == form.focus);
    let form = Form { fields: &fields, focus, value_width: 24 };
    // Frame, a blank row above and below the fields, a row of help.
    let height = (form.height() + 5).min(body.height);
    let width = WIDEST.min(body.width);
    let area = Rect { x: body.x + (body.width - width) / 2, y: body.y + (body.height - height) / 2, width, height };
    text::fill(buf, area, kit.theme.ground().patch(kit.style(Role::Dialog)));
    let target = if view.snap.target.simulated { "on the simulator: starts at once" } else { "on AWS: asks first" };
    let inner = Panel::new("Load").summary(Line::of(Role::Muted, target)).focused(true).render(area, buf, kit);
    let space = u16::from(height == form.height() + 5);
    let keys = Line::of(Role::Key, "Enter")
        .muted(if view.snap.target.simulated { " start   " } else { " go on   " })
        .with(Role::Key, "Tab")
        .muted(" next field   ")
        .with(Role::Key, "Left Right")
        .muted(" change a choice   ")
        .with(Role::Key, "Esc")
        .muted(" leave");
    keys.render(Rect { y: inner.bottom().saturating_sub(1), height: 1.min(inner.height), ..inner }, buf, kit);
    let rows = Rect { y: inner.y + space, height: inner.height.saturating_sub(1 + space * 2), ..inner };
    form.render(rows, buf, kit)
}
