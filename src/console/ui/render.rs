//! The whole screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::console::app::{Breakpoint, Detail, Overlay, Screen, State};
use crate::console::keys::Action;

use super::theme::Role;
use super::view::View;
use super::widgets::{Kit, Line, text};
use super::{footer, header, layout, privacy, screens};

/// Draws the console into `area`. Reads only; returns where the cursor belongs, if something is being typed.
pub fn render(state: &State, kit: Kit<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let area = area.intersection(buf.area);
    let cursor = draw(state, kit, area, buf);
    // Last, over everything: nothing that is drawn gets round it.
    if state.private {
        privacy::mask(state, area, buf);
    }
    cursor
}

fn draw(state: &State, kit: Kit<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    text::fill(buf, area, kit.theme.ground());
    if Breakpoint::of(area.width, area.height) == Breakpoint::Tiny {
        too_small(state, area, buf, kit);
        return None;
    }
    let view = View::new(state, kit);
    let areas = layout::areas(area);
    header::render(&view, areas.header, buf);
    match (state.overlays.last(), &state.detail, state.screen) {
        (Some(Overlay::Help { scroll }), ..) => screens::help::render(&view, *scroll, areas.body, buf),
        (Some(Overlay::Warnings(list)), ..) => screens::warnings::render(&view, list, areas.body, buf),
        (_, Some(Detail::Scope { key, scroll }), _) => screens::scope::render(&view, key, *scroll, areas.body, buf),
        (_, Some(Detail::Request { request, scroll }), _) => {
            screens::request::render(&view, request, *scroll, areas.body, buf);
        }
        (_, Some(Detail::Provisioned { scroll, .. }), _) => {
            screens::provisioned_model::render(&view, *scroll, areas.body, buf);
        }
        (_, Some(Detail::Account { scroll, .. }), _) => {
            screens::use_detail::render(&view, *scroll, areas.body, buf);
        }
        (_, Some(Detail::Job { scroll, .. }), _) => screens::job::render(&view, *scroll, areas.body, buf),
        (_, Some(Detail::Recipe { scroll }), _) => screens::recipe::render(&view, *scroll, areas.body, buf),
        (_, Some(Detail::Increases { at }), _) => screens::increases::render(&view, *at, areas.body, buf),
        (_, Some(Detail::Ways { scroll, .. }), _) => screens::ways::render(&view, *scroll, areas.body, buf),
        (.., Screen::Provisioned) => screens::provisioned::render(&view, areas.body, buf),
        (.., Screen::Account) => screens::usage::render(&view, areas.body, buf),
        (.., Screen::Batch) => screens::batch::render(&view, areas.body, buf),
        (.., Screen::Dashboard) => screens::dashboard::render(&view, areas.body, buf),
        (.., Screen::Tuning) => screens::tuning::render(&view, areas.body, buf),
        (.., Screen::Requests) => screens::requests::render(&view, areas.body, buf),
        (.., Screen::Log) => screens::log::render(&view, areas.body, buf),
        (.., Screen::Settings) => screens::settings::render(&view, areas.body, buf),
    }
    let modal = state.palette.is_some()
        || !matches!(state.overlays.last(), None | Some(Overlay::Help { .. } | Overlay::Warnings(_)));
    if let Some(hits) = kit.hits.filter(|_| modal) {
        hits.cover();
    }
    let cursor = footer::render(&view, areas.footer, buf);
    if state.palette.is_some() {
        return screens::palette::render(&view, areas.body, buf);
    }
    // Only the topmost: a form behind its question would show its edges.
    match state.overlays.last() {
        None | Some(Overlay::Help { .. } | Overlay::Warnings(_)) => cursor,
        Some(Overlay::Form(form)) => screens::form::render(&view, form, areas.body, buf),
        Some(Overlay::Dialog(dialog)) => screens::confirm::render(dialog, area, buf, kit),
        Some(Overlay::Themes { .. }) => screens::themes::render(&view, areas.body, buf),
    }
}

/// What is needed, where it cannot be given.
fn too_small(state: &State, area: Rect, buf: &mut Buffer, kit: Kit<'_>) {
    let (width, height) = Breakpoint::LEAST;
    let size = |mine: u16, least: u16| if mine < least { Role::Danger } else { Role::Ok };
    let lines = [
        Line::of(Role::Strong, "terminal too small"),
        Line::of(Role::Muted, "needs ").text(format!("{width}x{height}")),
        Line::of(Role::Muted, "has ")
            .with(size(area.width, width), area.width.to_string())
            .muted("x")
            .with(size(area.height, height), area.height.to_string()),
        Line::of(Role::Muted, format!("the load goes on; {} leaves", state.keymap.key(Action::Quit))),
    ];
    let top = area.y + area.height.saturating_sub(lines.len() as u16) / 2;
    for (at, line) in lines.iter().enumerate() {
        let y = top + at as u16;
        if y >= area.bottom() {
            return;
        }
        let indent = usize::from(area.width).saturating_sub(line.width()) as u16 / 2;
        let row = Rect { x: area.x + indent, y, width: area.width - indent, height: 1 };
        line.render(row, buf, kit);
    }
}
