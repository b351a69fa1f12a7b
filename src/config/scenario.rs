//! Scenario files of the simulator.

use std::path::Path;

use serde::Deserialize;

use crate::sim::Scenario;

use super::strict::{ConfigErrors, Key, Kind, check};

const FAULTS: [&str; 14] = [
    "outage",
    "brownout",
    "latency",
    "throttle",
    "capacity",
    "not_ready",
    "reset",
    "stall",
    "truncate",
    "stream_error",
    "malformed",
    "denied",
    "expired",
    "lost_reply",
];

fn keys() -> Vec<Key> {
    let text = |name| Key { name, kind: Kind::Text };
    let whole = |name, most| Key { name, kind: Kind::Whole(0..=most) };
    let number = |name, range| Key { name, kind: Kind::Number(range) };
    const MANY: i64 = 1_000_000_000_000;
    vec![
        text("account"),
        whole("seed", i64::MAX),
        number("speed", 0.001..=1e6),
        whole("tpd", MANY * 1_000),
        number("output_tokens", 1.0..=1e6),
        number("output_sigma", 0.0..=5.0),
        number("metric_delay_s", 0.0..=86_400.0),
        Key {
            name: "region",
            kind: Kind::Tables(vec![
                text("name"),
                number("ttft_ms", 0.0..=600_000.0),
                number("tokens_per_second", 0.1..=1e6),
            ]),
        },
        Key {
            name: "quota",
            kind: Kind::Tables(vec![
                text("region"),
                text("model"),
                whole("rpm", MANY),
                whole("tpm", MANY),
                whole("tpd", MANY * 1_000),
                Key { name: "published", kind: Kind::Bool },
                number("reject_charge", 0.0..=1.0),
                Key { name: "meter", kind: Kind::Choice(vec!["bucket", "minute", "sliding", "guarded"]) },
                number("burst_seconds", 0.01..=86_400.0),
            ]),
        },
        Key {
            name: "tenant",
            kind: Kind::Tables(vec![
                text("region"),
                text("model"),
                number("tokens_per_minute", 0.0..=1e12),
                Key { name: "shape", kind: Kind::Choice(vec!["steady", "day", "bursts"]) },
            ]),
        },
        Key {
            name: "fault",
            kind: Kind::Tables(vec![
                text("region"),
                Key { name: "kind", kind: Kind::Choice(FAULTS.to_vec()) },
                text("service"),
                text("operation"),
                text("model"),
                number("at_s", 0.0..=1e9),
                number("for_s", 0.0..=1e9),
                number("rate", 0.0..=1.0),
            ]),
        },
        Key {
            name: "service_quota",
            kind: Kind::Tables(vec![text("code"), number("value", 0.0..=1e15), text("region")]),
        },
        Key {
            name: "provisioned",
            kind: Kind::Tables(vec![
                text("region"),
                text("name"),
                text("model"),
                whole("units", 1_000_000),
                Key { name: "commitment", kind: Kind::Choice(vec!["none", "one_month", "six_months"]) },
                number("age_hours", 0.0..=100_000.0),
            ]),
        },
        Key {
            name: "job",
            kind: Kind::Tables(vec![
                text("region"),
                text("name"),
                text("model"),
                whole("records", 1_000_000),
                number("age_minutes", 0.0..=1_000_000.0),
                number("error_rate", 0.0..=1.0),
            ]),
        },
        number("batch_error_rate", 0.0..=1.0),
    ]
}

/// Reads and checks a scenario.
///
/// # Errors
/// The file cannot be read, or everything that is wrong with it.
pub fn load_scenario(path: &Path) -> Result<Scenario, ConfigErrors> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigErrors { file: file.clone(), errors: vec![format!("cannot be read: {error}")] })?;
    parse_scenario(&file, &text)
}

fn parse_scenario(file: &str, text: &str) -> Result<Scenario, ConfigErrors> {
    let table = check(file, text, &keys())?;
    let mut errors = required(&table);
    match Scenario::deserialize(table) {
        Ok(scenario) if errors.is_empty() => Ok(scenario),
        Ok(_) => Err(ConfigErrors { file: file.to_string(), errors }),
        Err(error) => {
            errors.push(error.to_string());
            Err(ConfigErrors { file: file.to_string(), errors })
        }
    }
}

/// Keys without which an entry means nothing.
fn required(table: &toml::Table) -> Vec<String> {
    let needs: [(&str, &[&str]); 7] = [
        ("region", &["name"]),
        ("quota", &["region", "model"]),
        ("tenant", &["region", "model", "tokens_per_minute"]),
        ("fault", &["kind"]),
        ("service_quota", &["code", "value"]),
        ("provisioned", &["region", "name", "model"]),
        ("job", &["region", "name", "model"]),
    ];
    let mut errors = Vec::new();
    for (list, keys) in needs {
        let entries = table.get(list).and_then(toml::Value::as_array).into_iter().flatten();
        for (index, entry) in entries.enumerate() {
            for key in keys {
                if entry.get(key).is_none() {
                    errors.push(format!("{list}[{index}]: `{key}` is missing"));
                }
            }
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Commitment, FaultKind, MeterKind, Shape};

    #[test]
    fn the_documented_scenario_is_read_as_it_says() {
        let text = r#"
account = "123456789012"
seed = 7
speed = 1.0
tpd = 700000000
output_tokens = 300
[[region]]
name = "us-east-1"
ttft_ms = 400
tokens_per_second = 80
[[quota]]
region = "us-east-1"
model = "anthropic.claude-3-haiku-20240307-v1:0"
rpm = 60
tpm = 100000
published = true
reject_charge = 0.0
meter = "sliding"
burst_seconds = 60
[[tenant]]
region = "us-east-1"
model = "anthropic.claude-3-haiku-20240307-v1:0"
tokens_per_minute = 30000
shape = "bursts"
[[fault]]
region = "us-west-2"
kind = "lost_reply"
at_s = 30
for_s = 20
rate = 1.0
[[service_quota]]
code = "L-9C8C5911"
value = 4
[[provisioned]]
region = "us-east-1"
name = "pilot"
model = "amazon.nova-pro-v1:0:24k"
units = 2
commitment = "one_month"
age_hours = 6
[[job]]
region = "us-east-1"
name = "nightly"
model = "amazon.nova-lite-v1:0"
records = 500
age_minutes = 30
error_rate = 0.02
"#;
        let scenario = parse_scenario("s.toml", text).unwrap();
        assert_eq!(scenario.quotas[0].rpm, Some(60));
        assert_eq!(scenario.quotas[0].meter, MeterKind::Sliding);
        assert_eq!(scenario.quotas[0].tpd, None);
        assert_eq!(scenario.tenants[0].shape, Shape::Bursts);
        assert_eq!(scenario.faults[0].kind, FaultKind::LostReply);
        assert_eq!((scenario.service_quotas[0].value, scenario.service_quotas[0].region.as_deref()), (4.0, None));
        assert_eq!((scenario.provisioned[0].units, scenario.provisioned[0].commitment), (2, Commitment::OneMonth));
        assert_eq!((scenario.jobs[0].records, scenario.jobs[0].error_rate), (500, 0.02));
        assert_eq!(parse_scenario("s.toml", "").unwrap(), Scenario::default());
    }

    #[test]
    fn every_fault_kind_has_its_name() {
        for name in FAULTS {
            let scenario = parse_scenario("s.toml", &format!("[[fault]]\nkind = \"{name}\"")).unwrap();
            let again = serde_json::to_value(scenario.faults[0].kind).unwrap();
            assert_eq!(again, name);
        }
    }

    #[test]
    fn an_unknown_shape_is_refused_with_the_words_that_are_known() {
        let tenant = "[[tenant]]\nregion = \"us-east-1\"\nmodel = \"m\"\ntokens_per_minute = 1\n";
        let error = parse_scenario("s.toml", &format!("{tenant}shape = \"burst\"")).unwrap_err().to_string();
        assert!(error.contains("tenant[0].shape = \"burst\": expected one of steady, day, bursts"), "{error}");
        assert!(error.contains("did you mean `bursts`?"), "{error}");
        assert_eq!(parse_scenario("s.toml", tenant).unwrap().tenants[0].shape, Shape::Steady);
    }

    #[test]
    fn entries_without_their_subject_are_refused() {
        let errors = parse_scenario("s.toml", "[[quota]]\nrpm = 3\n[[tenant]]\nregion = \"x\"\n[[region]]\n[[job]]")
            .unwrap_err();
        assert_eq!(errors.errors.len(), 8, "{errors}");
    }
}
