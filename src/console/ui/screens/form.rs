//! The load form.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::console::app::form::{Content, LoadForm};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Field, FieldValue, Form, Line, Panel, text};

/// Widest form, in cells.
const WIDEST: u16 = 78;

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
            let (label, unit, hint) = form.words(field.id);
            let value = match &field.content {
                Content::Choice { options, at } => FieldValue::Choice(options.get(*at).copied().unwrap_or("")),
                Content::Text(input) => FieldValue::Input(input),
            };
            let error = form.errors.iter().find(|(id, _)| *id == field.id).map(|(_, why)| why.as_str());
            Field { unit, error, hint, ..Field::new(label, value) }
        })
        .collect();
    let focus = visible.iter().position(|field| field.id == form.focus);
    let form = Form { fields: &fields, focus, value_width: 26 };
    // A row more than the fields, for the words below the one with the focus: the frame must not jump.
    let height = (fields.len() as u16 + 1 + 4).min(body.height);
    let width = WIDEST.min(body.width);
    let area = Rect { x: body.x + (body.width - width) / 2, y: body.y + (body.height - height) / 2, width, height };
    // On the screen's own ground, so that the fields stand out.
    text::fill(buf, area, kit.theme.ground());
    let target = if view.snap.target.simulated { "on the simulator: starts at once" } else { "on AWS: asks first" };
    let inner = Panel::new("Load").summary(Line::of(Role::Muted, target)).focused(true).render(area, buf, kit);
    let space = u16::from(height == fields.len() as u16 + 5);
    form.render(Rect { y: inner.y + space, height: inner.height.saturating_sub(space * 2), ..inner }, buf, kit)
}
