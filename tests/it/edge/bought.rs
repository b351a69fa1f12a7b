//! Provisioned throughput: the calls and the workflows over them, against a control plane that fails as it is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bedrock_top::bedrock::{Commitment, Identity, NewProvisioned, ProvisionedStatus};
use bedrock_top::control::{
    self, AlsoRead, ControlCommand, Desk, DeskSetup, Discovery, OpenCreate, Order, Outcome, Question, Stage, Tokens,
};
use bedrock_top::record::{ErrorClass, Region};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::{Seen, Server, Step, error, reply};
use super::{clients, trial};

const EAST: &str = "us-east-1";
const MODEL: &str = "amazon.nova-pro-v1:0:24k";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("bought_models_are_listed_page_by_page", pages),
        trial("a_purchase_leaves_a_line_and_no_token", purchase),
        trial("a_lost_reply_is_found_at_once", found_at_once),
        trial("a_lost_reply_is_found_at_the_next_start", found_later),
        trial("what_never_arrived_is_not_bought_later", never_arrived),
        trial("the_same_order_again_takes_up_its_token", same_order_again),
        trial("what_is_refused_leaves_no_token", refused),
        trial("use_that_cannot_be_read_hurts_nothing_else", use_denied),
        trial("read_only_refuses_every_order", read_only),
        trial("a_desk_takes_orders_and_shows_them", desk_at_work),
    ]
}

/// What the control plane does with creates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Creates {
    #[default]
    Work,
    /// Done, and the reply lost.
    LoseReply,
    /// Done, and the connection ended in order, without a byte.
    EndWithoutReply,
    /// Neither done nor answered.
    LoseRequest,
    Refuse,
}

/// An account in memory.
#[derive(Debug, Default)]
struct Account {
    creates: Creates,
    /// The list is not answered.
    blind: bool,
    /// By client token.
    made: BTreeMap<String, Value>,
}

fn json_reply(value: &Value) -> Vec<Step> {
    let headers = [("content-type", "application/json"), ("x-amzn-requestid", "req-9")];
    reply(200, &headers, value.to_string().as_bytes())
}

fn model(name: &str, units: i64, status: &str) -> Value {
    let arn = format!("arn:aws:bedrock:{EAST}::foundation-model/{MODEL}");
    let now = jiff::Timestamp::now().to_string();
    json!({
        "provisionedModelName": name,
        "provisionedModelArn": format!("arn:aws:bedrock:{EAST}:123456789012:provisioned-model/{name:0>12}"),
        "modelArn": arn, "desiredModelArn": arn, "foundationModelArn": arn,
        "modelUnits": units, "desiredModelUnits": units, "status": status,
        "creationTime": now, "lastModifiedTime": now,
    })
}

impl Account {
    fn answer(&mut self, seen: &Seen) -> Vec<Step> {
        let path = seen.path.split('?').next().unwrap();
        let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        match (seen.method.as_str(), path) {
            ("GET", "/provisioned-model-throughputs") if self.blind => {
                error(403, "AccessDeniedException", "User: a is not authorized", &[])
            }
            ("GET", "/provisioned-model-throughputs") => {
                let models: Vec<&Value> = self.made.values().collect();
                json_reply(&json!({ "provisionedModelSummaries": models }))
            }
            ("POST", "/provisioned-model-throughput") => {
                match self.creates {
                    Creates::Refuse => {
                        return error(400, "ServiceQuotaExceededException", "too many model units", &[]);
                    }
                    Creates::LoseRequest => return vec![Step::Reset],
                    Creates::Work | Creates::LoseReply | Creates::EndWithoutReply => {}
                }
                let token = body["clientRequestToken"].as_str().unwrap().to_owned();
                let name = body["provisionedModelName"].as_str().unwrap();
                let fresh = model(name, body["modelUnits"].as_i64().unwrap(), "Creating");
                let made = self.made.entry(token).or_insert(fresh).clone();
                match self.creates {
                    Creates::LoseReply => return vec![Step::Reset],
                    Creates::EndWithoutReply => return vec![Step::Close],
                    _ => {}
                }
                json_reply(&json!({ "provisionedModelArn": made["provisionedModelArn"] }))
            }
            ("DELETE", _) => {
                self.made.clear();
                json_reply(&json!({}))
            }
            ("PATCH", _) => json_reply(&json!({})),
            // CloudWatch, Service Quotas: not for this caller.
            _ => error(403, "AccessDeniedException", "User: a is not authorized", &[]),
        }
    }
}

struct Rig {
    account: Arc<Mutex<Account>>,
    server: Server,
    folder: TempDir,
}

impl Rig {
    async fn new(creates: Creates) -> Rig {
        let account = Arc::new(Mutex::new(Account { creates, ..Account::default() }));
        let shared = Arc::clone(&account);
        let server = Server::start(move |seen| shared.lock().unwrap().answer(seen)).await;
        Rig { account, server, folder: TempDir::new().unwrap() }
    }

    async fn setup(&self) -> DeskSetup {
        let arn = "arn:aws:iam::123456789012:user/a".to_owned();
        DeskSetup {
            clients: Arc::new(clients(&self.server).await),
            identity: Some(Identity { account: "123456789012".into(), arn }),
            state: self.folder.path().to_owned(),
            read_only: false,
            prices: Vec::new(),
            publishing: None,
        }
    }

    async fn desk(&self) -> Desk {
        Desk::open(self.setup().await)
    }

    fn tokens(&self) -> Vec<OpenCreate> {
        Tokens::within(self.folder.path()).all().unwrap()
    }

    fn creates(&self) -> usize {
        self.server.seen().iter().filter(|seen| seen.method == "POST" && seen.path.starts_with("/prov")).count()
    }

    fn made(&self) -> usize {
        self.account.lock().unwrap().made.len()
    }

    /// Makes every open create look as old as one of yesterday.
    fn age_tokens(&self) {
        let tokens = Tokens::within(self.folder.path());
        for mut open in self.tokens() {
            open.at_ms -= 86_400_000;
            tokens.open(&open).unwrap();
        }
    }
}

fn new(name: &str) -> NewProvisioned {
    NewProvisioned {
        region: EAST.into(),
        name: name.into(),
        model: MODEL.into(),
        units: 2,
        commitment: Commitment::None,
        tags: vec![("team".into(), "search".into())],
    }
}

fn create(name: &str) -> Order {
    Order::CreateProvisioned(new(name))
}

const QUIET: control::Progress<'static> = &|_| {};

fn journal(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("changes.jsonl")).unwrap_or_default()
}

async fn pages() {
    let server = Server::start(|seen| {
        let next = seen.path.contains("nextToken");
        let mut page = json!({ "provisionedModelSummaries": [model(if next { "b" } else { "a" }, 1, "Warming")] });
        if !next {
            page["nextToken"] = json!("n");
        }
        json_reply(&page)
    })
    .await;
    let models = clients(&server).await.provisioned_models(&EAST.into()).await.unwrap();
    let names: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(models[0].status, ProvisionedStatus::Other("Warming".into()), "a word that is newer than we are");
    let denied = Server::start(|_| error(403, "AccessDeniedException", "User: a is not authorized", &[])).await;
    let failure = clients(&denied).await.provisioned_models(&EAST.into()).await.unwrap_err();
    assert_eq!(failure.class, ErrorClass::Access);
    assert!(failure.message.contains("(allow bedrock:ListProvisionedModelThroughputs)"), "{failure}");
}

async fn purchase() {
    let rig = Rig::new(Creates::Work).await;
    let desk = rig.desk().await;
    let Outcome::Changed { arn } = desk.perform(create("one"), QUIET).await.unwrap() else { panic!("no ARN") };
    assert!(arn.ends_with("provisioned-model/000000000one"), "{arn}");
    assert!(rig.tokens().is_empty());
    let sent: Value = serde_json::from_slice(&rig.server.seen()[0].body).unwrap();
    assert_eq!((&sent["modelId"], &sent["modelUnits"]), (&json!(MODEL), &json!(2)));
    assert_eq!(sent["tags"], json!([{ "key": "team", "value": "search" }]));
    assert!(sent.get("commitmentDuration").is_none(), "{sent}");
    let line: Value = serde_json::from_str(journal(rig.folder.path()).trim()).unwrap();
    assert_eq!(line["operation"], "CreateProvisionedModelThroughput");
    assert_eq!((&line["request_id"], &line["failure"]), (&json!("req-9"), &json!(null)));
    assert_eq!(line["caller"], "arn:aws:iam::123456789012:user/a");
    // A new start knows it.
    assert_eq!(rig.desk().await.snapshot().changes.len(), 1);
}

async fn found_at_once() {
    for way in [Creates::LoseReply, Creates::EndWithoutReply] {
        let rig = Rig::new(way).await;
        let desk = rig.desk().await;
        let outcome = desk.perform(create("one"), QUIET).await.unwrap();
        assert!(matches!(outcome, Outcome::Changed { .. }));
        assert_eq!((rig.made(), rig.tokens().len()), (1, 0));
        let lines = journal(rig.folder.path());
        assert_eq!(lines.lines().count(), 2, "the call that failed and what was found: {lines}");
    }
}

async fn found_later() {
    let rig = Rig::new(Creates::LoseReply).await;
    rig.account.lock().unwrap().blind = true;
    let failed = rig.desk().await.perform(create("one"), QUIET).await.unwrap_err();
    assert!(failed.kept.unwrap().contains("client token is kept"));
    let open = rig.tokens();
    assert_eq!((open.len(), &open[0].order), (1, &create("one")), "all that was asked for is on disk");
    rig.account.lock().unwrap().blind = false;
    let snapshot = rig.desk().await.read_provisioned(AlsoRead::default()).await;
    assert!(snapshot.works.is_empty() && rig.tokens().len() == 1, "it may still be under way");
    rig.age_tokens();
    let snapshot = rig.desk().await.read_provisioned(AlsoRead::default()).await;
    assert!(matches!(&snapshot.works[0].stage, Stage::Done(Outcome::Changed { .. })), "{:?}", snapshot.works);
    assert_eq!((snapshot.provisioned.len(), rig.tokens().len(), rig.made()), (1, 0, 1));
}

async fn never_arrived() {
    let rig = Rig::new(Creates::LoseRequest).await;
    rig.desk().await.perform(create("one"), QUIET).await.unwrap_err();
    let calls = rig.creates();
    let snapshot = rig.desk().await.read_provisioned(AlsoRead::default()).await;
    assert!(snapshot.works.is_empty() && rig.tokens().len() == 1, "it may still be under way");
    rig.age_tokens();
    let snapshot = rig.desk().await.read_provisioned(AlsoRead::default()).await;
    assert!(matches!(&snapshot.works[0].stage, Stage::Failed { reason, .. } if reason.contains("nothing was created")));
    assert_eq!((rig.tokens().len(), rig.made(), rig.creates()), (0, 0, calls), "nothing is sent unasked");
}

async fn same_order_again() {
    let rig = Rig::new(Creates::LoseReply).await;
    rig.account.lock().unwrap().blind = true;
    rig.desk().await.perform(create("one"), QUIET).await.unwrap_err();
    rig.account.lock().unwrap().creates = Creates::Work;
    rig.desk().await.perform(create("one"), QUIET).await.unwrap();
    assert_eq!((rig.made(), rig.tokens().len()), (1, 0));
    rig.desk().await.perform(create("two"), QUIET).await.unwrap();
    assert_eq!(rig.made(), 2);
}

async fn refused() {
    let rig = Rig::new(Creates::Refuse).await;
    let failed = rig.desk().await.perform(create("one"), QUIET).await.unwrap_err();
    assert!(failed.reason.contains("too many model units") && failed.kept.is_none(), "{failed}");
    assert!(rig.tokens().is_empty());
    let line: Value = serde_json::from_str(journal(rig.folder.path()).trim()).unwrap();
    assert!(line["failure"].as_str().unwrap().contains("too many model units"));
    let failed = rig.desk().await.perform(create("no name"), QUIET).await.unwrap_err();
    assert!(failed.reason.contains("is no name"), "{failed}");
    assert_eq!(rig.creates(), 1, "a name that cannot be one is not sent");
}

async fn use_denied() {
    let rig = Rig::new(Creates::Work).await;
    let desk = rig.desk().await;
    desk.perform(create("one"), QUIET).await.unwrap();
    let snapshot = desk.read_provisioned(AlsoRead { unit_quotas: true, invocations: true }).await;
    let [view] = snapshot.provisioned.as_slice() else { panic!("{:?}", snapshot.provisioned) };
    assert_eq!((view.last_hour, view.idle(desk.service_now_ms())), (None, None));
    assert!(view.use_unknown.as_ref().unwrap().contains("(allow cloudwatch:GetMetricData)"), "{view:?}");
    let questions: Vec<_> = snapshot.problems.iter().map(|problem| problem.question).collect();
    assert_eq!(questions, [Question::Quotas]);
    assert!(snapshot.unit_quotas.is_empty() && view.hourly().is_none());
}

async fn read_only() {
    let rig = Rig::new(Creates::Work).await;
    let desk = Desk::open(DeskSetup { read_only: true, ..rig.setup().await });
    let arn = "arn".to_owned();
    let region: Region = EAST.into();
    let update = Order::UpdateProvisioned { region: region.clone(), arn: arn.clone(), name: None, model: None };
    for order in [create("one"), update, Order::DeleteProvisioned { region, arn }] {
        assert!(desk.perform(order, QUIET).await.unwrap_err().reason.starts_with("read-only"));
    }
    assert!(rig.server.seen().is_empty() && rig.tokens().is_empty());
}

async fn desk_at_work() {
    let rig = Rig::new(Creates::Work).await;
    let setup = rig.setup().await;
    let discovery = Discovery {
        identity: Ok(setup.identity.clone().unwrap()),
        credentials_until: None,
        regions: BTreeMap::new(),
        simulated: true,
    };
    let handle = control::start(setup, Vec::new(), discovery, &tokio::runtime::Handle::current());
    let mut news = handle.snapshot();
    handle.sender().send(ControlCommand { id: 7, order: create("one") });
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let snapshot = news.borrow_and_update().clone();
        let done = snapshot.works.iter().any(|work| work.id == 7 && work.stage.is_final());
        if done && snapshot.provisioned.len() == 1 {
            assert_eq!(snapshot.works[0].title, "create one");
            assert!(matches!(snapshot.works[0].stage, Stage::Done(Outcome::Changed { .. })));
            assert_eq!(snapshot.changes.len(), 1);
            assert_eq!(snapshot.provisioned_read_ms.len(), 1);
            break;
        }
        let left = until.saturating_duration_since(Instant::now());
        tokio::time::timeout(left, news.changed()).await.unwrap().unwrap();
    }
}
