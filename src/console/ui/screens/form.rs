//! The load form.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::console::app::confirm::capacity_words;
use crate::console::app::form;
use crate::console::app::form::{Content, FieldId, Form as Filled, Kind};
use crate::console::keys::Action;
use crate::console::ui::fmt;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Field, FieldValue, Form, Line, Panel, text};
use crate::control::{term_price, unit_price};
use crate::report::{Draft, Verdict};

/// Widest form, in cells.
const WIDEST: u16 = 78;

pub(in crate::console::ui) fn render(view: &View<'_>, form: &Filled, body: Rect, buf: &mut Buffer) -> Option<Position> {
    let kit = view.kit;
    let visible = form.visible();
    let safe: Vec<String> = visible.iter().map(|field| fmt::sanitise(form.option(field.id)).into_owned()).collect();
    let fields: Vec<Field<'_>> = visible
        .iter()
        .zip(&safe)
        .map(|(field, option)| {
            let (label, unit, hint) = form.words(field.id);
            let value = match &field.content {
                Content::Choice { .. } => FieldValue::Choice(option),
                Content::Text(input) => FieldValue::Input(input),
            };
            let error = form.errors.iter().find(|(id, _)| *id == field.id).map(|(_, why)| why.as_str());
            Field { unit, error, hint, ..Field::new(label, value) }
        })
        .collect();
    let focus = visible.iter().position(|field| field.id == form.focus);
    let width = WIDEST.min(body.width);
    let notes = notes(view, form, usize::from(width.saturating_sub(4)));
    let value_width = match form.kind {
        Kind::Load => 26,
        Kind::Increase { .. } => 40,
        _ => 48,
    };
    let fields = Form { fields: &fields, focus, value_width };
    // A row more than the fields, for the words below the one with the focus: the frame must not jump.
    let rows = fields.fields.len() as u16 + 1;
    let below = if notes.is_empty() { 0 } else { notes.len() as u16 + 1 };
    let height = (rows + below + 4).min(body.height);
    let area = Rect { x: body.x + (body.width - width) / 2, y: body.y + (body.height - height) / 2, width, height };
    // On the screen's own ground, so that the fields stand out.
    text::fill(buf, area, kit.theme.ground());
    let (title, summary) = heading(view, form);
    let inner = Panel::new(&title).summary(Line::of(Role::Muted, summary)).focused(true).render(area, buf, kit);
    let space = u16::from(height == rows + below + 4);
    // The fields come first; what may be said about them gets what they leave.
    let below = below.min(inner.height.saturating_sub(rows));
    let fields_area = Rect { y: inner.y + space, height: inner.height.saturating_sub(space * 2 + below), ..inner };
    for (at, line) in notes.iter().take(usize::from(below.saturating_sub(1))).enumerate() {
        let y = fields_area.bottom() + 1 + at as u16;
        line.render(Rect { y, height: 1, ..inner }, buf, kit);
    }
    fields.render(fields_area, buf, kit)
}

/// Title, and what Enter does.
fn heading(view: &View<'_>, form: &Filled) -> (String, &'static str) {
    let simulated = view.snap.target.simulated;
    match &form.kind {
        Kind::Load if simulated => ("Load".to_owned(), "on the simulator: starts at once"),
        Kind::Load => ("Load".to_owned(), "on AWS: asks first"),
        Kind::Create => ("New provisioned throughput".to_owned(), "asks before it buys"),
        Kind::Change { name, .. } => (format!("Change {}", fmt::sanitise(name)), "asks before it changes"),
        Kind::Submit => ("New batch job".to_owned(), "looks through the input, then asks"),
        Kind::Fetch { name, .. } => (format!("Fetch {}", fmt::sanitise(name)), "copies results here"),
        Kind::Increase { region, .. } => (format!("Ask for quota in {region}"), "asks before it is filed"),
    }
}

/// What a workload needs of a quota, in words: the value, and how it comes about.
fn proposed_words(draft: &Draft) -> (Role, String) {
    let how = draft.how.as_deref().unwrap_or_default();
    match draft.verdict {
        Verdict::Ask { value } => (Role::Text, format!("Needed: {}. {how}.", fmt::exact(value as u64))),
        Verdict::BelowDefault { value, default } => (
            Role::Warn,
            format!(
                "Needed: {}, and Service Quotas takes only values above the default of {}. {how}.",
                fmt::exact(value as u64),
                fmt::exact(default.max(0.0) as u64)
            ),
        ),
        Verdict::Enough => (Role::Ok, format!("The quota is enough: a deadline, work or growth may need more. {how}.")),
        Verdict::NotAdjustable => (Role::Warn, format!("It cannot be raised by a request. {how}.")),
        Verdict::Unknown => (Role::Warn, format!("What is needed is {how}. Say the work and its deadline.")),
    }
}

/// What follows from what is filled in so far.
fn notes(view: &View<'_>, form: &Filled, cells: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut say = |role: Role, text: &str| {
        lines.extend(fmt::wrap(&fmt::sanitise(text), cells).into_iter().map(|part| Line::of(role, part)));
    };
    match &form.kind {
        Kind::Load | Kind::Fetch { .. } => {}
        Kind::Increase { .. } => {
            if let Some(words) = form::increase::binding(form) {
                say(Role::Warn, &words);
            }
            if let Some(proposal) = form::increase::proposal(form) {
                let (role, words) = proposed_words(&proposal);
                say(role, &words);
            }
            // The text as it would go to support, as far as there is room: the file has all of it.
            let draft = form::increase::draft(form);
            let text = draft.and_then(|draft| draft.text).unwrap_or_default();
            // What the form itself says needs no second line.
            let said = ["Request:", "Note:", "Account:", "Region:", "How the value"];
            for line in text.lines().filter(|line| !said.iter().any(|head| line.starts_with(head))) {
                say(Role::Muted, line);
            }
        }
        Kind::Create => {
            let new = form::provisioned::so_far(form);
            say(Role::Text, &format!("Capacity: {}", capacity_words(&new.model, new.units)));
            let unit = unit_price(&new.region, &new.model, new.commitment, &view.state.agreed_prices);
            match (unit.of(1), unit.of(new.units)) {
                (Some(one), Some(hour)) => {
                    let term = term_price(unit, new.units, new.commitment);
                    let term = term.map(|term| format!("about {} for the term", fmt::dollars(term)));
                    let term = term.unwrap_or_else(|| "until it is deleted".to_owned());
                    say(Role::Text, &format!("Price: {} /h a unit, {} /h, {term}", fmt::money(one), fmt::money(hour)));
                }
                _ => say(Role::Warn, "Price: unknown, AWS does not publish it; it has to be accepted by typing"),
            }
        }
        Kind::Change { fixed_model, arn, .. } => {
            if let Some(why) = fixed_model {
                say(Role::Muted, &format!("Model: {why}."));
            }
            let cost = view.state.account().and_then(|account| {
                let own = account.provisioned.iter().find(|view| view.model.arn == *arn)?;
                own.hourly()
            });
            let cost =
                cost.map_or("its price, which is unknown,".to_owned(), |cost| format!("{} /h", fmt::money(cost)));
            say(
                Role::Muted,
                &format!(
                    "Units: the API cannot change them. The way round: {} on the list buys another one with the units \
                     wanted, the load moves over, then this one is deleted. The overlap costs {cost} more.",
                    view.state.keymap.key(Action::Resize)
                ),
            );
        }
        Kind::Submit => {
            if form.option(FieldId::Role).is_empty() || form.visible().iter().any(|f| f.id == FieldId::OtherRole) {
                let (back, recipe) = (view.state.keymap.key(Action::Back), view.state.keymap.key(Action::Recipe));
                say(
                    Role::Muted,
                    &format!("No role yet? {back}, then {recipe} shows the commands that make a bucket and a role."),
                );
            }
            say(Role::Muted, "Nothing is uploaded or billed before the question that comes after the check.");
        }
    }
    lines
}
