//! Every request for a higher quota that is known, what became of it, and the quotas that are raised since.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::app::{increases, short_model};
use crate::console::ui::theme::Role;
use crate::console::ui::view::View;
use crate::console::ui::widgets::{Align, Cell, Column, Line, Panel, Table, Width};
use crate::console::ui::{account, fmt, layout};
use crate::control::{ControlSnapshot, QuotaRequest, RequestState};

use super::usage::offer_line;

fn columns(region: u16) -> [Column<'static>; 9] {
    [
        Column::new("model", Width::Flex(10)).align(Align::Middle),
        Column::new("Region", Width::Fixed(region)).align(Align::Middle),
        Column::new("quota", Width::Fixed(10)),
        Column::new("name", Width::Flex(16)).align(Align::Middle).drop(2),
        Column::new("asked", Width::Fixed(6)).align(Align::Right),
        Column::new("status", Width::Fixed(11)),
        Column::new("filed", Width::Fixed(9)).align(Align::Right),
        Column::new("changed", Width::Fixed(9)).align(Align::Right).drop(1),
        Column::new("case", Width::Fixed(11)).align(Align::Middle),
    ]
}

/// How a state is to be taken.
fn role(state: &RequestState) -> Role {
    match state {
        RequestState::Approved => Role::Ok,
        state if state.is_refusal() => Role::Danger,
        state if state.is_open() => Role::Info,
        _ => Role::Muted,
    }
}

pub(in crate::console::ui) fn render(view: &View<'_>, at: usize, body: Rect, buf: &mut Buffer) {
    let Some(known) = view.state.account() else {
        return super::no_account("Requests for quota", view, body, buf);
    };
    let offers: Vec<Line<'_>> = known.offers.iter().map(|offer| offer_line(view, offer)).collect();
    let (list, [offers_area]) = layout::stack(body, [account::section_rows(offers.len(), body.height / 4)]);
    let open = known.increases.iter().filter(|request| request.state.is_open()).count();
    let mut summary = Line::of(Role::Muted, format!("{} known, {open} open", known.increases.len()));
    match known.increases_read_ms {
        0 => summary.push(Role::Warn, ", not read yet"),
        read => summary.push(Role::Muted, format!(", read {}", fmt::age(view.state.since(read)))),
    }
    summary.push(Role::Muted, "; Esc goes back");
    let inner = Panel::new("Requests for quota").ruled().summary(summary).render(list, buf, view.kit);
    let region = super::region_width(known.increases.iter().map(|request| &request.region), inner.width);
    let columns = columns(region);
    let row = |at: usize| cells(view, known, &known.increases[at]);
    let empty = if known.increases_read_ms == 0 { "not read yet" } else { "no request was ever filed" };
    Table {
        columns: &columns,
        len: known.increases.len(),
        row: &row,
        selected: (!known.increases.is_empty()).then_some(at.min(known.increases.len() - 1)),
        top: 0,
        sorted: Some((6, false)),
        focused: true,
        empty,
    }
    .render(inner, buf, view.kit);
    account::section("Raised since", &offers, offers_area, buf, view);
}

fn cells(view: &View<'_>, known: &ControlSnapshot, request: &QuotaRequest) -> Vec<Cell<'static>> {
    let age = |at: Option<i64>| match at {
        Some(at) => Cell::text(fmt::age(service_age(view, at))),
        None => Cell::new(Role::Muted, fmt::NONE),
    };
    let models = increases::models(known, request);
    let model = match models.as_slice() {
        [] => Cell::new(Role::Muted, fmt::NONE),
        [one] => Cell::new(Role::Strong, fmt::sanitise(&short_model(one)).into_owned()),
        [one, others @ ..] => {
            Cell::new(Role::Strong, format!("{} +{}", fmt::sanitise(&short_model(one)), others.len()))
        }
    };
    vec![
        model,
        Cell::text(fmt::sanitise(request.region.as_str()).into_owned()),
        Cell::text(fmt::sanitise(&request.code).into_owned()),
        Cell::new(Role::Muted, fmt::sanitise(&request.name).into_owned()),
        Cell::text(fmt::count(request.value.max(0.0) as u64)),
        Cell::new(role(&request.state), fmt::sanitise(request.state.word()).into_owned()),
        age(request.created_ms),
        age(request.updated_ms),
        request
            .case
            .as_ref()
            .map_or_else(|| Cell::new(Role::Muted, fmt::NONE), |case| Cell::text(fmt::sanitise(case).into_owned())),
    ]
}

/// How long ago something was, by the service's clock.
fn service_age(view: &View<'_>, at_ms: i64) -> crate::record::Micros {
    account::millis(view.state.service_ms().saturating_sub(at_ms))
}
