//! The gate to the account: what is bought, stopped or deleted is asked first, on a simulator too.

use crate::control::{AgreedPrice, CheckReport, ControlCommand, ControlSnapshot, Order};
use crate::engine::EngineSnapshot;
use crate::record::Region;
use crate::report::Draft;

use super::super::provisioned::id_of;
use super::{Asked, Confirmed, Dialog, Fact, Gate, account, batch, increase, provisioned, publishing};

/// Why a read-only console gives no such order.
const READ_ONLY: &str = "READ-ONLY: nothing that creates, changes, stops or deletes is offered";
/// The longest name that has to be typed whole.
const TYPABLE: usize = 63;

/// All that the gate looks at.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// The engine now: whose account, and whether our load uses what is to be deleted.
    pub engine: &'a EngineSnapshot,
    /// The account now.
    pub control: &'a ControlSnapshot,
    /// The service's time, milliseconds since 1970.
    pub now_ms: i64,
    /// Prices of model units by configuration.
    pub agreed: &'a [AgreedPrice],
    /// What a batch input was found to be like.
    pub report: Option<&'a CheckReport>,
    /// The request for quota that is asked about: which quota is meant, and its figures.
    pub draft: Option<&'a Draft>,
}

/// Decides whether an order passes, is asked about, or is refused.
#[must_use]
pub fn control_gate(command: ControlCommand, now: &Account<'_>) -> Gate<ControlCommand> {
    // These change nothing in the account: they ask, look through a file, or copy results here.
    if !command.order.changes() {
        return Gate::Go(Confirmed(command));
    }
    if now.engine.target.read_only {
        return Gate::Refuse(READ_ONLY.to_owned());
    }
    let dialog = match &command.order {
        Order::CreateProvisioned(new) => provisioned::create(new, now),
        Order::UpdateProvisioned { region, arn, name, model } => {
            provisioned::change(region, arn, name.as_deref(), model.as_deref(), now)
        }
        Order::DeleteProvisioned { region, arn } => provisioned::delete(region, arn, now),
        Order::SubmitBatch(new) => batch::submit(new, now),
        Order::StopJob { region, arn } => batch::stop(region, arn, now),
        Order::ResubmitJob { region, arn, folder } => batch::resubmit(region, arn, folder, now),
        Order::DeleteCopies { region, arn } => batch::delete_copies(region, arn, now),
        Order::RequestQuota { region, code, value } => match increase::request(region, code, *value, now) {
            Ok(question) => question,
            Err(why) => return Gate::Refuse(why),
        },
        Order::Publish { .. } => match publishing::publish(now) {
            Ok(question) => question,
            Err(why) => return Gate::Refuse(why),
        },
        // Passed above; whatever it may become, it is asked about.
        Order::Refresh
        | Order::CheckBatch(_)
        | Order::FetchJob { .. }
        | Order::ReadDay { .. }
        | Order::TakeOffer { .. } => Question::new("Do it?", "Do it"),
    };
    Gate::Ask(Box::new(dialog.about(command)))
}

/// A question that is being put together.
pub(super) struct Question {
    pub(super) title: String,
    accept: &'static str,
    pub(super) facts: Vec<(&'static str, Fact)>,
    pub(super) warning: String,
    pub(super) typed: Option<String>,
    pub(super) blocked: Option<String>,
}

impl Question {
    pub(super) fn new(title: impl Into<String>, accept: &'static str) -> Question {
        Question { title: title.into(), accept, facts: Vec::new(), warning: String::new(), typed: None, blocked: None }
    }

    /// The account and the Region come first.
    pub(super) fn at(mut self, now: &Account<'_>, region: &Region) -> Question {
        self.facts = account(now.engine);
        self.text("Region", region.to_string());
        self
    }

    pub(super) fn text(&mut self, name: &'static str, text: impl Into<String>) {
        self.facts.push((name, Fact::Text(text.into())));
    }

    pub(super) fn alarm(&mut self, name: &'static str, text: impl Into<String>) {
        self.facts.push((name, Fact::Alarm(text.into())));
    }

    fn about(self, command: ControlCommand) -> Dialog {
        let mut dialog = Dialog::new(self.title, self.facts, self.warning, self.accept, Asked::Control(command));
        dialog.blocked = self.blocked;
        match self.typed {
            Some(wanted) => dialog.type_first(wanted),
            None => dialog,
        }
    }
}

/// What has to be typed for something: its name, or its id where the name could not be typed.
pub(super) fn typable(name: &str, arn: &str) -> String {
    let good =
        |text: &str| !text.is_empty() && text.chars().count() <= TYPABLE && text.chars().all(|c| c.is_ascii_graphic());
    let id = id_of(arn);
    match (good(name), good(id)) {
        (true, _) => name.to_owned(),
        (false, true) => id.to_owned(),
        (false, false) => "delete".to_owned(),
    }
}

/// Tags as they are typed.
pub(super) fn tags_words(tags: &[(String, String)]) -> String {
    tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}
