//! What the workload at hand costs bought in each way: of our load, or of a route of the account by CloudWatch.

use crate::catalogue::Catalogue;
use crate::control::AccountUse;
use crate::record::{ModelId, Region, Route};
use crate::report::{Shop, Ways, Work, Workload, unit_offers, ways};

use super::names::short_model;
use super::{Detail, Screen, State, workload};

/// A comparison, and what it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Of what, in a few words.
    pub about: String,
    /// The comparison.
    pub ways: Ways,
}

/// `$`: of the route that is selected on the account's screen, else of our load.
pub(super) fn open(state: &mut State) {
    let on_account = state.screen == Screen::Account;
    let route = state.selected_use().filter(|_| on_account).map(|row| row.route().clone());
    state.detail = Some(Detail::Ways { route, scroll: 0 });
}

/// The comparison for the workload at hand; `None`: nothing is known of it yet.
#[must_use]
pub fn compared(state: &State) -> Option<Compared> {
    let Some(Detail::Ways { route, .. }) = &state.detail else { return None };
    let engine = state.shown();
    let ours = |route: &Route| engine.scopes.iter().any(|scope| scope.route == *route && scope.sent_total > 0);
    if route.as_ref().is_none_or(ours)
        && let Some(compared) = of_load(state)
    {
        return Some(compared);
    }
    let used = &state.account()?.account_use;
    let calls = |known: &AccountUse| known.minutes.iter().map(|minute| minute.invocations).sum::<u64>();
    let known = match route {
        Some(route) => used.iter().find(|known| known.route == *route),
        // Nothing is selected: the one with most calls.
        None => used.iter().max_by_key(|known| calls(known)),
    }?;
    let about = format!("{} in {}, by everybody", short_model(&known.route.model), known.route.region);
    // What is published are the minutes of one hour.
    let per_hour = Some(calls(known) as f64).filter(|rate| *rate > 0.0);
    let work = work(&workload::of_everybody(known), None, per_hour)?;
    Some(compare(state, about, work, &[shop(state, &known.route)], None))
}

fn of_load(state: &State) -> Option<Compared> {
    let engine = state.shown();
    let left = workload::left(engine);
    let done = Some(engine.flow.done_per_minute).filter(|rate| *rate > 0.0);
    let per_hour = workload::rate(engine).or(done).map(|rate| rate * 60.0);
    let work = work(&workload::of_load(engine), left, per_hour)?;
    let mut shops: Vec<Shop> = Vec::new();
    for scope in &engine.scopes {
        let shop = shop(state, &scope.route);
        if !shops.contains(&shop) {
            shops.push(shop);
        }
    }
    let seconds = engine.run.eta.filter(|_| left.is_some()).map(|eta| (eta.secs_f64(), eta.secs_f64()));
    Some(compare(state, "our load".to_owned(), work, &shops, seconds))
}

/// What is to be paid for, once the tokens of a request are known.
fn work(workload: &Workload, requests: Option<u64>, per_hour: Option<f64>) -> Option<Work> {
    let (input, output) = (workload.input?, workload.output?);
    Some(Work { requests, per_hour, input: input.value, output: [output.value; 3], by: output.by })
}

fn compare(state: &State, about: String, work: Work, shops: &[Shop], seconds: Option<(f64, f64)>) -> Compared {
    let offers = unit_offers(shops, &state.agreed_prices);
    Compared { about, ways: ways(&work, shops, &offers, seconds) }
}

/// Where the calls of a route would be bought by the token: of a provisioned model, the model behind it.
fn shop(state: &State, route: &Route) -> Shop {
    let catalogue = Catalogue::embedded();
    let region: Region = route.region.clone();
    if let Some(model) = catalogue.model(route.model.as_str()) {
        return Shop { region, id: route.model.clone(), model: Some(model) };
    }
    let bought = state
        .account()
        .and_then(|account| account.provisioned.iter().find(|view| view.model.arn == route.model.as_str()));
    let model = bought.and_then(|view| catalogue.model(&view.model.foundation_model_arn));
    let id = model.map_or_else(|| route.model.clone(), |model| ModelId::from(model.id.as_str()));
    Shop { region, id, model }
}
