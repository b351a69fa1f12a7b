//! The detail of one provisioned model.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::provisioned::HOUR_MS;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Panel};
use crate::console::ui::{account, fmt, words};
use crate::control::ProvisionedView;

use super::Facts;
use super::provisioned::{capacity_line, term_line, use_line};

pub(in crate::console::ui) fn render(view: &View<'_>, scroll: u16, body: Rect, buf: &mut Buffer) {
    let inner = Panel::new("Provisioned throughput").ruled().summary(super::way_back(view)).render(body, buf, view.kit);
    let lines = match view.state.selected_provisioned() {
        Some(one) => lines(view, one, usize::from(inner.width)),
        None => vec![super::gone(view)],
    };
    super::scrolled(&lines, scroll, inner, buf, view.kit);
}

fn lines(view: &View<'_>, one: &ProvisionedView, width: usize) -> Vec<Line<'static>> {
    let model = &one.model;
    let now = view.state.service_ms();
    let (glyph, word, role) = words::provisioned(&model.status, view.kit.glyphs);
    let mut facts = Facts::new(width);
    facts.add("name", Role::Strong, &model.name);
    facts.add("ARN", Role::Text, &model.arn);
    facts.add("Region", Role::Text, model.region.as_str());
    facts.add("status", role, &format!("{glyph} {word}"));
    if let Some(why) = &model.failure {
        facts.add("why", Role::Danger, why);
    }
    facts.add("model", Role::Text, &model.model_arn);
    if model.desired_model_arn != model.model_arn {
        facts.add("becoming", Role::Text, &model.desired_model_arn);
    }
    if model.foundation_model_arn != model.model_arn {
        facts.add("base model", Role::Text, &model.foundation_model_arn);
    }
    let units = if model.units == model.desired_units {
        format!("{} MU", model.units)
    } else {
        format!("{} MU, becoming {}", model.units, model.desired_units)
    };
    facts.add("units", Role::Text, &units);
    facts.line("capacity", capacity_line(one));
    facts.blank();
    facts.line("term", term_line(one, now));
    match one.hourly() {
        Some(price) => {
            let age = now.saturating_sub(model.created_ms).max(0);
            let most = fmt::dollars(price.scaled(age as f64 / HOUR_MS as f64));
            let paid = format!(", at most {most} since it was created {} ago", fmt::long_span(account::millis(age)));
            facts.add(
                "price",
                Role::Text,
                &format!("{} /h, {} a day{paid}", fmt::money(price), fmt::dollars(price.scaled(24.0))),
            );
        }
        None => facts.add("price", Role::Warn, "unknown: AWS does not publish it"),
    }
    facts.line("use", use_line(view, one, now));
    facts.blank();
    facts.add("created", Role::Text, &format!("{} UTC", fmt::utc_date_time(model.created_ms)));
    facts.add("changed", Role::Text, &format!("{} UTC", fmt::utc_date_time(model.modified_ms)));
    facts.blank();
    let overlap = match one.hourly() {
        Some(price) => format!("{} /h for as long as both are there", fmt::money(price)),
        None => "an unknown price for as long as both are there".to_owned(),
    };
    facts.add(
        "other units",
        Role::Muted,
        &format!(
            "The API changes no units. c buys another one with the units wanted; move the load over, then delete this \
             one. The overlap costs {overlap}."
        ),
    );
    facts.lines
}
