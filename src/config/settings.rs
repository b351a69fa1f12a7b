//! Every key of the configuration file in one table: unit, meaning, default. What is allowed behind a key is said once,
//! by the checks of the file.

use super::file::keys;
use super::strict::{Key, Kind};

/// A key of the file. `[]` stands for the number of a table in a list, `ID` for a name of the user's,
/// `ACTION` for one of the console's.
#[derive(Debug)]
pub struct Setting {
    /// Its path: `limits.share`, `quota[].rpm`, `accounts.ID.label`.
    pub key: &'static str,
    /// Unit of its number; empty: none.
    pub unit: &'static str,
    /// One sentence.
    pub meaning: &'static str,
    /// What holds where nothing is said: a value, or words where that depends on something else.
    pub default: &'static str,
}

const fn row(key: &'static str, default: &'static str, unit: &'static str, meaning: &'static str) -> Setting {
    Setting { key, unit, meaning, default }
}

/// The table, in the order of the file.
pub static SETTINGS: [Setting; 42] = [
    row(
        "target",
        "sim",
        "",
        "Where calls go: the simulator inside, aws, or the URL of a running simulator or gateway.",
    ),
    row("profile", "what the AWS SDK finds", "", "AWS profile for target aws."),
    row("regions", "of the scenario, of AWS_REGION", "", "Regions that load goes to."),
    row(
        "models",
        "of the scenario; on aws none",
        "",
        "Foundation models, inference profiles or ARNs that load goes to.",
    ),
    row("read_only", "false", "", "Nothing that costs or destroys is offered."),
    row("theme", "dusk", "", "Colours of the console; t picks another one live."),
    row(
        "console.remember",
        "true",
        "",
        "What was picked in the console (theme, screen, sort orders) is there at the next start.",
    ),
    row(
        "console.privacy",
        "false",
        "",
        "Account ids, callers, profile, labels and buckets are masked in everything drawn.",
    ),
    row(
        "warnings.mute",
        "none",
        "",
        "Named warnings that nobody wants to hear of; m in the list (w) mutes for a session.",
    ),
    row("limits.preset", "adaptive", "", "The limiter's rule."),
    row("limits.share", "80 on aws, 100 on a simulator", "%", "Part of every quota that this process may use."),
    row("limits.concurrency", "64", "", "Attempts in flight at once."),
    row(
        "limits.probe_above_quota",
        "false",
        "",
        "adaptive: may try for more than a configured quota; takes capacity from others on the account.",
    ),
    row("limits.spill", "false", "", "What a provisioned model has no room for goes on demand, paid by the token."),
    row("limits.routing", "least-wait", "", "How a route is chosen among several."),
    row("limits.adaptive.backoff", "0.97", "x", "Factor on the rate at a throttle epoch that tells nothing better."),
    row(
        "limits.adaptive.return_s",
        "12",
        "s",
        "After so long a rate that was backed off is back at what was measured.",
    ),
    row("limits.adaptive.probe_s", "18", "s", "After so long a probe has grown the rate by the probe growth."),
    row("limits.adaptive.probe_growth_percent", "15", "%", "Growth of the rate at the end of a probe."),
    row(
        "limits.adaptive.requests_per_probe",
        "320",
        "",
        "Probes that only confirm the limit get rarer until so many requests pass between two.",
    ),
    row("limits.adaptive.meter", "auto", "", "How the service is taken to meter."),
    row("retry.max_attempts", "6", "", "Attempts per record; throttles and capacity do not count in adaptive."),
    row("retry.base_s", "1", "s", "First delay of a retry."),
    row("retry.cap_s", "20", "s", "Longest delay of a retry."),
    row(
        "retry.budget_percent",
        "10",
        "%",
        "Retries per hundred successes; an empty budget delays and never fails a record.",
    ),
    row("connection.connect_timeout_s", "3.1", "s", "Longest time to connect."),
    row("connection.attempt_timeout_s", "300", "s", "Longest duration of one attempt."),
    row("connection.stream_gap_s", "30", "s", "Longest silence between two events of a stream."),
    row("publish.enabled", "false", "", "A run puts its own metrics into CloudWatch once a minute: each costs."),
    row("publish.namespace", "Custom/Bedrock", "", "The namespace that they go to."),
    row("quota[].region", "all", "", "Region of a quota by hand."),
    row("quota[].model", "all", "", "Model, profile or ARN of a quota by hand."),
    row("quota[].rpm", "what the account says", "RPM", "Requests per minute, where Service Quotas does not tell."),
    row("quota[].tpm", "what the account says", "TPM", "Tokens per minute, where Service Quotas does not tell."),
    row("price[].model", "none", "", "Model of a price by hand; it holds for all profiles of the model."),
    row("price[].input", "the catalogue's", "USD per million tokens", "Price of input on demand."),
    row("price[].output", "the catalogue's", "USD per million tokens", "Price of output on demand."),
    row("price[].cache_read", "unknown", "USD per million tokens", "Price of input that is read from the cache."),
    row("price[].cache_write", "unknown", "USD per million tokens", "Price of input that is written to the cache."),
    row("provisioned_price[].model", "none", "", "Model whose units have a price by hand."),
    row("provisioned_price[].commitment", "none", "", "Commitment that the price by hand is for."),
    row(
        "provisioned_price[].usd_per_mu_hour",
        "the published one",
        "USD per model unit and hour",
        "Price of a model unit by hand.",
    ),
];

/// The keys under names of the user's: of an account, of an action.
pub static NAMED_SETTINGS: [Setting; 3] = [
    row("keys.ACTION", "of the table of actions", "", "Keys of an action; ? and the palette show them all."),
    row("accounts.ID.label", "none", "", "What to call the account."),
    row("accounts.ID.read_only", "false", "", "The account is never written to."),
];

/// The row of a key, be it of the file (`quota[3].rpm`) or of the table (`quota[].rpm`).
#[must_use]
pub fn find(key: &str) -> Option<&'static Setting> {
    let pattern = pattern(key);
    SETTINGS.iter().chain(&NAMED_SETTINGS).find(|setting| setting.key == pattern)
}

/// A key of the file as the table has it.
fn pattern(key: &str) -> String {
    if key.starts_with("keys.") {
        return "keys.ACTION".to_owned();
    }
    if let Some((_, name)) = key.strip_prefix("accounts.").and_then(|rest| rest.rsplit_once('.')) {
        return format!("accounts.ID.{name}");
    }
    match (key.find('['), key.find(']')) {
        (Some(open), Some(close)) if open < close => format!("{}[]{}", &key[..open], &key[close + 1..]),
        _ => key.to_owned(),
    }
}

impl Setting {
    /// Whether it can have a value before anything is said: not the parts of tables that somebody has to write first.
    #[must_use]
    pub fn stands_alone(&self) -> bool {
        SETTINGS.iter().any(|row| row.key == self.key) && !self.key.contains("[]")
    }

    /// What may stand behind it, in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        kind_of(&checks(), "", self.key).as_ref().map(in_words).unwrap_or_default()
    }

    /// Whether this value of it stands in quotes.
    #[must_use]
    pub fn quoted(&self, value: &str) -> bool {
        match kind_of(&checks(), "", self.key) {
            Some(Kind::Text | Kind::Choice(_)) => true,
            // One key, or a list of them.
            Some(Kind::Bindings(_)) => !(value.len() > 1 && value.starts_with('[')),
            _ => false,
        }
    }
}

/// The checks of the file. Nothing is judged here.
fn checks() -> Vec<Key> {
    keys(|_| Vec::new())
}

fn in_words(kind: &Kind) -> String {
    match kind {
        Kind::Text => "a text".to_owned(),
        Kind::Bool => "true, false".to_owned(),
        Kind::Whole(range) => format!("{} to {}, whole", range.start(), range.end()),
        Kind::Number(range) => format!("{} to {}", range.start(), range.end()),
        Kind::Choice(words) => words.join(", "),
        Kind::Texts => "a list of texts".to_owned(),
        Kind::Choices(words) => format!("a list of {}", words.join(", ")),
        Kind::Bindings(_) => "a key, a list of keys, none".to_owned(),
        Kind::Table(_) | Kind::Tables(_) | Kind::Named(_) => "a table".to_owned(),
    }
}

fn kind_of(keys: &[Key], before: &str, wanted: &str) -> Option<Kind> {
    keys.iter().find_map(|key| {
        let here = if before.is_empty() { key.name.to_owned() } else { format!("{before}.{}", key.name) };
        match &key.kind {
            Kind::Table(keys) => kind_of(keys, &here, wanted),
            Kind::Tables(keys) => kind_of(keys, &format!("{here}[]"), wanted),
            Kind::Named(keys) => kind_of(keys, &format!("{here}.ID"), wanted),
            Kind::Bindings(_) => (format!("{here}.ACTION") == wanted).then(|| key.kind.clone()),
            kind => (here == wanted).then(|| kind.clone()),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::effective::Source;
    use super::super::file::default_text;
    use super::*;

    fn leaves(keys: &[Key], before: &str, all: &mut BTreeSet<String>) {
        for key in keys {
            let here = if before.is_empty() { key.name.to_owned() } else { format!("{before}.{}", key.name) };
            match &key.kind {
                Kind::Table(keys) => leaves(keys, &here, all),
                Kind::Tables(keys) => leaves(keys, &format!("{here}[]"), all),
                Kind::Named(keys) => leaves(keys, &format!("{here}.ID"), all),
                Kind::Bindings(_) => assert!(all.insert(format!("{here}.ACTION"))),
                _ => assert!(all.insert(here)),
            }
        }
    }

    fn table() -> BTreeSet<String> {
        SETTINGS.iter().chain(&NAMED_SETTINGS).map(|setting| setting.key.to_owned()).collect()
    }

    #[test]
    fn the_table_has_every_key_that_the_file_may_have_and_no_other() {
        let mut all = BTreeSet::new();
        leaves(&checks(), "", &mut all);
        assert_eq!(all, table());
        for setting in SETTINGS.iter().chain(&NAMED_SETTINGS) {
            assert!(setting.meaning.ends_with('.') && !setting.allowed().is_empty(), "{}", setting.key);
        }
    }

    #[test]
    fn the_printed_default_has_every_key_with_the_value_of_the_table() {
        let whole = super::super::file::tests::uncommented();
        let said: BTreeSet<String> = Source::read("default", &whole).keys().map(pattern).collect();
        assert_eq!(said, table());
        // What is not commented out is the default itself.
        let stands = Source::read("default", default_text());
        assert!(stands.keys().count() > 20);
        for key in stands.keys() {
            assert_eq!(stands.value(key), Some(find(key).unwrap().default), "{key}");
        }
    }
}
