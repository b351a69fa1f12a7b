//! The list of every request for a higher quota, a view within screen 6.

use crate::control::{ControlSnapshot, QuotaRequest};
use crate::record::ModelId;

use super::{Detail, State};

/// The models whose quota a request is about: several may share a code.
#[must_use]
pub fn models<'a>(known: &'a ControlSnapshot, request: &QuotaRequest) -> Vec<&'a ModelId> {
    let about = known.cells.iter().filter(|cell| {
        cell.region == request.region && cell.code.as_deref() == Some(&request.code) && cell.scope.is_some()
    });
    let mut models: Vec<&ModelId> = Vec::new();
    for cell in about {
        if !models.contains(&&cell.bucket) {
            models.push(&cell.bucket);
        }
    }
    models
}

/// The selected request, if the list is open.
#[must_use]
pub fn selected(state: &State) -> Option<&QuotaRequest> {
    let Some(Detail::Increases { at }) = state.detail else { return None };
    let all = &state.account()?.increases;
    all.get(at.min(all.len().checked_sub(1)?))
}

/// `A`: the list.
pub(super) fn open(state: &mut State) {
    state.detail = Some(Detail::Increases { at: 0 });
}

/// Moves the selection.
pub(super) fn shift(state: &mut State, by: isize) {
    let last = state.account().map_or(0, |account| account.increases.len().saturating_sub(1));
    if let Some(Detail::Increases { at }) = &mut state.detail {
        *at = (*at).min(last).saturating_add_signed(by).min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ui::fixtures;
    use crate::control::RequestState;

    fn request(region: &str, code: &str) -> QuotaRequest {
        QuotaRequest {
            region: region.into(),
            id: format!("{region} {code}"),
            case: None,
            code: code.to_owned(),
            name: String::new(),
            value: 1.0,
            state: RequestState::Pending,
            created_ms: None,
            updated_ms: None,
        }
    }

    #[test]
    fn a_request_names_every_model_behind_its_code_and_none_where_nobody_knows() {
        let (known, _) = fixtures::used_account();
        assert_eq!(models(&known, &request("us-east-1", "L-254CACF4")).len(), 2);
        assert_eq!(models(&known, &request("us-east-1", "L-0")), Vec::<&ModelId>::new());
        assert_eq!(models(&known, &request("eu-west-1", "L-254CACF4")), Vec::<&ModelId>::new());
    }
}
