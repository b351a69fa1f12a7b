//! What works and what is missing in an account: each question is asked once, read-only, and its answer judged.

use std::time::SystemTime;

use serde::Serialize;

use crate::bedrock::{Clients, Identity, Permission, Probe, Purpose, Trial, permissions};
use crate::catalogue::{Catalogue, Model};
use crate::record::{ErrorClass, Failure, Micros, Region};

use super::discovery::join;

/// The service refuses signatures that are this old, milliseconds.
const SKEW_REFUSED_MS: i64 = 300_000;
/// Ages and countdowns are visibly wrong from here on, milliseconds.
const SKEW_SHOWN_MS: i64 = 5_000;
/// Asked about where no model was named: every Region has it.
const USUAL_MODEL: &str = "amazon.nova-micro-v1:0";

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Well,
    /// It works, with something to know.
    Note,
    /// It cannot be found out without doing it.
    NotTried,
    /// It does not work.
    Missing,
    /// Nothing works without it.
    Unusable,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it is.
    pub health: Health,
    /// Where: a Region, `credentials`, `terminal`, ...
    pub place: String,
    /// What was looked at.
    pub what: String,
    /// What was found, one line.
    pub detail: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// Who needs it, for permissions.
    pub purposes: Vec<Purpose>,
}

impl Finding {
    /// A finding without a remedy.
    #[must_use]
    pub fn new(health: Health, place: &str, what: &str, detail: impl Into<String>) -> Finding {
        let (place, what) = (place.to_owned(), what.to_owned());
        Finding { health, place, what, detail: detail.into(), remedy: None, purposes: Vec::new() }
    }

    /// With what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Finding {
        self.remedy = Some(remedy.into());
        self
    }
}

/// Looks at credentials, clock, endpoints, permissions and the access to `models` in all Regions of `clients`, and says who
/// we are if anybody knows. Without credentials nothing else is asked.
pub async fn examine(clients: &Clients, models: &[String]) -> (Option<Identity>, Vec<Finding>) {
    let mut findings = Vec::new();
    let identity = clients.identity().await;
    findings.push(match &identity {
        Ok(identity) => Finding::new(
            Health::Well,
            "credentials",
            "identity",
            format!("account {}, {}", identity.account, identity.arn),
        ),
        Err(failure) => Finding::new(Health::Unusable, "credentials", "identity", failure.message.clone())
            .remedy(format!("{}; nothing else can be asked until this works", way_in(failure, clients.simulated()))),
    });
    if identity.is_err() {
        return (None, findings);
    }
    findings.push(expiry(clients.credentials_until().await, SystemTime::now()));
    let answers = join(clients.regions().map(|region| region_findings(clients, region, models))).await;
    // The clock is read off all the replies that came.
    findings.push(clock(clients.clock_offset_ms(), clients.simulated()));
    findings.extend(answers.into_iter().flatten());
    findings.extend(untried());
    (identity.ok(), findings)
}

/// What to do where nobody tells us who we are.
fn way_in(failure: &Failure, simulated: bool) -> &'static str {
    let untyped = failure.code.starts_with("Http") || failure.code == "UnreadableError";
    match failure.class {
        _ if simulated => "look at the faults of the scenario",
        _ if failure.message.contains("set the clock") => {
            "set the clock of this machine (chronyc makestep, or timedatectl set-ntp true)"
        }
        ErrorClass::Connection | ErrorClass::Timeout => "look at DNS, route, proxy (HTTPS_PROXY) and firewall",
        ErrorClass::Malformed => NOT_THE_SERVICE,
        _ if untyped => NOT_THE_SERVICE,
        ErrorClass::Credentials => "renew the credentials, or name others (--profile)",
        ErrorClass::Access => "ask who runs the account: an organisation policy stands in the way",
        _ => "try again",
    }
}

const NOT_THE_SERVICE: &str =
    "look at the endpoint (--target, AWS_ENDPOINT_URL) and the proxy: what answers there is not the service";

fn expiry(until: Option<SystemTime>, now: SystemTime) -> Finding {
    let finding = |health, detail: String| Finding::new(health, "credentials", "expiry", detail);
    match until.map(|until| until.duration_since(now)) {
        None => finding(Health::Well, "they do not end, or do not say when".to_owned()),
        Some(Err(_)) => finding(Health::Missing, "they have ended".to_owned()).remedy("renew them: `aws sso login`"),
        Some(Ok(left)) => {
            let words = format!("they end in {} min", left.as_secs() / 60);
            if left.as_secs() < 3_600 {
                finding(Health::Note, words)
                    .remedy("renew them before a long run: it parks when they end, and goes on after")
            } else {
                finding(Health::Well, words)
            }
        }
    }
}

fn clock(offset_ms: i64, simulated: bool) -> Finding {
    let finding = |health, detail: String| Finding::new(health, "clock", "difference to the service", detail);
    let words =
        format!("{:+.1} s", Micros::from_millis(offset_ms.unsigned_abs()).secs_f64() * offset_ms.signum() as f64);
    match offset_ms.saturating_abs() {
        _ if simulated && offset_ms != 0 => {
            finding(Health::Well, format!("{words}: a simulator lives in its own time"))
        }
        skew if skew >= SKEW_REFUSED_MS => finding(Health::Missing, format!("{words}: signatures are refused"))
            .remedy("set the clock of this machine (chronyc makestep, or timedatectl set-ntp true)"),
        skew if skew >= SKEW_SHOWN_MS => {
            finding(Health::Note, words).remedy("set the clock of this machine: above 300 s every call is refused")
        }
        _ => finding(Health::Well, "none".to_owned()),
    }
}

/// All there is to say about a Region.
async fn region_findings(clients: &Clients, region: &Region, models: &[String]) -> Vec<Finding> {
    let catalogue = Catalogue::embedded();
    let known: Vec<&Model> = models.iter().filter_map(|id| catalogue.model(id)).collect();
    let counts = known.iter().copied().find(|model| model.count_tokens);
    let asked = known.first().map_or(USUAL_MODEL, |model| model.id.as_str());
    let table: Vec<&Permission> = permissions().iter().collect();
    let answers = join(table.iter().map(|permission| async {
        match permission.trial {
            Trial::Never(_) => None,
            // Where no model has it, the question still tells whether the endpoint answers.
            Trial::Ask(Probe::CountTokens) => {
                Some(clients.probe(region, Probe::CountTokens, counts.map_or(asked, |model| &model.id)).await)
            }
            Trial::Ask(probe) => Some(clients.probe(region, probe, asked).await),
        }
    }))
    .await;
    let mut findings = endpoints(region, &table, &answers);
    for (permission, answer) in table.iter().zip(&answers) {
        let Some(answer) = answer else { continue };
        let untold = permission.trial == Trial::Ask(Probe::CountTokens) && counts.is_none();
        findings.push(permission_finding(region, permission, answer, untold));
    }
    findings.extend(join(known.iter().map(|model| access(clients, region, model))).await);
    let unknown = models.iter().filter(|id| catalogue.model(id).is_none());
    findings.extend(unknown.map(|id| {
        let detail = "not in the catalogue, or an ARN that does not tell its model: its access is not tried";
        Finding::new(Health::NotTried, region.as_str(), &format!("model {}", id.escape_debug()), detail)
    }));
    findings
}

/// The permissions that cannot be tried, each action once.
fn untried() -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for permission in permissions() {
        let Trial::Never(why) = permission.trial else { continue };
        if findings.iter().all(|known| known.what != permission.action) {
            let mut finding = Finding::new(
                Health::NotTried,
                "all",
                permission.action,
                format!("{}; not tried: {why}", permission.why),
            );
            finding.purposes = permission.purposes.to_vec();
            findings.push(finding);
        }
    }
    findings
}

/// An endpoint for each service that was asked: it answers if any question to it got an answer of the service's own.
fn endpoints(region: &Region, table: &[&Permission], answers: &[Option<Result<(), Failure>>]) -> Vec<Finding> {
    const SERVICES: [&str; 4] = ["bedrock-runtime", "bedrock", "servicequotas", "monitoring"];
    let service = |permission: &Permission| match permission.trial {
        Trial::Ask(Probe::CountTokens) => SERVICES[0],
        _ => match permission.action.split(':').next() {
            Some("servicequotas") => SERVICES[2],
            Some("cloudwatch") => SERVICES[3],
            _ => SERVICES[1],
        },
    };
    let of = |name: &'static str| {
        let replies = table.iter().zip(answers).filter(move |(permission, _)| service(permission) == name);
        let replies: Vec<_> = replies.filter_map(|(_, answer)| answer.as_ref()).collect();
        let what = format!("endpoint {name}");
        let lost = replies.iter().find_map(|reply| reply.as_ref().err().filter(|failure| failure.status.is_none()));
        match lost {
            Some(failure)
                if replies.iter().all(|reply| reply.as_ref().is_err_and(|failure| failure.status.is_none())) =>
            {
                Finding::new(Health::Missing, region.as_str(), &what, failure.message.clone())
                    .remedy("look at DNS, route, proxy (HTTPS_PROXY), firewall or VPC endpoint of this service")
            }
            _ => Finding::new(Health::Well, region.as_str(), &what, "answers"),
        }
    };
    SERVICES.into_iter().map(of).collect()
}

fn permission_finding(region: &Region, permission: &Permission, answer: &Result<(), Failure>, untold: bool) -> Finding {
    let finding = |health, detail: String| {
        let mut finding = Finding::new(health, region.as_str(), permission.action, detail);
        finding.purposes = permission.purposes.to_vec();
        finding
    };
    let remedy = || {
        let purpose = permission.purposes.first().map_or("all", |purpose| purpose.word());
        format!("allow {} (`bedrock-top doctor --policy {purpose}` prints the policy)", permission.action)
    };
    let of_model = matches!(permission.trial, Trial::Ask(Probe::CountTokens | Probe::GetFoundationModelAvailability));
    match answer {
        Ok(()) => finding(Health::Well, permission.why.to_owned()),
        Err(failure) => match failure.class {
            _ if failure.code == "UnknownOperationException" => {
                finding(Health::NotTried, format!("{}; this endpoint does not serve it", permission.why))
            }
            // What answers in no form of the service's does not know the service.
            _ if failure.code == "Http404" => {
                finding(Health::NotTried, format!("{}; this endpoint does not serve it", permission.why))
            }
            ErrorClass::Validation | ErrorClass::Access if untold => {
                finding(Health::NotTried, format!("{}; not tried: no --model was named that has it", permission.why))
            }
            // The model is refused, which has a line of its own.
            _ if of_model && failure.code.starts_with("Validation") => {
                finding(Health::NotTried, format!("{}; not known: {}", permission.why, failure.message))
            }
            ErrorClass::Validation => finding(Health::Missing, failure.message.clone())
                .remedy("the service takes no question here: name a --region that this endpoint serves"),
            ErrorClass::Access => finding(Health::Missing, failure.message.clone()).remedy(remedy()),
            ErrorClass::Credentials => {
                finding(Health::Missing, failure.message.clone()).remedy("renew the credentials")
            }
            // A model that is not there says nothing about the permission.
            _ if failure.status == Some(404) => {
                finding(Health::NotTried, format!("{}; {}", permission.why, failure.message))
            }
            _ => finding(Health::Missing, failure.message.clone()).remedy("try again; the service could not answer"),
        },
    }
}

async fn access(clients: &Clients, region: &Region, model: &Model) -> Finding {
    let what = format!("model {}", model.id);
    let finding = |health, detail: String| Finding::new(health, region.as_str(), &what, detail);
    match clients.model_access(region, &model.id).await {
        Ok(access) if access.problems.is_empty() => finding(Health::Well, "the account may use it".to_owned()),
        Ok(access) => finding(Health::Missing, access.problems.join(", ")).remedy(
            "open the Bedrock console, Model access, in this Region: accept the agreement, fill in the use case",
        ),
        Err(failure) if failure.class == ErrorClass::Access => {
            finding(Health::NotTried, format!("not known: {}", failure.message))
        }
        Err(failure) => finding(Health::Missing, failure.message).remedy(match failure.class {
            ErrorClass::Credentials => "renew the credentials",
            ErrorClass::Validation => "check the id, or name another --region that has the model",
            _ => "try again; the service could not answer",
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn failure(class: ErrorClass, code: &str, status: Option<u16>) -> Failure {
        Failure {
            class,
            code: code.into(),
            message: "words".into(),
            status,
            retry_after: None,
            maybe_billed: false,
            usage: None,
            text_bytes: 0,
        }
    }

    fn judged(answer: Result<(), Failure>) -> Finding {
        let region = Region::from("us-east-1");
        let lists = permissions().iter().find(|one| one.action == "bedrock:ListFoundationModels").unwrap();
        permission_finding(&region, lists, &answer, false)
    }

    #[test]
    fn what_is_denied_says_what_to_allow() {
        assert_eq!(judged(Ok(())).health, Health::Well);
        let denied = judged(Err(failure(ErrorClass::Access, "AccessDeniedException", Some(403))));
        assert_eq!(denied.health, Health::Missing);
        assert!(denied.remedy.unwrap().contains("bedrock:ListFoundationModels"));
        let lost = judged(Err(failure(ErrorClass::Connection, "ConnectionFailed", None)));
        assert_eq!(lost.health, Health::Missing);
        // Service Quotas denies with 400.
        assert_eq!(
            judged(Err(failure(ErrorClass::Access, "AccessDeniedException", Some(400)))).health,
            Health::Missing
        );
        let unserved = judged(Err(failure(ErrorClass::Other, "UnknownOperationException", Some(404))));
        assert_eq!(unserved.health, Health::NotTried);
    }

    /// A question that names no model is not excused by the lack of one.
    #[test]
    fn what_is_not_taken_is_not_called_untried() {
        let refused = || Err(failure(ErrorClass::Validation, "ValidationException", Some(400)));
        assert_eq!(judged(refused()).health, Health::Missing);
        let region = Region::from("us-east-1");
        let counts = permissions().iter().find(|one| one.action == "bedrock:CountTokens").unwrap();
        let told = permission_finding(&region, counts, &refused(), false);
        assert!(told.health == Health::NotTried && told.detail.ends_with("not known: words"), "{told:?}");
        let untold = permission_finding(&region, counts, &refused(), true);
        assert!(untold.health == Health::NotTried && untold.detail.contains("--model"), "{untold:?}");
    }

    #[test]
    fn whoever_does_not_get_in_is_told_what_to_do() {
        let way = |class, code| way_in(&failure(class, code, None), false);
        assert!(way(ErrorClass::Credentials, "ExpiredToken").contains("renew"));
        assert!(way(ErrorClass::Connection, "ConnectionFailed").contains("DNS"));
        assert!(way(ErrorClass::Malformed, "MalformedReply").contains("endpoint"));
        assert!(way(ErrorClass::Capacity, "Http502").contains("endpoint"));
        let mut skewed = failure(ErrorClass::Credentials, "SignatureDoesNotMatch", Some(403));
        skewed.message = "Signature expired: set the clock of this machine".into();
        assert!(way_in(&skewed, false).contains("chronyc"));
        assert!(way_in(&skewed, true).contains("scenario"));
    }

    #[test]
    fn an_endpoint_is_gone_only_if_nothing_answers() {
        let region = Region::from("us-east-1");
        let table: Vec<&Permission> = permissions().iter().filter(|one| one.action.contains("servicequotas")).collect();
        let lost = || Some(Err(failure(ErrorClass::Connection, "ConnectionFailed", None)));
        let denied = || Some(Err(failure(ErrorClass::Access, "AccessDeniedException", Some(403))));
        let health = |answers: &[Option<Result<(), Failure>>]| endpoints(&region, &table, answers)[2].health;
        assert_eq!(health(&[lost(), lost(), None]), Health::Missing);
        assert_eq!(health(&[lost(), denied(), None]), Health::Well);
    }

    #[test]
    fn the_clock_and_the_credentials_are_judged() {
        assert_eq!(clock(0, false).health, Health::Well);
        assert_eq!(clock(-60_000, false).health, Health::Note);
        assert_eq!(clock(400_000, false).health, Health::Missing);
        assert_eq!(clock(400_000, true).health, Health::Well);
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(expiry(None, now).health, Health::Well);
        assert_eq!(expiry(Some(now + Duration::from_secs(600)), now).health, Health::Note);
        assert_eq!(expiry(Some(now - Duration::from_secs(1)), now).health, Health::Missing);
    }
}
