//! The section `[keys]`: actions by name, and their keys. What a name or a key means is the console's to know.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

/// Says what is wrong with bindings, a line each.
pub type JudgeBindings = fn(&BTreeMap<String, Vec<String>>) -> Vec<String>;

/// Keys by the name of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings(BTreeMap<String, Vec<String>>);

impl Bindings {
    /// Keys by the name of an action.
    #[must_use]
    pub const fn as_map(&self) -> &BTreeMap<String, Vec<String>> {
        &self.0
    }

    /// Reads a table. `load.pause = "F5"` is a table in a table to TOML, `"load.pause" = "F5"` is not: both mean the same.
    ///
    /// # Errors
    /// What is neither a key nor a list of keys, a line each.
    pub(super) fn read(path: &str, table: &Table) -> Result<Bindings, Vec<String>> {
        let (mut bindings, mut errors) = (Bindings::default(), Vec::new());
        bindings.take(path, "", table, &mut errors);
        if errors.is_empty() { Ok(bindings) } else { Err(errors) }
    }

    fn take(&mut self, path: &str, before: &str, table: &Table, errors: &mut Vec<String>) {
        for (name, value) in table {
            let name = if before.is_empty() { name.clone() } else { format!("{before}.{name}") };
            let keys = match value {
                Value::Table(inner) => {
                    self.take(path, &name, inner, errors);
                    continue;
                }
                Value::String(key) => Some(vec![key.clone()]),
                Value::Array(list) => list.iter().map(|key| key.as_str().map(str::to_owned)).collect(),
                _ => None,
            };
            match keys {
                Some(keys) if keys.is_empty() => {
                    errors.push(format!("{path}.{name} = []: expected a key; \"none\" takes all away"));
                }
                Some(keys) if self.0.contains_key(&name) => {
                    errors.push(format!("{path}.{name} = {keys:?}: it is there twice, with and without quotes"));
                }
                Some(keys) => drop(self.0.insert(name, keys)),
                None => errors.push(format!(
                    "{path}.{name}: expected a key or a list of keys in quotes, e.g. \"P\" or [\"P\", \"F5\"]"
                )),
            }
        }
    }
}

impl<'de> Deserialize<'de> for Bindings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bindings, D::Error> {
        let table = Table::deserialize(deserializer)?;
        Bindings::read("keys", &table).map_err(|errors| serde::de::Error::custom(errors.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Bindings, String> {
        Bindings::read("keys", &text.parse().unwrap()).map_err(|errors| errors.join("\n"))
    }

    #[test]
    fn names_are_read_with_and_without_quotes() {
        let bare = read("load.pause = \"F5\"\nload.stop = [\"S\", \"F6\"]\nhelp = \"F1\"").unwrap();
        let quoted = read("\"load.pause\" = \"F5\"\n\"load.stop\" = [\"S\", \"F6\"]\nhelp = \"F1\"").unwrap();
        assert_eq!(bare, quoted);
        assert_eq!(bare.as_map()["load.stop"], ["S", "F6"]);
    }

    #[test]
    fn what_is_no_key_is_named() {
        let all = read("help = 3\nload.pause = [1]\nquit = []\nback = \"Esc\"").unwrap_err();
        for words in ["keys.help: expected", "keys.load.pause: expected", "keys.quit = []"] {
            assert!(all.contains(words), "{words}\n{all}");
        }
        assert!(read("load.pause = \"a\"\n\"load.pause\" = \"b\"").unwrap_err().contains("twice"));
    }
}
