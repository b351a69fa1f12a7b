//! Every value in force and who said it: flag before file before environment before default.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::settings::{SETTINGS, find};

/// Who said a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Nobody: the default.
    Default,
    /// The configuration file.
    File {
        /// Its path.
        path: String,
        /// The line, from 1.
        line: usize,
    },
    /// A flag of the command line.
    Flag(String),
    /// A variable of the environment.
    Environment(String),
    /// It was found there: the scenario, the profile, Service Quotas.
    Found(String),
    /// It was changed while the program ran.
    Session,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{path}:{line}"),
            Origin::Flag(flag) => write!(f, "flag {flag}"),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Found(place) => f.write_str(place),
            Origin::Session => f.write_str("session (changed live)"),
        }
    }
}

/// A value in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effective {
    /// Its key in the file; empty: it has none.
    pub key: String,
    /// What it is called.
    pub name: String,
    /// The part of the file that it belongs to.
    pub group: String,
    /// The value, without quotes.
    pub value: String,
    /// Its unit; empty: none.
    pub unit: String,
    /// Who said it.
    pub origin: Origin,
    /// One sentence.
    pub meaning: String,
    /// What is allowed.
    pub allowed: String,
    /// What holds where nobody says anything.
    pub default: String,
    /// The value stands in quotes.
    pub quoted: bool,
}

impl Effective {
    /// The value with its unit.
    #[must_use]
    pub fn shown(&self) -> String {
        numbered(&self.value, &self.unit)
    }

    /// What holds where nobody says anything, with its unit.
    #[must_use]
    pub fn default_shown(&self) -> String {
        numbered(&self.default, &self.unit)
    }

    /// The lines that say it in the file; `None`: it has no key.
    #[must_use]
    pub fn toml(&self) -> Option<String> {
        if self.key.is_empty() {
            return None;
        }
        let (table, name) = self.key.rsplit_once('.').unwrap_or(("", &self.key));
        let value = if self.quoted { toml::Value::String(self.value.clone()).to_string() } else { self.value.clone() };
        Some(match table.split_once('[') {
            Some((list, _)) => format!("[[{list}]]\n{name} = {value}"),
            None if table.is_empty() => format!("{name} = {value}"),
            None => format!("[{table}]\n{name} = {value}"),
        })
    }
}

/// A number with its unit; words stay as they are.
fn numbered(text: &str, unit: &str) -> String {
    let number = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
    if number && !unit.is_empty() { format!("{text} {unit}") } else { text.to_owned() }
}

/// What a file says, with its lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    path: String,
    said: BTreeMap<String, (String, usize)>,
}

impl Source {
    /// Reads a text that has been checked; of one that is no TOML nothing.
    pub(super) fn read(path: &str, text: &str) -> Source {
        let mut source = Source { path: path.to_owned(), said: BTreeMap::new() };
        if let Ok(table) = DeTable::parse(text) {
            source.table("", table.get_ref(), text);
        }
        source
    }

    fn table(&mut self, before: &str, table: &DeTable<'_>, text: &str) {
        for (name, value) in table {
            let here =
                if before.is_empty() { name.get_ref().to_string() } else { format!("{before}.{}", name.get_ref()) };
            let line = text.get(..name.span().start).map_or(0, |above| above.matches('\n').count()) + 1;
            self.put(here, value, line, text);
        }
    }

    fn put(&mut self, key: String, value: &Spanned<DeValue<'_>>, line: usize, text: &str) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(&key, table, text),
            DeValue::Array(list) if list.iter().any(|item| item.get_ref().is_table()) => {
                for (at, item) in list.iter().enumerate() {
                    self.put(format!("{key}[{at}]"), item, line, text);
                }
            }
            DeValue::String(said) => drop(self.said.insert(key, (said.to_string(), line))),
            // As it stands there: a number, true or false, a list of texts.
            _ => {
                let said = text.get(value.span()).unwrap_or_default();
                let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
                self.said.insert(key, (plain(said), line));
            }
        }
    }

    /// The keys that it says something of.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.said.keys().map(String::as_str)
    }

    /// What it says of a key, without quotes.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.said.get(key).map(|(value, _)| value.as_str())
    }

    /// Where it says it.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<Origin> {
        let (_, line) = self.said.get(key)?;
        Some(Origin::File { path: self.path.clone(), line: *line })
    }
}

/// `12.0` and `1_000` as numbers are written elsewhere: `12`, `1000`.
fn plain(said: String) -> String {
    let digits: String = said.chars().filter(|c| *c != '_').collect();
    digits.parse::<f64>().ok().filter(|number| number.is_finite()).map_or(said, |number| number.to_string())
}

/// A value that something else than the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its key.
    pub key: &'static str,
    /// The value, without quotes.
    pub value: String,
    /// Who says it.
    pub origin: Origin,
}

/// Everything that says anything.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Flags: they win.
    pub flags: Vec<Said>,
    /// The file.
    pub file: Source,
    /// The environment, and what was found at the target: they hold where flags and file say nothing.
    pub found: Vec<Said>,
}

impl Layers {
    /// Every value in force, in the order of the file.
    #[must_use]
    pub fn effective(&self) -> Vec<Effective> {
        let alone = SETTINGS.iter().filter(|setting| setting.stands_alone()).map(|setting| setting.key.to_owned());
        let more = self.file.keys().filter(|key| find(key).is_some_and(|setting| !setting.stands_alone()));
        let keys: Vec<String> = alone.chain(more.map(str::to_owned)).collect();
        keys.iter().filter_map(|key| self.of(key)).collect()
    }

    fn of(&self, key: &str) -> Option<Effective> {
        let setting = find(key)?;
        let said = |all: &[Said]| {
            all.iter().find(|said| said.key == key).map(|said| (said.value.clone(), said.origin.clone()))
        };
        let file = || Some((self.file.value(key)?.to_owned(), self.file.origin(key)?));
        let (value, origin) = said(&self.flags)
            .or_else(file)
            .or_else(|| said(&self.found))
            .unwrap_or_else(|| (setting.default.to_owned(), Origin::Default));
        let quoted = setting.quoted(&value);
        Some(Effective {
            key: key.to_owned(),
            name: key.rsplit_once('.').map_or(key, |(_, name)| name).to_owned(),
            group: group(key),
            value,
            unit: setting.unit.to_owned(),
            origin,
            meaning: setting.meaning.to_owned(),
            allowed: setting.allowed(),
            default: setting.default.to_owned(),
            quoted,
        })
    }
}

/// The part of the file that a key belongs to, as the file writes it.
fn group(key: &str) -> String {
    match key.rsplit_once('.') {
        None => "General".to_owned(),
        Some((table, _)) => format!("[{table}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\nprofile = \"prod\"\nregions = [\"us-east-1\",\n  \"us-west-2\"]\n\n[limits]\nshare = 60.0\n\
                        [[quota]]\nrpm = 1_000\n[accounts.123456789012]\nlabel = \"production\"\n";

    fn layers() -> Layers {
        let flag = |key, value: &str, flag: &str| Said { key, value: value.into(), origin: Origin::Flag(flag.into()) };
        Layers {
            flags: vec![flag("profile", "spare", "--profile")],
            file: Source::read("c.toml", TEXT),
            found: vec![
                Said { key: "profile", value: "env".into(), origin: Origin::Environment("AWS_PROFILE".into()) },
                Said { key: "models", value: "[\"m\"]".into(), origin: Origin::Found("the scenario".into()) },
            ],
        }
    }

    #[test]
    fn a_number_has_its_unit_and_words_have_none() {
        assert_eq!(numbered("12.5", "s"), "12.5 s");
        assert_eq!(numbered("80 on aws, 100 on a simulator", "%"), "80 on aws, 100 on a simulator");
        assert_eq!((numbered("", "s"), numbered("3", "")), (String::new(), "3".to_owned()));
    }

    #[test]
    fn each_value_is_of_the_one_who_wins() {
        let all = layers().effective();
        let of = |key: &str| {
            let one = all.iter().find(|one| one.key == key).unwrap();
            (one.value.clone(), one.origin.to_string())
        };
        let is = |key: &str, value: &str, origin: &str| assert_eq!(of(key), (value.to_owned(), origin.to_owned()));
        is("profile", "spare", "flag --profile");
        is("regions", "[\"us-east-1\", \"us-west-2\"]", "c.toml:3");
        is("limits.share", "60", "c.toml:7");
        is("quota[0].rpm", "1000", "c.toml:9");
        is("accounts.123456789012.label", "production", "c.toml:11");
        is("models", "[\"m\"]", "the scenario");
        is("retry.cap_s", "20", "default");
    }

    #[test]
    fn a_value_can_be_written_down_again() {
        let all = layers().effective();
        let toml = |key: &str| all.iter().find(|one| one.key == key).unwrap().toml().unwrap();
        assert_eq!(toml("profile"), "profile = \"spare\"");
        assert_eq!(toml("limits.share"), "[limits]\nshare = 60");
        assert_eq!(toml("quota[0].rpm"), "[[quota]]\nrpm = 1000");
        for one in all.iter().filter(|one| one.origin != Origin::Default) {
            let text = one.toml().unwrap();
            assert!(super::super::Config::parse("again", &text, |_| Vec::new()).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_toml_says_nothing() {
        assert_eq!(Source::read("c.toml", "share = ").keys().count(), 0);
    }
}
