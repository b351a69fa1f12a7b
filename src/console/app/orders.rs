//! Orders to the account: every one of them goes through its gate here, and is followed until something came of it.

use std::sync::Arc;

use crate::catalogue::Metric;
use crate::control::batch;
use crate::control::{
    CheckReport, ControlCommand, ControlSnapshot, JobView, NewBatch, Order, Outcome, QuotaOffer, Stage,
};
use crate::engine::{Command, LoadState};
use crate::limiter::QuotaLimit;
use crate::record::ModelId;

use super::confirm::{self, Account, Confirmed, Gate};
use super::form::{self, Form, Kind};
use super::{Detail, Effect, Overlay, Screen, State, account, steer, usage};

/// Orders that are followed at most; older ones are still seen on the screens.
const FOLLOWED: usize = 64;

/// What was ordered from this console.
#[derive(Debug, Default)]
pub struct Orders {
    /// The number of the last order.
    last_id: u64,
    /// Those of which nothing came yet.
    sent: Vec<Sent>,
    /// A deletion that waits until our own load has let go of what is deleted.
    held: Option<Held>,
    /// A batch input that was looked through and waits to be submitted.
    pub checked: Option<Box<(NewBatch, CheckReport)>>,
    /// Offers that the limiter has, and of which the account was told.
    taken: Vec<QuotaOffer>,
}

#[derive(Debug)]
struct Held {
    confirmed: Confirmed<ControlCommand>,
    arn: String,
}

#[derive(Clone, Debug)]
struct Sent {
    id: u64,
    /// The job whose input is looked through.
    check: Option<Box<NewBatch>>,
}

impl Orders {
    /// The number of the last order.
    #[must_use]
    pub fn last_id(&self) -> u64 {
        self.last_id
    }
}

/// What an order is called in a line for the operator.
const fn name(order: &Order) -> &'static str {
    match order {
        Order::CreateProvisioned(_) => "provisioned throughput ordered",
        Order::UpdateProvisioned { .. } => "change ordered",
        Order::DeleteProvisioned { .. } => "deletion ordered",
        Order::CheckBatch(_) => "looking through the input; the question comes when that is done",
        Order::SubmitBatch(_) => "job ordered",
        Order::StopJob { .. } => "stop ordered",
        Order::FetchJob { .. } => "fetching the results",
        Order::ResubmitJob { .. } => "resubmission ordered",
        Order::DeleteCopies { .. } => "deletion of the files in S3 ordered",
        Order::RequestQuota { .. } => "the request goes to AWS",
        Order::TakeOffer { .. } => "the limiter has the new quota",
        Order::ReadDay { .. } => "reading 24 hours from CloudWatch",
        Order::Publish { on: true } => "publishing: a minute is put into CloudWatch when it is over",
        Order::Publish { on: false } => "publishing ends; the minute under way is put as far as it has come",
        Order::Refresh => "asking all Regions now",
    }
}

/// Gives an order if its gate lets it through; else asks, or says why not. Returns whether it went out.
fn order(state: &mut State, order: Order, report: Option<&CheckReport>, effects: &mut Vec<Effect>) -> bool {
    let Some(control) = state.control.clone() else {
        state.complain("this console has no account to manage");
        return false;
    };
    let id = state.orders.last_id.max(state.utc_ms().max(0).unsigned_abs()).saturating_add(1);
    state.orders.last_id = id;
    let engine = state.live.clone();
    let agreed = &state.agreed_prices;
    let draft = match state.overlays.last() {
        Some(Overlay::Form(form)) => form::increase::draft(form),
        _ => None,
    };
    let draft = draft.as_ref();
    let now = Account { engine: &engine, control: &control, now_ms: state.service_ms(), agreed, report, draft };
    match confirm::control_gate(ControlCommand { id, order }, &now) {
        Gate::Go(confirmed) => {
            give(state, confirmed, effects);
            true
        }
        Gate::Ask(dialog) => {
            state.overlays.push(Overlay::Dialog(dialog));
            false
        }
        Gate::Refuse(why) => {
            state.complain(why);
            false
        }
    }
}

/// Lets a confirmed order out: a deletion of what our load sends to once that has paused and let go of it.
pub(super) fn obey(state: &mut State, confirmed: Confirmed<ControlCommand>, effects: &mut Vec<Effect>) {
    if let Order::DeleteProvisioned { arn, .. } = &confirmed.get().order {
        let arn = arn.clone();
        if sends_to(state, &arn) {
            if state.live.state == LoadState::Running {
                steer::send(state, Command::Pause, effects);
            }
            state.orders.held = Some(Held { confirmed, arn });
            state.say("our load pauses and lets go of it first; then it is deleted");
            return;
        }
    }
    give(state, confirmed, effects);
}

/// Whether our load may still send to a provisioned model, or waits for its replies.
fn sends_to(state: &State, arn: &str) -> bool {
    let scope = state.live.scopes.iter().find(|scope| scope.route.model.as_str() == arn);
    scope.is_some_and(|scope| scope.in_flight > 0 || state.live.state == LoadState::Running)
}

/// Looks whether our load has let go of what is to be deleted.
pub(super) fn check_held(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(held) = state.orders.held.take() else { return };
    if state.leaving.is_none() && state.live.target.read_only {
        state.complain("READ-ONLY: it is not deleted");
    } else if sends_to(state, &held.arn) {
        state.orders.held = Some(held);
    } else {
        give(state, held.confirmed, effects);
        state.say("deletion ordered; the load is paused: U on another or O goes on demand, then p goes on");
    }
}

/// Lets a confirmed order out.
fn give(state: &mut State, confirmed: Confirmed<ControlCommand>, effects: &mut Vec<Effect>) {
    let command = confirmed.get();
    state.say(name(&command.order));
    if let Order::RequestQuota { code, .. } = &command.order {
        effects.extend(letter(state, code));
    }
    let check = match &command.order {
        Order::CheckBatch(new) => Some(Box::new(new.clone())),
        _ => None,
    };
    if matches!(command.order, Order::SubmitBatch(_)) {
        state.orders.checked = None;
    }
    if !matches!(command.order, Order::Refresh) {
        state.orders.sent.truncate(FOLLOWED - 1);
        state.orders.sent.insert(0, Sent { id: command.id, check });
    }
    effects.push(Effect::Control(confirmed));
}

/// The text of the request that is being filed: Service Quotas takes the value alone, and support asks for the rest.
fn letter(state: &State, code: &str) -> Option<Effect> {
    let forms = state.overlays.iter().rev();
    let draft = forms.filter_map(|overlay| match overlay {
        Overlay::Form(form) => form::increase::draft(form),
        _ => None,
    });
    let text = draft.filter_map(|draft| draft.text).next()?;
    let code: String = code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    Some(Effect::Write { name: format!("quota-request-{code}-{}.txt", state.utc_ms() / 1_000), text })
}

/// Takes in the account's latest snapshot: what came of the orders is said.
pub(super) fn news(state: &mut State, snapshot: Arc<ControlSnapshot>) {
    if state.frozen.is_none() {
        state.changes = account::change_lines(&snapshot);
    }
    state.control = Some(snapshot.clone());
    for work in snapshot.works.iter().rev().filter(|work| work.stage.is_final()) {
        let Some(at) = state.orders.sent.iter().position(|sent| sent.id == work.id) else { continue };
        let sent = state.orders.sent.remove(at);
        match (&work.stage, sent.check) {
            (Stage::Failed { reason, .. }, _) => state.complain(format!("{}: {reason}", work.title)),
            (Stage::Done(Outcome::Checked(report)), Some(new)) => {
                state.orders.checked = Some(Box::new((*new, report.clone())));
                let free = state.overlays.is_empty() && state.entry.is_none() && state.leaving.is_none();
                // The question opens by itself only where nobody is in the middle of something else.
                if free && state.screen == Screen::Batch {
                    ask_submit(state, &mut Vec::new());
                } else {
                    state.say(format!("{}: done; c on the batch screen (4) goes on", work.title));
                }
            }
            (Stage::Done(Outcome::Fetched(_)), _) => {
                state.say(format!("{}: done; D on the job deletes its files in S3", work.title));
            }
            _ => state.say(format!("{}: done", work.title)),
        }
    }
}

/// Asks whether the input that was looked through is to be submitted.
pub(super) fn ask_submit(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(checked) = state.orders.checked.clone() {
        let (new, report) = *checked;
        order(state, Order::SubmitBatch(new), Some(&report), effects);
    }
}

/// Ctrl-R.
pub(super) fn refresh(state: &mut State, effects: &mut Vec<Effect>) {
    order(state, Order::Refresh, None, effects);
}

/// `H` on a route: the last 24 hours.
pub(super) fn read_day(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(route) = state.selected_use().map(|row| row.route().clone()) else { return };
    if order(state, Order::ReadDay { route: route.clone() }, None, effects) && state.detail.is_none() {
        state.detail = Some(Detail::Account { route, scroll: 0 });
    }
}

/// `T` on a route: the limiter is told the quotas that are offered. More than it knew is more than was agreed, so it
/// passes the engine's gate. What it has then is offered no more: [`settle_offers`].
pub(super) fn take_offer(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(row) = state.selected_use() else { return };
    let Some(account) = state.account() else { return };
    let key = row.limits.key.clone();
    let offered = |metric: Metric| {
        let offer = usage::offers(account, row.route()).into_iter().find(|offer| offer.metric == metric);
        match offer.map(|offer| offer.now) {
            Some(QuotaLimit::Limit(limit)) => Some(limit),
            _ => None,
        }
    };
    let (rpm, tpm) = (offered(Metric::Rpm), offered(Metric::Tpm));
    if steer::send(state, Command::SetQuota { scope: key, rpm, tpm }, effects) {
        state.say("the limiter is told the new quota");
    }
}

/// Offers of what the limiter has by now are taken: whoever told it, and whenever the question was answered.
pub(super) fn settle_offers(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(account) = state.control.clone() else { return };
    state.orders.taken.retain(|taken| account.offers.contains(taken));
    for offer in &account.offers {
        let Some(scope) = state.live.scopes.iter().find(|scope| scope.key == offer.key) else { continue };
        let quota = match offer.metric {
            Metric::Rpm => scope.limiter.rpm.quota,
            Metric::Tpm => scope.limiter.tpm.quota,
            Metric::Tpd => continue,
        };
        if quota == offer.now && !state.orders.taken.contains(offer) {
            state.orders.taken.push(offer.clone());
            order(state, Order::TakeOffer { key: offer.key.clone(), metric: offer.metric }, None, effects);
        }
    }
}

/// `n`: the form of the screen's own kind.
pub(super) fn new(state: &mut State) {
    let models = models_in_use(state);
    let form = match state.screen {
        Screen::Provisioned => form::provisioned::create(&state.regions(), &models, None),
        Screen::Batch => {
            let Some(account) = state.account() else { return };
            form::batch::submit(&models, &state.regions(), account)
        }
        _ => return,
    };
    state.overlays.push(Overlay::Form(Box::new(form)));
}

fn models_in_use(state: &State) -> Vec<ModelId> {
    state.prices.iter().map(|price| price.model.clone()).collect()
}

/// `c` on a provisioned model: the way to other units is another one beside it.
pub(super) fn resize(state: &mut State) {
    let Some(view) = state.selected_provisioned() else { return };
    let form = form::provisioned::create(&state.regions(), &models_in_use(state), Some(view));
    state.overlays.push(Overlay::Form(Box::new(form)));
}

/// `m` on a provisioned model.
pub(super) fn change(state: &mut State) {
    let Some(view) = state.selected_provisioned() else { return };
    let form = form::provisioned::change(view);
    state.overlays.push(Overlay::Form(Box::new(form)));
}

/// `P`: our metrics into CloudWatch, after the question; or no more of them.
pub(super) fn publish(state: &mut State, effects: &mut Vec<Effect>) {
    let now = state.control.as_ref().and_then(|account| account.publishing.as_ref());
    let on = !now.is_some_and(|now| now.on);
    order(state, Order::Publish { on }, None, effects);
}

/// `N` on a route of the account.
pub(super) fn request_quota(state: &mut State) {
    let (Some(account), Some(row)) = (state.account(), state.selected_use()) else { return };
    let Some(form) = form::increase::increase(account, &state.live, &row) else { return };
    state.overlays.push(Overlay::Form(Box::new(form)));
}

/// `D` on a provisioned model.
pub(super) fn delete(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(model) = state.selected_provisioned().map(|view| &view.model) else { return };
    let wanted = Order::DeleteProvisioned { region: model.region.clone(), arn: model.arn.clone() };
    order(state, wanted, None, effects);
}

/// `d` on a job.
pub(super) fn fetch(state: &mut State) {
    let Some(view) = state.selected_job() else { return };
    let form = form::batch::fetch(&view.job);
    state.overlays.push(Overlay::Form(Box::new(form)));
}

/// `X`, `R` and `D` on a job.
pub(super) fn on_job(state: &mut State, wanted: fn(&JobView) -> Order, effects: &mut Vec<Effect>) {
    let Some(wanted) = state.selected_job().map(wanted) else { return };
    order(state, wanted, None, effects);
}

/// Stop this job.
pub(super) fn stop(view: &JobView) -> Order {
    Order::StopJob { region: view.job.region.clone(), arn: view.job.arn.clone() }
}

/// Submit again what can be retried of this job; the new input is written where its results are.
pub(super) fn resubmit(view: &JobView) -> Order {
    let folder = view.fetched_to.as_deref().unwrap_or(form::batch::FOLDER).into();
    Order::ResubmitJob { region: view.job.region.clone(), arn: view.job.arn.clone(), folder }
}

/// Delete the files of this job in S3.
pub(super) fn delete_copies(view: &JobView) -> Order {
    Order::DeleteCopies { region: view.job.region.clone(), arn: view.job.arn.clone() }
}

/// Gives the order that a form describes, if it is right.
pub(super) fn submit_form(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return };
    let Some(wanted) = read(form) else {
        let count = form.errors.len();
        state.complain(format!("{count} {} not right yet", if count == 1 { "field is" } else { "fields are" }));
        return;
    };
    if order(state, wanted, None, effects) {
        state.overlays.pop();
    }
}

fn read(form: &mut Form) -> Option<Order> {
    match form.kind {
        Kind::Load => None,
        Kind::Create => form::provisioned::check_create(form).map(Order::CreateProvisioned),
        Kind::Change { .. } => form::provisioned::check_change(form),
        Kind::Submit => form::batch::check_submit(form).map(Order::CheckBatch),
        Kind::Fetch { .. } => form::batch::check_fetch(form),
        Kind::Increase { .. } => form::increase::check(form),
    }
}

/// What a first batch job needs: for the first Region, with the bucket of the latest job if there was one.
#[must_use]
pub fn role_recipe(state: &State) -> String {
    let region = state.regions().first().cloned().unwrap_or_else(|| "REGION".into());
    let output = state.account().and_then(|account| account.jobs.first()).map(|view| view.job.output.as_str());
    let bucket = output.and_then(|output| output.strip_prefix("s3://")?.split('/').next());
    batch::role_recipe(state.shown().target.account.as_deref(), &region, bucket)
}

/// `P`: what an account needs before its first batch job.
pub(super) fn recipe(state: &mut State) {
    state.detail = Some(Detail::Recipe { scroll: 0 });
}

/// Opens the detail of the selected row.
pub(super) fn open(state: &mut State) {
    let provisioned = state.selected_provisioned().map(|view| view.model.arn.clone());
    let job = state.selected_job().map(|view| view.job.arn.clone());
    state.detail = match (provisioned, job) {
        (Some(arn), _) => Some(Detail::Provisioned { arn, scroll: 0 }),
        (None, Some(arn)) => Some(Detail::Job { arn, scroll: 0 }),
        (None, None) => return,
    };
}
