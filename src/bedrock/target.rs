//! Where calls go, and by which rules.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::record::{Region, Route};

use super::message::one_line;
use super::transport;

/// Where calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A `bedrock-top` simulator: fixed dummy credentials, SigV4, no proxy, nothing from the environment.
    Simulator {
        /// Its base URL.
        url: Url,
    },
    /// AWS by the AWS conventions: credential chain, profile, proxies, `AWS_ENDPOINT_URL*`.
    Aws {
        /// An endpoint of the user's own, for every service.
        endpoint: Option<Url>,
        /// The profile that the user named; without one, `AWS_PROFILE` or `default`.
        profile: Option<String>,
    },
}

/// What `--target` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// `sim`: the caller starts a simulator in its own process and then connects to its URL.
    StartSimulator,
    /// A simulator that runs, and what it serves.
    Simulator {
        /// Its base URL.
        url: Url,
        /// Its Regions and where its quotas hold.
        served: Served,
    },
    /// This target, which is none.
    Target(Target),
}

/// What can be called at a simulator, by its own word; nothing, if it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Its Regions.
    pub regions: Vec<Region>,
    /// Where its quotas hold, in the order of its scenario.
    pub metered: Vec<Route>,
}

/// Who answers at a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identified {
    /// A `bedrock-top` simulator.
    Simulator {
        /// Its version.
        version: String,
        /// The account that it plays.
        account: Option<String>,
        /// What can be called there.
        served: Served,
    },
    /// Somebody else.
    Other,
    /// Nobody: why, in a few words.
    Unreachable(String),
}

/// A `--target` that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TargetError {
    /// Not a word that we know, and no URL.
    #[error("`{given}` is no target: use `sim`, `aws`, or a URL such as http://127.0.0.1:4566{}", .why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default())]
    Unknown {
        /// What was given.
        given: String,
        /// What is wrong with it, if it looked like a URL.
        why: Option<String>,
    },
    /// Nobody answers there, so nobody knows whether real credentials may be sent.
    #[error(
        "nothing answers at {url} ({cause}): start `bedrock-top sim --listen HOST:PORT` there, or check the URL; a gateway behind a proxy is `--target aws` with AWS_ENDPOINT_URL"
    )]
    Unreachable {
        /// The URL.
        url: Url,
        /// Why.
        cause: String,
    },
    /// A profile was given with a simulator.
    #[error("{url} is a bedrock-top simulator, which uses no AWS profile: leave `--profile {profile}` out")]
    ProfileWithSimulator {
        /// The URL.
        url: Url,
        /// The profile.
        profile: String,
    },
}

/// How long the question who is there may take.
const IDENTIFY_WITHIN: Duration = Duration::from_secs(3);
/// Regions and quotas that are taken from an answer.
const MOST: usize = 1_000;

impl Target {
    /// What `--target` asks for: `sim`, `aws`, or a URL. Behind a URL, a simulator that identifies itself is a simulator;
    /// everything else is AWS with that endpoint (a gateway may bill).
    ///
    /// # Errors
    /// An unknown word, an unusable URL, or nobody there to ask. One line with the remedy.
    pub async fn resolve(arg: &str, profile: Option<&str>) -> Result<Resolved, TargetError> {
        match arg {
            "sim" => return Ok(Resolved::StartSimulator),
            "aws" => {
                let profile = profile.map(str::to_owned);
                return Ok(Resolved::Target(Target::Aws { endpoint: None, profile }));
            }
            _ => {}
        }
        let url = parse(arg)?;
        match identify(&url).await {
            Identified::Simulator { served, .. } => match profile {
                Some(profile) => Err(TargetError::ProfileWithSimulator { url, profile: profile.to_owned() }),
                None => Ok(Resolved::Simulator { url, served }),
            },
            Identified::Other => {
                let profile = profile.map(str::to_owned);
                Ok(Resolved::Target(Target::Aws { endpoint: Some(url), profile }))
            }
            Identified::Unreachable(cause) => Err(TargetError::Unreachable { url, cause }),
        }
    }

    /// Replies from here are simulated.
    #[must_use]
    pub fn simulated(&self) -> bool {
        matches!(self, Target::Simulator { .. })
    }

    /// The profile in use, as far as it was named: by the user, else by `AWS_PROFILE`.
    #[must_use]
    pub fn profile(&self) -> Option<String> {
        match self {
            Target::Simulator { .. } => None,
            Target::Aws { profile, .. } => {
                profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty()))
            }
        }
    }
}

fn parse(arg: &str) -> Result<Url, TargetError> {
    let unknown =
        |why: Option<&str>| TargetError::Unknown { given: super::message::one_line(arg), why: why.map(str::to_owned) };
    if !arg.contains("://") {
        return Err(unknown(None));
    }
    let url = Url::parse(arg).map_err(|error| unknown(Some(&error.to_string())))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(unknown(Some("only http and https")));
    }
    if !url.has_host() {
        return Err(unknown(Some("it names no host")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unknown(Some("a URL with a user name or password in it is not accepted")));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(unknown(Some("a base URL has no query and no fragment")));
    }
    Ok(url)
}

/// Asks who answers at `url`: `GET /__bedrock-top` there, without credentials, proxy or redirects, within three seconds.
pub async fn identify(url: &Url) -> Identified {
    #[derive(Deserialize)]
    struct Card {
        #[serde(rename = "bedrock-top-sim")]
        version: String,
        account: Option<String>,
        #[serde(default)]
        regions: Vec<String>,
        #[serde(default)]
        metered: Vec<Metered>,
    }
    #[derive(Deserialize)]
    struct Metered {
        region: String,
        model: String,
    }
    let mut question = url.clone();
    question.set_path("/__bedrock-top");
    match transport::get(&question, IDENTIFY_WITHIN).await {
        Err(cause) => Identified::Unreachable(cause),
        Ok((200, body)) => match serde_json::from_slice::<Card>(&body) {
            Ok(card) => Identified::Simulator {
                version: one_line(&card.version),
                account: card.account.as_deref().map(one_line),
                served: Served {
                    regions: card.regions.iter().take(MOST).map(|region| one_line(region).into()).collect(),
                    metered: card
                        .metered
                        .iter()
                        .take(MOST)
                        .map(|here| Route::new(one_line(&here.region), one_line(&here.model)))
                        .collect(),
                },
            },
            Err(_) => Identified::Other,
        },
        Ok(_) => Identified::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_base_url_is_a_target() {
        for bad in ["simulator", "localhost:80", "ftp://a/", "http://u:p@a/", "http://a/?x=1", "http://", ""] {
            let error = parse(bad).unwrap_err().to_string();
            assert!(error.contains("is no target: use `sim`, `aws`, or a URL"), "{bad}: {error}");
        }
        assert_eq!(parse("http://127.0.0.1:4566").unwrap().as_str(), "http://127.0.0.1:4566/");
        assert!(parse("https://gateway.example/bedrock").is_ok());
    }
}
