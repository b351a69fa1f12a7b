//! `y`: the id of what is looked at, for the terminal's clipboard.

use super::{Detail, Screen, State};

/// What would be copied: its kind in a word or two, and the text. An id, a line of the log, a setting or the recipe for a
/// role, nothing else.
#[must_use]
pub fn copyable(state: &State) -> Option<(&'static str, String)> {
    match &state.detail {
        Some(Detail::Scope { key, .. }) => return Some(("model id", key.bucket.to_string())),
        Some(Detail::Request { request, .. }) => return Some(of_request(request)),
        Some(Detail::Provisioned { arn, .. } | Detail::Job { arn, .. }) => return Some(("ARN", arn.clone())),
        Some(Detail::Account { route, .. }) => return Some(("model id", route.model.to_string())),
        Some(Detail::Recipe { .. }) => return Some(("recipe", super::orders::role_recipe(state))),
        Some(Detail::Increases { .. }) => return super::increases::selected(state).map(of_increase),
        Some(Detail::Ways { .. }) => return None,
        None => {}
    }
    match state.screen {
        Screen::Dashboard => state.dashboard_scope().map(|key| ("model id", key.bucket.to_string())),
        Screen::Tuning => None,
        Screen::Provisioned => state.selected_provisioned().map(|view| ("ARN", view.model.arn.clone())),
        Screen::Account => state.selected_use().map(|row| ("model id", row.route().model.to_string())),
        Screen::Batch => state.selected_job().map(|view| ("ARN", view.job.arn.clone())),
        Screen::Requests => state.selected_request().map(of_request),
        Screen::Log => {
            let lines = state.visible_lines();
            let line = lines.get(state.log.position(&lines, super::lists::line_key))?;
            Some(("line", line.text.clone()))
        }
        Screen::Settings => Some(("setting", state.selected_setting()?.value.toml()?)),
    }
}

/// The case is what support asks for; without one, the id of the request.
fn of_increase(request: &crate::control::QuotaRequest) -> (&'static str, String) {
    match &request.case {
        Some(case) => ("case id", case.clone()),
        None => ("request id", request.id.clone()),
    }
}

/// The service's id of the request is what support asks for; without one, the record's.
fn of_request(request: &crate::engine::RequestView) -> (&'static str, String) {
    match &request.request_id {
        Some(id) => ("request id", id.clone()),
        None => ("record id", request.id.to_string()),
    }
}
