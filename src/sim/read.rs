//! Reading a scenario file, with everything that is wrong in it at once.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::scenario::{Fault, QuotaSpec, RegionSpec, Scenario, TenantSpec};

const TOP: [&str; 10] =
    ["account", "seed", "speed", "tpd", "output_tokens", "output_sigma", "region", "quota", "tenant", "fault"];
const REGION: [&str; 3] = ["name", "ttft_ms", "tokens_per_second"];
const QUOTA: [&str; 9] =
    ["region", "model", "rpm", "tpm", "tpd", "published", "reject_charge", "meter", "burst_seconds"];
const TENANT: [&str; 3] = ["region", "model", "tokens_per_minute"];
const FAULT: [&str; 8] = ["region", "kind", "service", "operation", "model", "at_s", "for_s", "rate"];

/// How alike a wrong key and a right one must be for "did you mean".
const ALIKE: f64 = 0.7;

impl Scenario {
    /// Reads a scenario from TOML. Values are checked for their type here and for their range by
    /// [`resolve`](Scenario::resolve), which the simulator does at its start.
    ///
    /// # Errors
    /// Every unknown key and every value of a wrong type, one line each; or the one place where it is no TOML.
    pub fn read(text: &str) -> Result<Scenario, Vec<String>> {
        let table: Table =
            text.parse().map_err(|error: toml::de::Error| vec![error.to_string().trim_end().to_owned()])?;
        let mut errors = Vec::new();
        for (key, value) in &table {
            match key.as_str() {
                "region" => elements::<RegionSpec>(key, value, &REGION, &Table::new(), &mut errors),
                "quota" => elements::<QuotaSpec>(key, value, &QUOTA, &Table::new(), &mut errors),
                "tenant" => elements::<TenantSpec>(key, value, &TENANT, &Table::new(), &mut errors),
                "fault" => {
                    // A fault needs its kind: any stands in for it while the other keys are looked at.
                    let kind = Table::from_iter([("kind".to_owned(), Value::from("outage"))]);
                    elements::<Fault>(key, value, &FAULT, &kind, &mut errors);
                }
                _ => member::<Scenario>(key, key, value, &TOP, &Table::new(), &mut errors),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Value::Table(table).try_into().map_err(|error: toml::de::Error| vec![error.message().to_owned()])
    }
}

/// Looks at each table of an array, and at each of its keys by itself.
fn elements<T: DeserializeOwned>(key: &str, value: &Value, known: &[&str], needed: &Table, errors: &mut Vec<String>) {
    let Value::Array(tables) = value else {
        errors.push(format!("{key} = {}: write [[{key}]], it may be there several times", short(value)));
        return;
    };
    for (index, table) in tables.iter().enumerate() {
        let place = format!("{key}[{index}]");
        let Value::Table(table) = table else {
            errors.push(format!("{place} = {}: must be a table", short(table)));
            continue;
        };
        for (name, value) in table {
            member::<T>(&format!("{place}.{name}"), name, value, known, needed, errors);
        }
        errors.extend(
            needed.keys().filter(|name| !table.contains_key(*name)).map(|name| format!("{place}.{name}: is missing")),
        );
    }
}

/// Looks at one key by itself: is it known, and has its value the right type?
fn member<T: DeserializeOwned>(
    place: &str,
    name: &str,
    value: &Value,
    known: &[&str],
    needed: &Table,
    errors: &mut Vec<String>,
) {
    if !known.contains(&name) {
        let alike = |other: &&str| strsim::jaro_winkler(name, other);
        let nearest =
            known.iter().copied().max_by(|a, b| alike(a).total_cmp(&alike(b))).filter(|near| alike(near) > ALIKE);
        let hint =
            nearest.map_or_else(|| format!("known are {}", known.join(", ")), |near| format!("did you mean {near}?"));
        errors.push(format!("{place}: unknown key; {hint}"));
        return;
    }
    let mut alone = needed.clone();
    alone.insert(name.to_owned(), value.clone());
    if let Err(error) = Value::Table(alone).try_into::<T>() {
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        errors.push(format!("{place} = {}: {message}", short(value)));
    }
}

/// A value for a message.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::{FaultKind, MeterKind};
    use super::*;

    #[test]
    fn every_key_is_read() {
        let scenario = Scenario::read(
            r#"
            account = "123456789012"
            seed = 3
            speed = 2
            tpd = 100
            output_tokens = 10
            output_sigma = 0.1
            [[region]]
            name = "us-east-1"
            ttft_ms = 1
            tokens_per_second = 2.5
            [[quota]]
            region = "us-east-1"
            model = "m"
            rpm = 1
            tpm = 2
            tpd = 3
            published = false
            reject_charge = 0.5
            meter = "sliding"
            burst_seconds = 4
            [[tenant]]
            region = "us-east-1"
            model = "m"
            tokens_per_minute = 5
            [[fault]]
            region = "us-east-1"
            kind = "not_ready"
            service = "bedrock"
            operation = "Converse"
            model = "m"
            at_s = 1
            for_s = 2
            rate = 1
            "#,
        )
        .unwrap();
        assert_eq!((scenario.seed, scenario.tpd, scenario.output_tokens), (3, 100, 10.0));
        assert_eq!(scenario.quotas[0].meter, MeterKind::Sliding);
        assert_eq!(scenario.faults[0].kind, FaultKind::NotReady);
        assert_eq!(Scenario::read("").unwrap(), Scenario::default());
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let errors = Scenario::read(
            "acount = \"1\"\nseed = \"x\"\nregion = 3\n[[quota]]\nrpn = 1\nrpm = -1\nmeter = \"bukket\"\n[[fault]]\nat_s = 1\n[[fault]]\nkind = \"quake\"\nrate = \"all\"",
        )
        .unwrap_err()
        .join("\n");
        for wanted in [
            "acount: unknown key; did you mean account?",
            "seed = \"x\": invalid type",
            "region = 3: write [[region]]",
            "quota[0].rpn: unknown key; did you mean rpm?",
            "quota[0].rpm = -1: ",
            "quota[0].meter = \"bukket\": unknown variant `bukket`, expected one of `bucket`, `minute`, `sliding`",
            "fault[0].kind: is missing",
            "fault[1].kind = \"quake\": unknown variant",
            "fault[1].rate = \"all\": invalid type",
        ] {
            assert!(errors.contains(wanted), "{wanted} is not in\n{errors}");
        }
        assert_eq!(Scenario::read("a = [").unwrap_err().len(), 1);
    }
}
