//! A question before something that may cost.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::console::app::confirm::{Button, Dialog, Fact};
use crate::console::app::price::Estimate;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::widgets::{Dialog as Frame, Field, FieldValue, Form, Kit, Line};
use crate::record::Usd;

/// Cells between the names of the facts and the facts.
const GAP: usize = 3;
/// Cells inside the widest dialog.
const WIDEST: usize = 68;

pub(in crate::console::ui) fn render(dialog: &Dialog, area: Rect, buf: &mut Buffer, kit: Kit<'_>) -> Option<Position> {
    let label = dialog.facts.iter().map(|(name, _)| fmt::width(name)).max().unwrap_or(0) + GAP;
    let inside = WIDEST.min(usize::from(area.width).saturating_sub(6));
    let mut body = Vec::new();
    for (name, value) in &dialog.facts {
        let mut name = *name;
        for value in fact(value, inside.saturating_sub(label).max(8)) {
            let mut line = Line::of(Role::Muted, format!("{name:<label$}"));
            line.parts.extend(value.parts);
            body.push(line);
            name = "";
        }
    }
    body.push(Line::new());
    let warning = fmt::sanitise(&dialog.warning);
    body.push(Line::of(Role::Warn, format!("{} ", kit.glyphs.warn)).text(warning));
    // What keeps it from being accepted stands last, next to the buttons.
    if let Some(why) = &dialog.blocked {
        body.push(Line::of(Role::Danger, format!("{} ", kit.glyphs.danger)).text(fmt::sanitise(why)));
    }
    let title = fmt::sanitise(&dialog.title);
    let label = dialog.typed.as_ref().map(|typed| format!("Type {}", fmt::sanitise(&typed.wanted)));
    let fields: Vec<Field<'_>> = dialog
        .typed
        .iter()
        .zip(&label)
        .map(|(typed, label)| Field::new(label, FieldValue::Input(&typed.input)))
        .collect();
    let tone = if dialog.typed.is_some() || dialog.blocked.is_some() { Role::Danger } else { Role::Warn };
    let mut frame = Frame::confirm(&title, tone, body, dialog.accept);
    frame.buttons[1].enabled = dialog.why_not().is_none();
    frame.focus = match dialog.focus {
        Button::Cancel => Some(0),
        Button::Accept => Some(1),
        Button::Field => None,
    };
    if !fields.is_empty() && dialog.blocked.is_none() {
        let focus = (dialog.focus == Button::Field).then_some(0);
        frame.form = Some(Form { fields: &fields, focus, value_width: 30 });
    }
    frame.render(area, buf, kit)
}

/// A fact in lines of at most `cells`.
fn fact(fact: &Fact, cells: usize) -> Vec<Line<'_>> {
    let line = match fact {
        Fact::Text(text) => {
            return fmt::wrap(&fmt::sanitise(text), cells).into_iter().map(|part| Line::of(Role::Text, part)).collect();
        }
        Fact::Alarm(text) => {
            return fmt::wrap(&fmt::sanitise(text), cells).into_iter().map(|part| Line::of(Role::Warn, part)).collect();
        }
        Fact::Money(before, amount, after) => {
            Line::of(Role::Text, *before).with(Role::Strong, fmt::money(*amount)).text(*after)
        }
        Fact::Cap(from, to) => {
            let line = Line::of(Role::Strong, cap(*from));
            if from == to { line } else { line.muted(" -> ").with(Role::Strong, cap(*to)) }
        }
        Fact::Cost(estimate) => {
            if let Some(bought) = estimate.bought {
                let hourly = bought.of(1).map_or("unknown".to_owned(), fmt::money);
                let line = Line::of(Role::Text, "paid by the hour: ").with(Role::Strong, hourly).text(" /h");
                if estimate.record == Usd::ZERO {
                    return vec![line.muted(", used or not; nothing more by the token")];
                }
                return vec![line.muted(", used or not; beside it:"), by_token(estimate)];
            }
            by_token(estimate)
        }
    };
    vec![line]
}

/// Money by the token.
fn by_token(estimate: &Estimate) -> Line<'static> {
    let mut line = Line::of(Role::Strong, fmt::money(estimate.record)).muted(" a record");
    if let Some(hour) = estimate.hour {
        line = line.muted(", ").with(Role::Strong, fmt::money(hour)).muted(" /h");
    }
    if let Some(whole) = estimate.whole {
        line = line.muted(", ").with(Role::Strong, fmt::money(whole)).muted(" in all");
    }
    line
}

fn cap(cap: Option<Usd>) -> String {
    cap.map_or("none".to_owned(), fmt::money)
}
