//! Orders about provisioned throughput: buy, change, delete; and what became of a purchase whose reply was lost.

use std::time::SystemTime;

use crate::bedrock::{NewProvisioned, ProvisionedModel, Receipt};
use crate::record::Region;

use super::change::Change;
use super::command::Order;
use super::desk::{Desk, Progress};
use super::discovery::utc_ms;
use super::tokens::{OpenCreate, Tokens};
use super::work::{NotDone, Outcome, Stage};

/// A create that is younger than this may still be under way in another program; older than any call can take.
const SETTLED_MS: i64 = 60_000;
/// How far the two clocks may be apart when a creation time is compared.
const CLOCK_SLACK_MS: i64 = 300_000;
/// Names and tags as the service takes them.
const LONGEST_NAME: usize = 63;
const MOST_TAGS: usize = 200;

/// What became of a purchase whose reply was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostReply {
    /// Where.
    pub region: Region,
    /// The name that was asked for.
    pub name: String,
    /// It was done: its ARN. `None`: it never reached the service, and nothing was bought.
    pub arn: Option<String>,
}

/// Whether a name can be one: 1 to 63 letters, digits, `-`, `_`, beginning with a letter or digit.
#[must_use]
pub fn is_provisioned_name(name: &str) -> bool {
    let joins = |byte: u8| matches!(byte, b'-' | b'_');
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || joins(byte))
        && !name.bytes().next().is_some_and(joins)
}

/// Buys `new`. Its client token is on disk before the call; an open purchase of the very same is taken up again with its
/// old token, so that nothing is bought twice.
pub(super) async fn create(desk: &Desk, new: NewProvisioned, progress: Progress<'_>) -> Result<Outcome, NotDone> {
    check(&new)?;
    if desk.account().is_none() {
        let reason = "the account is not known yet: a lost reply could not be found again; nothing was sent";
        return Err(NotDone::because(reason));
    }
    let open = claim(desk, &new).map_err(|error| {
        NotDone::because(format!("the client token cannot be written to disk ({error}); nothing was sent"))
    })?;
    progress(Stage::Busy { doing: "creating".to_owned(), done: 0, total: 0 });
    let receipt = desk.clients.create_provisioned(&new, &open.token).await;
    let subject = receipt.answer.as_ref().unwrap_or(&new.name).clone();
    note(desk, &new.region, "CreateProvisionedModelThroughput", &subject, &receipt);
    let failure = match &receipt.answer {
        Ok(arn) => {
            desk.close_token(&open.token);
            return Ok(Outcome::Changed { arn: arn.clone() });
        }
        Err(failure) => failure,
    };
    if receipt.refused() {
        desk.close_token(&open.token);
        return Err(NotDone::because(failure.message.clone()));
    }
    progress(Stage::Busy { doing: "the reply was lost: looking it up".to_owned(), done: 0, total: 0 });
    if let Ok(models) = desk.clients.provisioned_models(&new.region).await
        && let Some(model) = made_by(&open, &new, &models)
    {
        found(desk, &open, &new.region, &model.arn);
        return Ok(Outcome::Changed { arn: model.arn.clone() });
    }
    Err(NotDone {
        reason: failure.message.clone(),
        kept: Some(format!(
            "whether {} was created is not known yet: its client token is kept, `bedrock-top pt list` looks it up, and the same \
             order again creates nothing twice",
            new.name
        )),
    })
}

/// Renames, or puts another model behind it.
pub(super) async fn update(
    desk: &Desk,
    region: &Region,
    arn: &str,
    name: Option<&str>,
    model: Option<&str>,
    progress: Progress<'_>,
) -> Result<Outcome, NotDone> {
    if name.is_none() && model.is_none() {
        return Err(NotDone::because("nothing to change: give a new name or a new model"));
    }
    if let Some(name) = name.filter(|name| !is_provisioned_name(name)) {
        return Err(NotDone::because(bad_name(name)));
    }
    progress(Stage::Busy { doing: "updating".to_owned(), done: 0, total: 0 });
    let receipt = desk.clients.update_provisioned(region, arn, name, model).await;
    note(desk, region, "UpdateProvisionedModelThroughput", arn, &receipt);
    done(receipt, arn, "whether it was changed is not known; the same order again does no harm")
}

/// Deletes.
pub(super) async fn delete(
    desk: &Desk,
    region: &Region,
    arn: &str,
    progress: Progress<'_>,
) -> Result<Outcome, NotDone> {
    progress(Stage::Busy { doing: "deleting".to_owned(), done: 0, total: 0 });
    let receipt = desk.clients.delete_provisioned(region, arn).await;
    note(desk, region, "DeleteProvisionedModelThroughput", arn, &receipt);
    done(receipt, arn, "whether it was deleted is not known; as long as it is listed it is paid for")
}

fn done(receipt: Receipt<()>, arn: &str, unknown: &str) -> Result<Outcome, NotDone> {
    let kept = (!receipt.refused()).then(|| unknown.to_owned());
    match receipt.answer {
        Ok(()) => Ok(Outcome::Changed { arn: arn.to_owned() }),
        Err(failure) => Err(NotDone { reason: failure.message, kept }),
    }
}

/// Looks up every purchase of this account in `region` whose reply was lost, in the list of what there is. What is there
/// was bought; what is not never reached the service. Nothing is sent again.
pub(super) fn look_up(desk: &Desk, region: &Region, models: &[ProvisionedModel]) -> Vec<LostReply> {
    let now = utc_ms(SystemTime::now());
    let mut replies = Vec::new();
    for open in desk.tokens.all().unwrap_or_default() {
        let Order::CreateProvisioned(new) = &open.order else { continue };
        // A young one may be under way: its reply is not lost yet.
        if new.region != *region || !ours(desk, &open) || now.saturating_sub(open.at_ms) < SETTLED_MS {
            continue;
        }
        let made = made_by(&open, new, models);
        match made {
            Some(model) => found(desk, &open, region, &model.arn),
            None => desk.close_token(&open.token),
        }
        let arn = made.map(|model| model.arn.clone());
        replies.push(LostReply { region: region.clone(), name: new.name.clone(), arn });
    }
    replies
}

/// The purchase is there: the journal says so, and the token has served.
fn found(desk: &Desk, open: &OpenCreate, region: &Region, arn: &str) {
    desk.record(Change {
        at_ms: utc_ms(SystemTime::now()),
        caller: desk.caller(),
        region: region.clone(),
        operation: "CreateProvisionedModelThroughput (reply lost, found in the list)".to_owned(),
        subject: arn.to_owned(),
        request_id: None,
        failure: None,
    });
    desk.close_token(&open.token);
}

fn made_by<'m>(
    open: &OpenCreate,
    new: &NewProvisioned,
    models: &'m [ProvisionedModel],
) -> Option<&'m ProvisionedModel> {
    let since = open.service_at_ms.saturating_sub(CLOCK_SLACK_MS);
    models.iter().find(|model| model.name == new.name && model.created_ms >= since)
}

/// Of the same account and the same kind of target: a simulator's purchases are none on AWS.
fn ours(desk: &Desk, open: &OpenCreate) -> bool {
    open.simulated == desk.clients.simulated() && open.account == desk.account()
}

/// The open purchase of the very same, else a new one; on disk when this returns.
fn claim(desk: &Desk, new: &NewProvisioned) -> std::io::Result<OpenCreate> {
    let order = Order::CreateProvisioned(new.clone());
    let open = desk.tokens.all()?.into_iter().find(|open| open.order == order && ours(desk, open));
    if let Some(open) = open {
        return Ok(open);
    }
    let open = OpenCreate {
        token: Tokens::new_token(),
        account: desk.account(),
        simulated: desk.clients.simulated(),
        order,
        at_ms: utc_ms(SystemTime::now()),
        service_at_ms: desk.service_now_ms(),
    };
    desk.tokens.open(&open)?;
    Ok(open)
}

fn note<T>(desk: &Desk, region: &Region, operation: &str, subject: &str, receipt: &Receipt<T>) {
    desk.record(Change {
        at_ms: utc_ms(SystemTime::now()),
        caller: desk.caller(),
        region: region.clone(),
        operation: operation.to_owned(),
        subject: subject.to_owned(),
        request_id: receipt.request_id.clone(),
        failure: receipt.answer.as_ref().err().map(|failure| failure.message.clone()),
    });
}

/// What the service would refuse for its form; better said before anything is sent.
fn check(new: &NewProvisioned) -> Result<(), NotDone> {
    let refuse = |reason: String| Err(NotDone::because(reason));
    if !is_provisioned_name(&new.name) {
        return refuse(bad_name(&new.name));
    }
    if new.units == 0 {
        return refuse("model units: at least 1".to_owned());
    }
    if new.tags.len() > MOST_TAGS {
        return refuse(format!("{} tags: at most {MOST_TAGS}", new.tags.len()));
    }
    let bad = |(key, value): &&(String, String)| {
        key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 || key.starts_with("aws:")
    };
    if let Some((key, _)) = new.tags.iter().find(bad) {
        return refuse(format!(
            "tag `{}`: a key has 1 to 128 characters and does not begin with `aws:`, a value at most 256",
            key.escape_debug()
        ));
    }
    Ok(())
}

fn bad_name(name: &str) -> String {
    format!("`{}` is no name: 1 to {LONGEST_NAME} letters, digits, `-`, `_`", name.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::super::capacity::tests::model;
    use super::*;
    use crate::bedrock::Commitment;

    fn new(name: &str) -> NewProvisioned {
        NewProvisioned {
            region: "us-east-1".into(),
            name: name.into(),
            model: "amazon.nova-pro-v1:0:24k".into(),
            units: 1,
            commitment: Commitment::None,
            tags: vec![],
        }
    }

    #[test]
    fn what_the_service_would_refuse_is_not_sent() {
        assert!(check(&new("my-pt_1")).is_ok());
        for bad in ["", "-a", "a b", "a\u{1b}[2J", &"x".repeat(64)] {
            let error = check(&new(bad)).unwrap_err().to_string();
            assert!(error.contains("is no name") && !error.contains('\u{1b}'), "{error}");
        }
        assert!(check(&NewProvisioned { units: 0, ..new("a") }).is_err());
        for key in ["", "aws:x", &"k".repeat(129)] {
            let tags = vec![(key.to_owned(), "v".to_owned())];
            assert!(check(&NewProvisioned { tags, ..new("a") }).is_err(), "{key}");
        }
    }

    #[test]
    fn an_older_model_of_the_same_name_is_not_taken_for_the_lost_one() {
        let order = Order::CreateProvisioned(new("a"));
        let open = OpenCreate {
            token: "t".into(),
            account: None,
            simulated: true,
            order,
            at_ms: 0,
            service_at_ms: 10_000_000,
        };
        let mut there = model("a", "arn", 1);
        assert!(made_by(&open, &new("a"), &[there.clone()]).is_none());
        there.created_ms = 10_000_000 - 1_000;
        assert!(made_by(&open, &new("a"), &[there.clone()]).is_some());
        assert!(made_by(&open, &new("b"), &[there]).is_none());
    }
}
