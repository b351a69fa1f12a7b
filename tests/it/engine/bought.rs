//! A load that is switched to bought capacity and back while it runs, and what its units have no room for.

use bedrock_top::bedrock::{Clients, ConnectionSettings, Target};
use bedrock_top::engine::{Command, EngineSnapshot, KnobId, Load, LoadState, ScopeView};
use bedrock_top::record::{ProvisionedRoute, Route};
use bedrock_top::sim::{ProvisionedSpec, Scenario};
use bedrock_top::workload::{Arrival, LoadSpec};
use libtest_mimic::Trial;

use super::health::steady;
use super::{EAST, Rig, account, hurried, marked, quota, trial, until};

const BUY: &str = "amazon.nova-pro-v1:0:24k";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_load_goes_to_what_was_bought_and_back".into(), there_and_back),
        trial("what_bought_capacity_has_no_room_for_spills_if_it_may".into(), spill),
    ]
}

/// One route on demand; one unit is bought.
fn sold() -> Scenario {
    let spec = ProvisionedSpec {
        region: EAST.into(),
        name: "kept".into(),
        model: BUY.into(),
        age_hours: 6.0,
        ..ProvisionedSpec::default()
    };
    Scenario { provisioned: vec![spec], ..account(vec![quota(EAST, None, Some(60_000_000))]) }
}

async fn bought(rig: &Rig) -> ProvisionedRoute {
    let target = Target::Simulator { url: rig.simulator.url().clone() };
    let clients = Clients::connect(&target, &[EAST.into()], ConnectionSettings::default()).await.unwrap();
    let model = clients.provisioned_models(&EAST.into()).await.unwrap().remove(0);
    ProvisionedRoute {
        route: Route::new(EAST, model.arn.as_str()),
        model: "amazon.nova-pro-v1:0".into(),
        input_tpm: Some(100_000),
        output_tpm: Some(20_000),
        usd_per_hour: None,
    }
}

fn workers(workers: u32) -> Load {
    Load::Synthetic(LoadSpec { arrival: Arrival::Closed { workers }, ..steady(1.0, 1_000_000) })
}

/// Sent to what was bought, and on demand.
fn sent(snapshot: &EngineSnapshot) -> (u64, u64) {
    let of = |bought: bool| {
        let here = |scope: &&ScopeView| scope.output.is_some() == bought;
        snapshot.scopes.iter().filter(here).map(|scope| scope.sent_total).sum()
    };
    (of(true), of(false))
}

async fn there_and_back() {
    let rig = Rig::new(sold(), hurried());
    let route = bought(&rig).await;
    let engine = rig.start(workers(4)).await;
    let commands = engine.sender();
    until(&engine, "load on demand", |s| sent(s).1 > 20).await;
    commands.send(Command::UseProvisioned(Some(Box::new(route))));
    let switched = until(&engine, "load on what was bought", |s| sent(s).0 > 5).await;
    let later = until(&engine, "more of it", |s| sent(s).0 > 25).await;
    assert_eq!(sent(&later).1, sent(&switched).1, "nothing goes on demand any more");
    assert_eq!(later.money.spent, switched.money.spent, "its tokens cost nothing more");
    assert!(marked(&later, "load goes to"));
    commands.send(Command::Undo);
    let back = until(&engine, "back on demand", |s| sent(s).1 > sent(&later).1 + 20).await;
    commands.send(Command::UseProvisioned(None));
    let still = until(&engine, "still on demand", |s| sent(s).1 > sent(&back).1 + 20).await;
    assert_eq!(sent(&still).0, sent(&back).0);
    let throttled: u64 = still.flow.errors_total.iter().map(|(_, count)| count).sum();
    assert_eq!((throttled, &still.state), (0, &LoadState::Running));
}

async fn spill() {
    let rig = Rig::new(sold(), hurried());
    let route = bought(&rig).await;
    let engine = rig.start(workers(24)).await;
    let commands = engine.sender();
    until(&engine, "load on demand", |s| sent(s).1 > 20).await;
    commands.send(Command::UseProvisioned(Some(Box::new(route))));
    // More workers than one unit has room for: they wait.
    let full = until(&engine, "its units are full", |s| sent(s).0 > 10 && s.flow.head.is_some()).await;
    commands.send(Command::SetKnob { knob: KnobId::Spill, value: 1.0 });
    until(&engine, "the rest on demand", |s| sent(s).1 > sent(&full).1 + 50 && sent(s).0 >= sent(&full).0).await;
    commands.send(Command::Undo);
    let waits = until(&engine, "waiting again", |s| s.flow.head.is_some()).await;
    let more = until(&engine, "more of what was bought", |s| sent(s).0 > sent(&waits).0 + 5).await;
    assert!(sent(&more).1 <= sent(&waits).1 + 24, "what was on its way, and no more");
}
