//! The configuration file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::warnings::NAMES;

use super::bindings::{Bindings, JudgeBindings};
use super::effective::Source;
use super::strict::{ConfigErrors, Key, Kind, check};

/// The whole default configuration, commented.
#[must_use]
pub fn default_text() -> &'static str {
    include_str!("default.toml")
}

/// What the file says; absent where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where the load goes.
    pub target: Option<String>,
    /// AWS profile.
    pub profile: Option<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// Models, profiles, ARNs.
    pub models: Vec<String>,
    /// Nothing that costs or destroys.
    pub read_only: bool,
    /// Theme.
    pub theme: Option<String>,
    /// The console itself.
    pub console: ConsoleChoices,
    /// Named warnings.
    pub warnings: WarningChoices,
    /// The limiter and its surroundings.
    pub limits: Limits,
    /// Retries.
    pub retry: Retry,
    /// Connections.
    pub connection: Connection,
    /// Metrics of our own.
    pub publish: Publish,
    /// Quotas by hand.
    pub quota: Vec<QuotaByHand>,
    /// Prices of models, where none is published or another one was agreed.
    pub price: Vec<PriceByHand>,
    /// Prices of model units, where none are published or others were agreed.
    pub provisioned_price: Vec<ProvisionedPrice>,
    /// Keys of the console that are not the table's.
    pub keys: Bindings,
    /// Labels and locks by account id.
    pub accounts: BTreeMap<String, Account>,
    /// What the file says, with its lines.
    #[serde(skip)]
    pub source: Source,
}

/// The console itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ConsoleChoices {
    /// What was picked is there at the next start; absent: it is.
    pub remember: Option<bool>,
    /// Who and whose account it is stays off the screen.
    pub privacy: bool,
}

/// Named warnings.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct WarningChoices {
    /// Names that nobody wants to hear of.
    pub mute: Vec<String>,
}

/// Metrics of our own in CloudWatch.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Publish {
    /// They are published.
    pub enabled: bool,
    /// Where they go.
    pub namespace: Option<String>,
}

/// The limiter and its surroundings.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// The rule.
    pub preset: Option<crate::limiter::Preset>,
    /// Percent of every quota.
    pub share: Option<f64>,
    /// Attempts in flight.
    pub concurrency: Option<u32>,
    /// May try for more than a configured quota.
    pub probe_above_quota: bool,
    /// What bought capacity has no room for goes on demand.
    pub spill: bool,
    /// `least-wait` or `round-robin`.
    pub routing: Option<String>,
    /// The numbers of the rule `adaptive`.
    pub adaptive: Adaptive,
}

/// The numbers of the rule `adaptive`; the limiter's own where the file says nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Adaptive {
    /// Factor on the rate at a throttle epoch.
    pub backoff: Option<f64>,
    /// Time of a return, seconds.
    pub return_s: Option<f64>,
    /// Time of a probe, seconds.
    pub probe_s: Option<f64>,
    /// Growth of the rate at the end of a probe, percent.
    pub probe_growth_percent: Option<f64>,
    /// Requests between two probes.
    pub requests_per_probe: Option<u32>,
    /// How the service is taken to meter.
    pub meter: Option<crate::limiter::MeterPin>,
}

/// Retries.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Retry {
    /// Attempts per record.
    pub max_attempts: Option<u32>,
    /// First delay, seconds.
    pub base_s: Option<f64>,
    /// Longest delay, seconds.
    pub cap_s: Option<f64>,
    /// Retries per hundred successes.
    pub budget_percent: Option<f64>,
}

/// Connections.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// Seconds to connect.
    pub connect_timeout_s: Option<f64>,
    /// Seconds for one attempt.
    pub attempt_timeout_s: Option<f64>,
    /// Seconds of silence in a stream.
    pub stream_gap_s: Option<f64>,
}

/// A quota by hand.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct QuotaByHand {
    /// Region.
    pub region: String,
    /// Model, profile or ARN.
    pub model: String,
    /// Requests per minute.
    pub rpm: Option<u64>,
    /// Tokens per minute.
    pub tpm: Option<u64>,
}

/// What the tokens of a model cost on demand, USD per million.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PriceByHand {
    /// Foundation model id.
    pub model: String,
    /// Input.
    pub input: Option<f64>,
    /// Output.
    pub output: Option<f64>,
    /// Input read from the cache; absent: not known.
    pub cache_read: Option<f64>,
    /// Input written to the cache; absent: not known.
    pub cache_write: Option<f64>,
}

/// What a unit of a provisioned model costs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ProvisionedPrice {
    /// Model id, with or without its context variant, or ARN.
    pub model: String,
    /// `none`, `one-month` or `six-months`; empty: none.
    pub commitment: String,
    /// USD per model unit and hour.
    pub usd_per_mu_hour: Option<f64>,
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Account {
    /// What to call it.
    pub label: Option<String>,
    /// Never written to.
    pub read_only: bool,
}

pub(super) fn keys(judge: JudgeBindings) -> Vec<Key> {
    let text = |name| Key { name, kind: Kind::Text };
    let number = |name, range| Key { name, kind: Kind::Number(range) };
    let whole = |name, most| Key { name, kind: Kind::Whole(1..=most) };
    let choice = |name, words: &[&'static str]| Key { name, kind: Kind::Choice(words.to_vec()) };
    let flag = |name| Key { name, kind: Kind::Bool };
    let names = NAMES.iter().map(|named| named.word).collect();
    vec![
        text("target"),
        text("profile"),
        Key { name: "regions", kind: Kind::Texts },
        Key { name: "models", kind: Kind::Texts },
        flag("read_only"),
        text("theme"),
        Key { name: "console", kind: Kind::Table(vec![flag("remember"), flag("privacy")]) },
        Key { name: "warnings", kind: Kind::Table(vec![Key { name: "mute", kind: Kind::Choices(names) }]) },
        Key {
            name: "limits",
            kind: Kind::Table(vec![
                choice("preset", &["adaptive", "classic", "token-bucket", "sliding-window"]),
                number("share", 1.0..=100.0),
                whole("concurrency", 5_000),
                flag("probe_above_quota"),
                flag("spill"),
                choice("routing", &["least-wait", "round-robin"]),
                Key {
                    name: "adaptive",
                    kind: Kind::Table(vec![
                        number("backoff", 0.5..=0.999),
                        number("return_s", 1.0..=600.0),
                        number("probe_s", 1.0..=3_600.0),
                        number("probe_growth_percent", 0.1..=400.0),
                        whole("requests_per_probe", 100_000),
                        choice("meter", &["auto", "bucket", "window"]),
                    ]),
                },
            ]),
        },
        Key {
            name: "retry",
            kind: Kind::Table(vec![
                whole("max_attempts", 50),
                number("base_s", 0.01..=60.0),
                number("cap_s", 0.1..=600.0),
                number("budget_percent", 0.1..=100.0),
            ]),
        },
        Key {
            name: "connection",
            kind: Kind::Table(vec![
                number("connect_timeout_s", 0.1..=60.0),
                number("attempt_timeout_s", 0.1..=3_600.0),
                number("stream_gap_s", 0.1..=600.0),
            ]),
        },
        Key { name: "publish", kind: Kind::Table(vec![flag("enabled"), text("namespace")]) },
        Key {
            name: "quota",
            kind: Kind::Tables(vec![
                text("region"),
                text("model"),
                whole("rpm", 1_000_000_000),
                whole("tpm", 1_000_000_000_000),
            ]),
        },
        Key {
            name: "price",
            kind: Kind::Tables(vec![
                text("model"),
                number("input", 0.0..=100_000.0),
                number("output", 0.0..=100_000.0),
                number("cache_read", 0.0..=100_000.0),
                number("cache_write", 0.0..=100_000.0),
            ]),
        },
        Key {
            name: "provisioned_price",
            kind: Kind::Tables(vec![
                text("model"),
                choice("commitment", &["none", "one-month", "six-months"]),
                number("usd_per_mu_hour", 0.01..=100_000.0),
            ]),
        },
        Key { name: "keys", kind: Kind::Bindings(judge) },
        Key { name: "accounts", kind: Kind::Named(vec![text("label"), flag("read_only")]) },
    ]
}

impl Config {
    /// Reads the file if it is there; an absent file is an empty one. What its keys mean `judge` knows.
    ///
    /// # Errors
    /// It cannot be read, or everything that is wrong with it.
    pub fn load(path: &Path, judge: JudgeBindings) -> Result<Config, ConfigErrors> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Config::parse(&file, &text, judge),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
            Err(error) => Err(ConfigErrors { file, errors: vec![format!("cannot be read: {error}")] }),
        }
    }

    /// Checks and reads a text.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &str, text: &str, judge: JudgeBindings) -> Result<Config, ConfigErrors> {
        let table = check(file, text, &keys(judge))?;
        let config = Config::deserialize(table)
            .map_err(|error| ConfigErrors { file: file.to_string(), errors: vec![error.to_string()] })?;
        Ok(Config { source: Source::read(file, text), ..config })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Takes whatever stands there: names and keys are the console's.
    pub fn any(_: &BTreeMap<String, Vec<String>>) -> Vec<String> {
        Vec::new()
    }

    /// The default with everything that is commented out said.
    pub fn uncommented() -> String {
        default_text()
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest)
                    if rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(k, _)| !k.contains(' ')) =>
                {
                    rest
                }
                _ => line,
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn the_default_is_valid_as_it_stands_and_with_everything_uncommented() {
        let config = Config::parse("default", default_text(), any).unwrap();
        assert_eq!(config.limits.concurrency, Some(64));
        let config = Config::parse("default", &uncommented(), any).unwrap();
        assert_eq!(config.target.as_deref(), Some("sim"));
        assert_eq!(config.quota[0].rpm, Some(200));
        assert_eq!((config.price[0].input, config.price[0].cache_write), (Some(2.4), Some(3.0)));
        assert_eq!(config.provisioned_price[0].usd_per_mu_hour, Some(22.0));
        assert!(config.accounts["123456789012"].read_only);
        assert_eq!(config.keys.as_map()["load.pause"], ["F5"]);
    }

    #[test]
    fn errors_name_key_value_and_choice() {
        let errors = Config::parse("c.toml", "[limits]\npreset = \"adaptve\"\nshare = 0", any).unwrap_err().to_string();
        assert!(errors.contains("limits.preset = \"adaptve\"") && errors.contains("`adaptive`"), "{errors}");
        assert!(errors.contains("limits.share = 0: expected a number from 1 to 100"), "{errors}");
        let errors = Config::parse("c.toml", "[warnings]\nmute = [\"breaker-opn\", 3]", any).unwrap_err().to_string();
        assert!(
            errors.contains("warnings.mute[0] = \"breaker-opn\"") && errors.contains("did you mean `breaker-open`?"),
            "{errors}"
        );
        assert!(errors.contains("warnings.mute[1] = 3: expected one of over-reserved, "), "{errors}");
    }
}
