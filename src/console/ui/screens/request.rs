//! The detail of one finished record.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::ui::fmt;
use crate::console::ui::panels::class_role;
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Line, Panel};
use crate::engine::RequestView;

/// Cells of the names.
const NAME: usize = 18;

pub(in crate::console::ui) fn render(
    view: &View<'_>,
    request: &RequestView,
    scroll: u16,
    body: Rect,
    buf: &mut Buffer,
) {
    let inner = Panel::new("Record").ruled().summary(super::way_back(view)).render(body, buf, view.kit);
    let lines = lines(request, usize::from(inner.width));
    super::scrolled(&lines, scroll, inner, buf, view.kit);
}

fn lines(request: &RequestView, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut fact = |name: &str, role: Role, value: String| {
        let mut name = name.to_owned();
        for part in fmt::wrap(&fmt::sanitise(&value), width.saturating_sub(NAME).max(8)) {
            lines.push(Line::of(Role::Muted, format!("{name:<NAME$}")).with(role, part));
            name.clear();
        }
    };
    fact("record", Role::Strong, request.id.to_string());
    fact("request id", Role::Text, request.request_id.clone().unwrap_or_else(|| "none came back".to_owned()));
    fact("finished", Role::Text, format!("{} UTC", fmt::utc_date_time(request.utc_ms)));
    match &request.failure {
        Some((class, message)) => {
            fact("result", class_role(*class), class.label().to_owned());
            fact("message", Role::Text, message.clone());
        }
        None => fact("result", Role::Ok, "ok".to_owned()),
    }
    fact("Region", Role::Text, request.route.region.to_string());
    fact("model", Role::Text, request.route.model.to_string());
    fact("priority", Role::Text, request.priority.name().to_owned());
    fact("attempts", Role::Text, request.attempts.to_string());
    fact("last attempt", Role::Text, fmt::latency(request.attempt));
    fact("response", Role::Text, format!("{}, from due to result", fmt::latency(request.response)));
    match request.usage {
        Some(usage) => {
            let mut input = format!("{} tokens", fmt::exact(usage.input));
            if usage.cache_read + usage.cache_write > 0 {
                input =
                    format!("{input}, {} read from and {} written to the cache", usage.cache_read, usage.cache_write);
            }
            fact("input", Role::Text, input);
            fact("output", Role::Text, format!("{} tokens", fmt::exact(usage.output)));
        }
        None => fact("tokens", Role::Muted, "not known".to_owned()),
    }
    fact("held at admission", Role::Text, format!("{} quota tokens", fmt::exact(request.reserved)));
    fact("price", Role::Text, fmt::maybe_money(request.price));
    lines
}
