//! About a place that gets nothing.

use crate::engine::{BreakerView, RegionView, ScopeView};

use super::{About, Moment, Name, Warning};

pub(super) fn find(moment: &Moment<'_>, found: &mut Vec<Warning>) {
    let engine = moment.engine;
    let usable = |region: &&RegionView| region.breaker == BreakerView::Closed && !region.drained;
    let others = engine.regions.iter().filter(usable).count();
    found.extend(engine.regions.iter().filter_map(|region| breaker_open(region, others)));
    found.extend(engine.scopes.iter().filter_map(scope_parked));
}

fn breaker_open(region: &RegionView, others: usize) -> Option<Warning> {
    if region.breaker == BreakerView::Closed || region.drained {
        return None;
    }
    let last = region.last_error.as_deref().map_or(String::new(), |error| format!(": {error}"));
    let remedy = match others {
        0 => "no other Region takes the load: add one; a probe closes the breaker when it succeeds".to_owned(),
        1 => "1 other Region takes the load; a probe closes the breaker when it succeeds".to_owned(),
        n => format!("{n} other Regions take the load; a probe closes the breaker when it succeeds"),
    };
    Some(Warning {
        name: Name::BreakerOpen,
        about: About::Region(region.region.clone()),
        words: format!("the breaker of {} is open{last}", region.region),
        remedy,
    })
}

fn scope_parked(scope: &ScopeView) -> Option<Warning> {
    let (cause, remedy) = scope.parked.clone()?;
    Some(Warning {
        name: Name::ScopeParked,
        about: About::Scope(scope.key.clone()),
        words: format!("nothing is sent to {}: {cause}", scope.key.region),
        remedy,
    })
}
