//! Screen 8: every value in force, and who said it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::config::Origin;
use crate::console::app::settings::{SettingRow, row_key};
use crate::console::keys::Action;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Panel};
use crate::console::ui::{fmt, layout};

/// From this width on there is more room for values.
const WIDE: u16 = 100;
/// Cells of the names of what the detail says.
const SAYS: usize = 10;

pub(in crate::console::ui) fn render(view: &View<'_>, body: Rect, buf: &mut Buffer) {
    let rows = view.state.visible_settings();
    let at = view.state.settings.list.position(&rows.iter().collect::<Vec<_>>(), row_key);
    let [list, detail] = layout::rows(body, [0, if body.height >= 18 { 7 } else { 5 }]);
    table(view, &rows, at, list, buf);
    if let Some(row) = rows.get(at) {
        selected(view, row, detail, buf);
    }
}

fn table(view: &View<'_>, rows: &[SettingRow], at: usize, area: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let said = rows.iter().filter(|row| row.value.origin != Origin::Default).count();
    let mut summary = Line::of(Role::Muted, format!("{} in force, {said} not by default", rows.len()));
    super::filter_words(&mut summary, view.state.filter());
    let inner = Panel::new("Settings").ruled().summary(summary).focused(true).render(area, buf, kit);
    if rows.is_empty() {
        Line::of(Role::Muted, "no setting is kept by the filter").render(inner, buf, kit);
        return;
    }
    // A line for each heading and each row.
    let mut lines: Vec<(Option<&SettingRow>, &str)> = Vec::new();
    let (mut group, mut cursor) = ("", 0);
    for (index, row) in rows.iter().enumerate() {
        if row.value.group != group {
            group = &row.value.group;
            lines.push((None, group));
        }
        if index == at {
            cursor = lines.len();
        }
        lines.push((Some(row), group));
    }
    // The last row says how many are below.
    let height = usize::from(inner.height);
    let height = if lines.len() > height { height.saturating_sub(1) } else { height };
    let first = cursor.saturating_sub(height / 2).min(lines.len().saturating_sub(height));
    for (offset, (row, heading)) in lines.iter().skip(first).take(height).enumerate() {
        let y = Rect { y: inner.y + offset as u16, height: 1, ..inner };
        match row {
            None => drop(Line::of(Role::Title, fmt::sanitise(heading)).render(y, buf, kit)),
            Some(row) => setting(view, row, first + offset == cursor, y, buf),
        }
    }
    let left = lines.len().saturating_sub(first + height);
    if left > 0 {
        let note = Line::of(Role::Muted, format!(" {} {left} more", kit.glyphs.descending));
        note.render_right(Rect { y: area.bottom().saturating_sub(1), height: 1, ..area }, buf, kit);
    }
}

fn setting(view: &View<'_>, row: &SettingRow, here: bool, area: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let value = &row.value;
    let (name, shown) = if area.width >= WIDE { (36, 32) } else { (24, 24) };
    let role = match value.origin {
        Origin::Default => Role::Text,
        Origin::Session => Role::Accent,
        _ => Role::Strong,
    };
    let mut line = Line::of(Role::Focus, if here { kit.glyphs.pointer } else { " " });
    let label = fmt::sanitise(&value.name);
    let label = fmt::truncate_middle(&label, name, kit.glyphs);
    line.push(if here { Role::Strong } else { Role::Text }, format!(" {} ", fmt::left(&label, name, kit.glyphs)));
    let said = row.value.shown();
    let said = fmt::sanitise(&said);
    line.push(role, format!("{} ", fmt::left(&said, shown, kit.glyphs)));
    let room = usize::from(area.width).saturating_sub(line.width());
    let origin = short(&value.origin);
    let origin = fmt::sanitise(&origin);
    let from = if value.origin == Origin::Default { Role::Muted } else { role };
    line.push(from, fmt::truncate_middle(&origin, room, kit.glyphs).into_owned());
    line.render(area, buf, kit);
    if here {
        let style = kit.style(Role::Selection);
        buf.set_style(area, ratatui::style::Style { fg: None, ..style });
    }
}

/// Who said it, of the file only the name: the whole path is told below.
fn short(origin: &Origin) -> String {
    match origin {
        Origin::File { path, line } => {
            format!("{}:{line}", path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name))
        }
        other => other.to_string(),
    }
}

fn selected(view: &View<'_>, row: &SettingRow, area: Rect, buf: &mut Buffer) {
    let kit = view.kit;
    let value = &row.value;
    let title = if value.key.is_empty() { &value.name } else { &value.key };
    let turned = match row.knob {
        Some(_) => match view.state.keymap.of(Action::Open).first() {
            Some(key) => Line::of(Role::Key, key.to_string()).muted(" goes to its knob on screen 2"),
            None => Line::of(Role::Muted, "turned on screen 2"),
        },
        None => Line::of(Role::Muted, "read at the start"),
    };
    let inner = Panel::new(&fmt::sanitise(title)).ruled().summary(turned).render(area, buf, kit);
    let width = usize::from(inner.width);
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut says = |name: &str, text: &str| {
        if text.is_empty() {
            return;
        }
        let mut name = name;
        for part in fmt::wrap(&fmt::sanitise(text), width.saturating_sub(SAYS).max(8)) {
            lines.push(Line::of(Role::Muted, format!("{name:<SAYS$}")).text(part));
            name = "";
        }
    };
    says("is", &format!("{}, from: {}", value.shown(), value.origin));
    says("may be", &value.allowed);
    says("default", &value.default_shown());
    match value.toml() {
        Some(toml) => {
            let copies = view.state.keymap.of(Action::Copy).first();
            let copies = copies.map_or(String::new(), |key| format!(" ({key} copies it)"));
            says("in file", &format!("{}{copies}", toml.replace('\n', " ")));
        }
        None => says("in file", "has no key there"),
    }
    let mut all: Vec<Line<'_>> =
        fmt::wrap(&value.meaning, width).into_iter().map(|text| Line::of(Role::Text, text)).collect();
    all.extend(lines);
    for (at, line) in all.iter().take(usize::from(inner.height)).enumerate() {
        line.render(Rect { y: inner.y + at as u16, height: 1, ..inner }, buf, kit);
    }
}
