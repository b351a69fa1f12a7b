//! Screens 3 and 4: what is bought, stopped or deleted is asked first; what came of it is said.

use super::*;
use crate::control::{ControlCommand, ControlSnapshot, JobStatus, Order, Outcome, ProvisionedStatus, Stage, Work};

fn orders(effects: Vec<Effect>) -> Vec<Order> {
    let given = effects.into_iter().filter_map(|effect| match effect {
        Effect::Control(confirmed) => Some(confirmed.into_inner().order),
        _ => None,
    });
    given.collect()
}

fn tell(state: &mut State, account: ControlSnapshot) {
    let now = state.now + Micros::from_millis(50);
    assert!(update(state, Msg::Control(Arc::new(account)), now).is_empty());
}

/// The account with one more work on top.
fn with_work(id: u64, stage: Stage) -> ControlSnapshot {
    let (mut account, _) = fixtures::account();
    account.works.insert(0, Work { id, title: "check p.jsonl".into(), since_ms: account.at_ms, stage });
    account
}

fn dialog(state: &State) -> &super::confirm::Dialog {
    match state.overlays.last() {
        Some(Overlay::Dialog(dialog)) => dialog,
        other => panic!("no question but {other:?}"),
    }
}

/// Selects the row of a name on the screen.
fn select(state: &mut State, screen: &str, name: &str) {
    press(state, screen);
    press(state, "g");
    for _ in 0..9 {
        let here = match state.screen {
            Screen::Provisioned => state.selected_provisioned().map(|one| one.model.name.as_str()),
            _ => state.selected_job().map(|one| one.job.name.as_str()),
        };
        if here == Some(name) {
            return;
        }
        press(state, "Down");
    }
    panic!("no row `{name}`");
}

#[test]
fn a_purchase_without_a_term_is_asked_on_a_simulator_too() {
    let mut state = open(fixtures::running());
    press(&mut state, "3 n");
    type_text(&mut state, "chat-eu");
    assert!(press(&mut state, "Enter").is_empty());
    assert_eq!(dialog(&state).focus, Button::Cancel);
    assert_eq!(dialog(&state).typed.as_ref().unwrap().wanted, "unknown", "no price is published for it");
    assert!(orders(press(&mut state, "Enter")).is_empty(), "Enter on Cancel");
    assert_eq!(state.place(), Place::Form, "back in the form");
    press(&mut state, "Enter Tab Tab");
    assert_eq!(dialog(&state).focus, Button::Accept);
    assert!(orders(press(&mut state, "Enter")).is_empty(), "nothing was typed");
    assert!(toast(&state).contains("type `unknown` first"), "{}", toast(&state));
    type_text(&mut state, "unknown");
    assert!(orders(press(&mut state, "Enter")).is_empty(), "Enter in the field goes to the button");
    let sent = orders(press(&mut state, "Enter"));
    assert!(matches!(&sent[..], [Order::CreateProvisioned(new)] if new.name == "chat-eu"), "{sent:?}");
    assert!(state.overlays.is_empty());
}

#[test]
fn an_agreed_price_needs_no_typing_and_a_term_its_name() {
    let mut state = open(fixtures::running());
    press(&mut state, "3 n");
    type_text(&mut state, "chat-eu");
    press(&mut state, "Tab Tab");
    type_text(&mut state, "v2:1:18k");
    press(&mut state, "Tab Tab Right Enter");
    assert_eq!(dialog(&state).typed.as_ref().unwrap().wanted, "chat-eu");
    for wrong in ["chat", "chat-eux", ""] {
        press(&mut state, "C-u");
        type_text(&mut state, wrong);
        assert!(orders(press(&mut state, "Enter")).is_empty(), "{wrong}");
        assert_eq!(state.place(), Place::Dialog, "{wrong}");
    }
    type_text(&mut state, "chat-eu");
    assert_eq!(orders(press(&mut state, "Tab Enter")).len(), 1);
    state.agreed_prices = vec![crate::control::AgreedPrice {
        model: "anthropic.claude-3-haiku-20240307-v1:0".into(),
        commitment: crate::control::Commitment::None,
        usd: 20.0,
    }];
    press(&mut state, "3 n");
    type_text(&mut state, "other");
    press(&mut state, "Tab Tab");
    type_text(&mut state, "haiku");
    press(&mut state, "Enter");
    assert!(dialog(&state).typed.is_none(), "{:?}", dialog(&state).facts);
    assert_eq!(orders(press(&mut state, "Tab Enter")).len(), 1);
}

#[test]
fn a_deletion_asks_for_the_name_and_shows_who_uses_it() {
    let mut state = open(fixtures::running());
    select(&mut state, "3", "spare");
    press(&mut state, "D");
    let named = |state: &State, wanted: &str| dialog(state).facts.iter().any(|(name, _)| *name == wanted);
    assert!(named(&state, "Last hour") && named(&state, "Saves"));
    assert!(orders(press(&mut state, "Tab Tab Enter")).is_empty());
    // Pasting is typing.
    let at = state.now;
    update(&mut state, Msg::Paste("spare".into()), at);
    let sent = orders(press(&mut state, "Enter Enter"));
    assert!(matches!(&sent[..], [Order::DeleteProvisioned { region, .. }] if region.as_str() == "ap-southeast-2"));
}

#[test]
fn what_a_commitment_binds_is_not_offered_for_deletion() {
    let mut state = open(fixtures::running());
    select(&mut state, "3", "chat-prod");
    assert!(press(&mut state, "D").is_empty());
    assert!(state.overlays.is_empty() && toast(&state).contains("commitment"), "{}", toast(&state));
    // The gate itself says so too, should the state have changed while the question stood.
    let (mut account, now) = fixtures::account();
    account.provisioned[0].model.expires_ms = Some(now - 1);
    tell(&mut state, account);
    press(&mut state, "D");
    assert_eq!(state.place(), Place::Dialog);
}

#[test]
fn other_units_are_bought_beside_what_there_is_and_the_overlap_is_priced() {
    let mut state = open(fixtures::running());
    select(&mut state, "3", "chat-prod");
    press(&mut state, "c Enter");
    let overlap = dialog(&state).facts.iter().find(|(name, _)| *name == "Overlap");
    assert!(format!("{overlap:?}").contains("$315.00 /h"), "3 units beside 2 at $63: {overlap:?}");
    assert_eq!(dialog(&state).typed.as_ref().unwrap().wanted, "chat-prod-2");
}

#[test]
fn a_change_is_asked_and_names_both_names() {
    let mut state = open(fixtures::running());
    select(&mut state, "3", "spare");
    press(&mut state, "m Enter");
    assert_eq!(state.place(), Place::Form, "nothing is changed yet");
    type_text(&mut state, "-old");
    press(&mut state, "Enter");
    assert!(format!("{:?}", dialog(&state).facts).contains("spare -> spare-old"));
    let sent = orders(press(&mut state, "Right Enter"));
    assert!(
        matches!(&sent[..], [Order::UpdateProvisioned { name: Some(name), model: None, .. }] if name == "spare-old")
    );
}

/// Describes a job and orders its check; gives the number of the order.
fn check(state: &mut State) -> u64 {
    press(state, "4 n");
    type_text(state, "n1");
    press(state, "Tab");
    type_text(state, "p.jsonl");
    press(state, "Tab");
    press(state, "Tab");
    type_text(state, "a.b");
    let sent = press(state, "Enter");
    let [Effect::Control(confirmed)] = &sent[..] else { panic!("{sent:?} {:?}", state.overlays) };
    assert!(matches!(&confirmed.get().order, Order::CheckBatch(new) if new.name == "n1" && new.model == "a.b"));
    confirmed.get().id
}

#[test]
fn a_job_is_checked_then_asked_about_then_submitted() {
    let mut state = open(fixtures::running());
    let id = check(&mut state);
    tell(&mut state, with_work(id, Stage::Busy { doing: "checking".into(), done: 1, total: 2 }));
    assert!(state.overlays.is_empty());
    tell(&mut state, with_work(id, Stage::Done(Outcome::Checked(fixtures::checked()))));
    let text = format!("{:?}", dialog(&state).facts);
    for words in ["50,000", "On demand", "As a batch", "214 without a recordId", "max_tokens"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    // No: the question can be asked again.
    press(&mut state, "Esc c");
    let sent = orders(press(&mut state, "Tab Enter"));
    assert!(matches!(&sent[..], [Order::SubmitBatch(new)] if new.name == "n1"), "{sent:?}");
    press(&mut state, "c");
    assert!(toast(&state).contains("no input"), "{}", toast(&state));
}

#[test]
fn a_check_that_ends_while_somebody_types_does_not_take_the_keys() {
    let mut state = open(fixtures::running());
    let id = check(&mut state);
    press(&mut state, "/");
    tell(&mut state, with_work(id, Stage::Done(Outcome::Checked(fixtures::checked()))));
    assert_eq!(state.place(), Place::Entry);
    press(&mut state, "Esc c");
    assert_eq!(state.place(), Place::Dialog);
    // The same news again asks nothing again.
    press(&mut state, "Esc");
    tell(&mut state, with_work(id, Stage::Done(Outcome::Checked(fixtures::checked()))));
    assert!(state.overlays.is_empty());
}

#[test]
fn an_input_with_wrong_lines_cannot_be_submitted() {
    let mut state = open(fixtures::running());
    let id = check(&mut state);
    tell(&mut state, with_work(id, Stage::Done(Outcome::Checked(fixtures::check_with_errors()))));
    assert!(orders(press(&mut state, "Tab Enter")).is_empty());
    assert_eq!(state.place(), Place::Dialog);
    assert!(toast(&state).contains("17"), "{}", toast(&state));
}

#[test]
fn what_went_wrong_with_an_order_is_said() {
    let mut state = open(fixtures::running());
    let id = check(&mut state);
    tell(&mut state, with_work(id, Stage::Failed { reason: "p.jsonl: no such file".into(), kept: None }));
    assert!(state.toast.as_ref().unwrap().bad && toast(&state).contains("no such file"), "{}", toast(&state));
}

#[test]
fn stopping_resubmitting_and_deleting_files_ask_and_fetching_does_not() {
    let mut state = open(fixtures::running());
    select(&mut state, "4", "nightly-2026-08-23");
    assert!(press(&mut state, "X").is_empty());
    let sent = orders(press(&mut state, "Tab Enter"));
    assert!(matches!(&sent[..], [Order::StopJob { .. }]));
    press(&mut state, "d");
    assert!(toast(&state).contains("not over"), "{}", toast(&state));
    select(&mut state, "1 4", "nightly-2026-08-22");
    press(&mut state, "d");
    let sent = orders(press(&mut state, "Enter"));
    assert!(matches!(&sent[..], [Order::FetchJob { merge: false, .. }]));
    press(&mut state, "R");
    assert!(matches!(&orders(press(&mut state, "Tab Enter"))[..], [Order::ResubmitJob { .. }]));
    press(&mut state, "D");
    assert!(orders(press(&mut state, "Tab Tab Enter")).is_empty(), "its name has to be typed");
    type_text(&mut state, "nightly-2026-08-22");
    assert!(matches!(&orders(press(&mut state, "Enter Enter"))[..], [Order::DeleteCopies { .. }]));
}

#[test]
fn read_only_refuses_every_change_with_words_and_still_asks_and_fetches() {
    let mut snapshot = fixtures::running();
    snapshot.target.read_only = true;
    let mut state = open(snapshot);
    for keys in ["3 n", "3 c", "3 m", "3 D", "4 n", "4 X", "4 R", "4 D", "3 Enter D", "4 Enter X"] {
        let effects = press(&mut state, keys);
        assert!(effects.is_empty() && state.overlays.is_empty(), "{keys}");
        assert!(toast(&state).contains("READ-ONLY"), "{keys}: {}", toast(&state));
    }
    press(&mut state, "3");
    assert_eq!(orders(press(&mut state, "C-r")), [Order::Refresh]);
    select(&mut state, "4", "nightly-2026-08-22");
    assert_eq!(orders(press(&mut state, "d Enter")).len(), 1);
}

#[test]
fn a_question_that_stood_while_the_account_became_read_only_is_not_answered() {
    let mut state = open(fixtures::running());
    select(&mut state, "4", "nightly-2026-08-23");
    press(&mut state, "X");
    let mut read_only = fixtures::running();
    read_only.target.read_only = true;
    let at = state.now;
    update(&mut state, Msg::Snapshot(Arc::new(read_only)), at);
    assert!(press(&mut state, "Tab Enter").is_empty());
    assert!(toast(&state).contains("READ-ONLY"), "{}", toast(&state));
}

#[test]
fn a_frozen_display_shows_the_account_as_it_was_and_orders_nothing_of_it() {
    let mut state = open(fixtures::running());
    select(&mut state, "3", "spare");
    press(&mut state, "f");
    let (account, _) = fixtures::nothing();
    tell(&mut state, account);
    assert_eq!(state.visible_provisioned().len(), 4);
    assert!(state.visible_lines().iter().any(|line| line.text.contains("CreateModelInvocationJob")));
    press(&mut state, "D");
    assert!(state.overlays.is_empty() && toast(&state).contains("frozen"), "{}", toast(&state));
    press(&mut state, "f");
    assert!(state.visible_provisioned().is_empty());
    assert!(!state.visible_lines().iter().any(|line| line.text.contains("CreateModelInvocationJob")));
}

#[test]
fn without_an_account_the_screens_say_so_and_nothing_is_ordered() {
    let mut state = open(fixtures::running());
    state.control = None;
    for keys in ["3 n", "3 D", "4 n", "4 X", "3 C-r"] {
        assert!(press(&mut state, keys).is_empty(), "{keys}");
        assert!(state.overlays.is_empty() && toast(&state).contains("no account"), "{keys}: {}", toast(&state));
    }
}

#[test]
fn the_selection_stays_on_its_row_while_rows_come_and_go() {
    let mut state = open(fixtures::running());
    select(&mut state, "4", "nightly-2026-08-22");
    let (mut account, _) = fixtures::account();
    account.jobs[0].job.status = JobStatus::Completed;
    account.jobs.remove(1);
    tell(&mut state, account);
    assert_eq!(state.selected_job().unwrap().job.name, "nightly-2026-08-22");
    press(&mut state, "Enter");
    let (nothing, _) = fixtures::nothing();
    tell(&mut state, nothing);
    assert!(state.selected_job().is_none() && state.detail.is_some());
    press(&mut state, "X");
    assert!(toast(&state).contains("no job"), "{}", toast(&state));
}

#[test]
fn filter_and_sort_work_on_both_screens() {
    let mut state = open(fixtures::running());
    press(&mut state, "3 /");
    type_text(&mut state, "creating us-east");
    assert_eq!(state.visible_provisioned().len(), 1);
    press(&mut state, "Enter o o");
    assert!(toast(&state).contains("name"), "{}", toast(&state));
    press(&mut state, "Esc 4 o o");
    assert!(toast(&state).contains("errors"), "{}", toast(&state));
    assert_eq!(state.visible_jobs()[0].job.name, "nightly-2026-08-23");
    press(&mut state, "/");
    type_text(&mut state, "elsewhere");
    assert_eq!(state.visible_jobs().len(), 1);
}

/// Our load sends to `spare`.
fn on_spare() -> EngineSnapshot {
    let mut snapshot = fixtures::running();
    let (account, _) = fixtures::account();
    let arn = account.provisioned.iter().find(|one| one.model.name == "spare").unwrap().model.arn.clone();
    snapshot.scopes[0].key.bucket = arn.as_str().into();
    snapshot.scopes[0].route.model = arn.as_str().into();
    snapshot
}

fn engine(state: &mut State, snapshot: EngineSnapshot) -> Vec<Effect> {
    let now = state.now + Micros::from_millis(50);
    update(state, Msg::Snapshot(Arc::new(snapshot)), now)
}

#[test]
fn our_own_load_lets_go_before_what_it_uses_is_deleted() {
    let mut state = open(on_spare());
    select(&mut state, "3", "spare");
    press(&mut state, "D");
    assert!(dialog(&state).facts.iter().any(|(name, _)| *name == "Our load"));
    type_text(&mut state, "spare");
    assert_eq!(commands(press(&mut state, "Enter Enter")), [Command::Pause]);
    let mut pausing = on_spare();
    pausing.state = LoadState::Pausing { in_flight: 7 };
    assert!(engine(&mut state, pausing.clone()).is_empty(), "seven are still in flight");
    pausing.state = LoadState::Paused;
    pausing.scopes[0].in_flight = 0;
    assert!(matches!(&orders(engine(&mut state, pausing.clone()))[..], [Order::DeleteProvisioned { .. }]));
    assert!(toast(&state).contains("paused"), "{}", toast(&state));
    assert!(engine(&mut state, pausing).is_empty(), "it is ordered once");
}

#[test]
fn the_load_goes_to_what_was_bought_and_back() {
    let mut running = fixtures::running();
    running.target.regions.push("ap-southeast-2".into());
    let mut state = open(running);
    select(&mut state, "3", "spare");
    let sent = commands(press(&mut state, "U"));
    assert!(
        matches!(&sent[..], [Command::UseProvisioned(Some(route))] if route.route.model.as_str().ends_with("z9x8c7v6b5n4"))
    );
    assert_eq!(commands(press(&mut state, "u")), [Command::Undo], "it can be taken back");
    press(&mut state, "O");
    assert!(toast(&state).contains("on demand already"), "{}", toast(&state));
    select(&mut state, "1 3", "nightly-embed");
    press(&mut state, "U");
    assert!(toast(&state).contains("takes no calls yet"), "{}", toast(&state));
    let mut state = open(on_spare());
    press(&mut state, "3");
    assert_eq!(commands(press(&mut state, "O")), [Command::UseProvisioned(None)]);
    select(&mut state, "3", "spare");
    press(&mut state, "U");
    assert!(toast(&state).contains("--region ap-southeast-2"), "{}", toast(&state));
}

#[test]
fn on_aws_going_on_demand_and_spilling_ask() {
    let mut snapshot = on_spare();
    snapshot.target = fixtures::parked().target;
    let mut state = open(snapshot);
    assert!(press(&mut state, "3 O").is_empty());
    assert!(dialog(&state).warning.contains("by the token"));
    assert_eq!(commands(press(&mut state, "Tab Enter")), [Command::UseProvisioned(None)]);
    press(&mut state, "2");
    let rows = tuning::rows(&state.live);
    state.tuning.cursor = rows.iter().position(|(_, row)| *row == TuningRow::Knob(KnobId::Spill)).unwrap();
    assert!(press(&mut state, "Right").is_empty());
    assert!(dialog(&state).warning.contains("by the token"));
}

#[test]
fn every_order_has_a_number_of_its_own_even_when_the_clock_stands() {
    let mut state = open(fixtures::running());
    press(&mut state, "3");
    let ids: Vec<u64> = (0..3)
        .flat_map(|_| press(&mut state, "C-r"))
        .filter_map(|effect| match effect {
            Effect::Control(confirmed) => Some(confirmed.into_inner()),
            _ => None,
        })
        .map(|ControlCommand { id, .. }| id)
        .collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
}

#[test]
fn what_failed_can_only_be_deleted() {
    let (mut account, _) = fixtures::account();
    account.provisioned[1].model.status = ProvisionedStatus::Failed;
    let mut state = open(fixtures::running());
    tell(&mut state, account);
    select(&mut state, "3", "spare");
    press(&mut state, "m");
    assert!(state.overlays.is_empty() && toast(&state).contains("failed"), "{}", toast(&state));
    press(&mut state, "D");
    assert_eq!(state.place(), Place::Dialog);
}

#[test]
fn a_quota_is_asked_for_with_what_is_needed_and_only_above_what_there_is() {
    let mut state = open(fixtures::running());
    tell(&mut state, fixtures::used_account().0);
    press(&mut state, "6 g N");
    let Some(Overlay::Form(form)) = state.overlays.last() else { panic!("{}", toast(&state)) };
    let quota = super::super::form::increase::chosen(form).unwrap().clone();
    let proposed = super::super::form::increase::proposal(form).unwrap();
    let Some(value) = proposed.verdict.value() else { panic!("{proposed:?}") };
    assert_eq!(form.text(super::super::form::FieldId::Value), (value as u64).to_string());
    press(&mut state, "Tab Tab Tab Tab");
    type_text(&mut state, "nightly summaries");
    // A digit more is ten times as much: above the default as well.
    press(&mut state, "Tab 0 Enter");
    assert_eq!(dialog(&state).focus, Button::Cancel);
    let facts = format!("{:?}", dialog(&state).facts);
    for words in ["nightly summaries", quota.bucket.as_str(), "the code is also that of", "CloudWatch, all callers"] {
        assert!(facts.contains(words), "{words}: {facts}");
    }
    let mut effects = press(&mut state, "Tab Enter");
    // The text goes to a file: Service Quotas takes the value alone.
    let at = effects.iter().position(|effect| matches!(effect, Effect::Write { .. })).unwrap();
    let Effect::Write { name, text } = effects.remove(at) else { unreachable!() };
    assert!(name.starts_with("quota-request-L-") && name.ends_with(".txt"), "{name}");
    assert!(text.contains("Use case: nightly summaries") && text.contains("Requested value"), "{text}");
    let sent = orders(effects);
    assert!(
        matches!(&sent[..], [Order::RequestQuota { code, value: asked, .. }] if Some(code) == quota.code.as_ref() && *asked == value * 10.0),
        "{sent:?}"
    );
}

#[test]
fn the_gate_refuses_a_quota_that_is_not_more_and_one_that_is_asked_for() {
    let (mut control, now_ms) = fixtures::used_account();
    let ask = |control: &ControlSnapshot, read_only, value| {
        let mut engine = fixtures::running();
        engine.target.read_only = read_only;
        let order = Order::RequestQuota { region: "us-east-1".into(), code: "L-254CACF4".to_owned(), value };
        let now = super::confirm::Account { engine: &engine, control, now_ms, agreed: &[], report: None, draft: None };
        match super::confirm::control_gate(ControlCommand { id: 1, order }, &now) {
            super::confirm::Gate::Refuse(why) => why,
            super::confirm::Gate::Ask(_) => "asks".to_owned(),
            super::confirm::Gate::Go(_) => panic!("it passed without a question"),
        }
    };
    assert_eq!(ask(&control, false, 300_000.0), "asks");
    assert!(ask(&control, true, 300_000.0).contains("READ-ONLY"));
    for value in [100_000.0, 1.0, f64::NAN] {
        assert!(ask(&control, false, value).contains("not above"), "{value}");
    }
    control.increases.push(crate::control::QuotaRequest {
        region: "us-east-1".into(),
        id: "r".to_owned(),
        case: None,
        code: "L-254CACF4".to_owned(),
        name: String::new(),
        value: 250_000.0,
        state: crate::control::RequestState::Pending,
        created_ms: None,
        updated_ms: None,
    });
    assert!(ask(&control, false, 300_000.0).contains("open already"));
}

fn with_requests() -> ControlSnapshot {
    let (mut control, now) = fixtures::used_account();
    let request = |region: &str, id: &str, case: Option<&str>| crate::control::QuotaRequest {
        region: region.into(),
        id: id.to_owned(),
        case: case.map(str::to_owned),
        code: "L-254CACF4".to_owned(),
        name: String::new(),
        value: 250_000.0,
        state: crate::control::RequestState::Approved,
        created_ms: Some(now),
        updated_ms: None,
    };
    control.increases = vec![request("us-east-1", "r1", Some("case-1")), request("us-west-2", "r2", None)];
    control
}

#[test]
fn the_list_of_requests_is_walked_copied_from_and_left() {
    let mut state = open(fixtures::running());
    tell(&mut state, with_requests());
    press(&mut state, "6 A");
    assert_eq!(state.place(), Place::Increases);
    assert_eq!(copy::copyable(&state), Some(("case id", "case-1".to_owned())));
    press(&mut state, "Down Down Down");
    assert_eq!(copy::copyable(&state), Some(("request id", "r2".to_owned())));
    // What is raised there is offered, and can be taken from here.
    let sent = commands(press(&mut state, "T"));
    assert!(
        matches!(&sent[..], [Command::SetQuota { scope, tpm: Some(100_000), .. }] if scope.region.as_str() == "us-west-2"),
        "{sent:?} {}",
        toast(&state)
    );
    // It may shrink under the selection.
    let mut fewer = with_requests();
    fewer.increases.truncate(1);
    tell(&mut state, fewer);
    assert_eq!(super::super::increases::selected(&state).unwrap().id, "r1");
    press(&mut state, "Up Esc");
    assert_eq!(state.place(), Place::Account);
}

#[test]
fn the_ways_to_buy_are_of_our_load_or_of_the_selected_route() {
    use super::super::ways::compared;
    let mut state = open(fixtures::running());
    tell(&mut state, fixtures::used_account().0);
    press(&mut state, "$");
    let ours = compared(&state).unwrap();
    assert_eq!((ours.about.as_str(), ours.ways.work.requests), ("our load", Some(2_061)));
    assert_eq!(ours.ways.work.per_hour, Some(14_400.0), "4.0 a second");
    // (616 or so x 0.25 + as many x 1.25) / 1,000,000.
    let each = (ours.ways.work.input * 0.25 + ours.ways.work.output[1] * 1.25) / 1e6;
    assert!((ours.ways.ways[0].usd_per_request.unwrap() - each).abs() < 1e-9);
    assert!(ours.ways.units[0].usd.is_empty(), "no price of a model unit is known");
    press(&mut state, "Esc 6 g $");
    assert!(compared(&state).unwrap().about.contains("by everybody"), "our load does not go there");
    press(&mut state, "Esc");
    assert_eq!((state.place(), compared(&state)), (Place::Account, None));
}

#[test]
fn without_any_figure_there_is_nothing_to_compare() {
    let mut state = open(fixtures::idle());
    tell(&mut state, fixtures::nothing().0);
    press(&mut state, "$");
    assert_eq!(super::super::ways::compared(&state), None);
    assert_eq!(state.place(), Place::Ways);
}
