//! Checks a TOML document against a description of its keys, and names everything that is wrong at once.

use std::fmt;
use std::ops::RangeInclusive;

use toml::{Table, Value};

use super::bindings::{Bindings, JudgeBindings};

/// A key that may appear in a table.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What may stand behind it.
    pub kind: Kind,
}

/// What may stand behind a key.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number in a range.
    Whole(RangeInclusive<i64>),
    /// A number in a range.
    Number(RangeInclusive<f64>),
    /// One of these words.
    Choice(Vec<&'static str>),
    /// A list of texts.
    Texts,
    /// A list of some of these words.
    Choices(Vec<&'static str>),
    /// A table.
    Table(Vec<Key>),
    /// A list of tables (`[[name]]`).
    Tables(Vec<Key>),
    /// Tables under names of the user's (`[name.ANYTHING]`).
    Named(Vec<Key>),
    /// Names of actions and their keys, which somebody else can judge.
    Bindings(JudgeBindings),
}

/// Everything that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The file's name.
    pub file: String,
    /// One line each.
    pub errors: Vec<String>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = if self.errors.len() == 1 { "error" } else { "errors" };
        writeln!(f, "{}: {} {many}", self.file, self.errors.len())?;
        for error in &self.errors {
            writeln!(f, "  {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Parses `text` and checks it against `keys`.
///
/// # Errors
/// All of them: syntax (then only that), unknown keys, wrong types, values out of range.
pub fn check(file: &str, text: &str, keys: &[Key]) -> Result<Table, ConfigErrors> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| ConfigErrors {
        file: file.to_string(),
        errors: vec![error.to_string().trim().replace('\n', "\n  ")],
    })?;
    let mut errors = Vec::new();
    check_table(&table, keys, "", &mut errors);
    if errors.is_empty() { Ok(table) } else { Err(ConfigErrors { file: file.to_string(), errors }) }
}

fn check_table(table: &Table, keys: &[Key], path: &str, errors: &mut Vec<String>) {
    for (name, value) in table {
        let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match keys.iter().find(|key| key.name == name) {
            Some(key) => check_value(value, &key.kind, &here, errors),
            None => errors.push(unknown(&here, name, keys)),
        }
    }
}

fn unknown(here: &str, name: &str, keys: &[Key]) -> String {
    let near = keys
        .iter()
        .map(|key| (strsim::jaro_winkler(name, key.name), key.name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, near)) => format!("{here}: unknown key; did you mean `{near}`?"),
        None => {
            let known: Vec<&str> = keys.iter().map(|key| key.name).collect();
            format!("{here}: unknown key; known here: {}", known.join(", "))
        }
    }
}

fn check_value(value: &Value, kind: &Kind, here: &str, errors: &mut Vec<String>) {
    let mut wrong = |allowed: String| errors.push(format!("{here} = {}: {allowed}", shorten(value)));
    match (kind, value) {
        (Kind::Text, Value::String(_)) | (Kind::Bool, Value::Boolean(_)) => {}
        (Kind::Text, _) => wrong("expected a text in quotes".into()),
        (Kind::Bool, _) => wrong("expected true or false".into()),
        (Kind::Whole(range), Value::Integer(number)) if range.contains(number) => {}
        (Kind::Whole(range), _) => {
            wrong(format!("expected a whole number from {} to {}", range.start(), range.end()));
        }
        (Kind::Number(range), Value::Float(number)) if range.contains(number) => {}
        (Kind::Number(range), Value::Integer(number)) if range.contains(&(*number as f64)) => {}
        (Kind::Number(range), _) => wrong(format!("expected a number from {} to {}", range.start(), range.end())),
        (Kind::Choice(words), Value::String(word)) => {
            if !words.contains(&word.as_str()) {
                let near = words
                    .iter()
                    .map(|known| (strsim::jaro_winkler(word, known), *known))
                    .filter(|(likeness, _)| *likeness > 0.8)
                    .max_by(|a, b| a.0.total_cmp(&b.0));
                let hint = near.map_or(String::new(), |(_, near)| format!("; did you mean `{near}`?"));
                wrong(format!("expected one of {}{hint}", words.join(", ")));
            }
        }
        (Kind::Choice(words), _) => wrong(format!("expected one of {}", words.join(", "))),
        (Kind::Texts, Value::Array(list)) if list.iter().all(Value::is_str) => {}
        (Kind::Texts, _) => wrong("expected a list of texts, e.g. [\"a\", \"b\"]".into()),
        (Kind::Choices(words), Value::Array(list)) => {
            for (index, value) in list.iter().enumerate() {
                check_value(value, &Kind::Choice(words.clone()), &format!("{here}[{index}]"), errors);
            }
        }
        (Kind::Choices(words), _) => {
            wrong(format!("expected a list of words, e.g. {:?}", &words[..words.len().min(2)]))
        }
        (Kind::Table(keys), Value::Table(table)) => check_table(table, keys, here, errors),
        (Kind::Table(_), _) => wrong(format!("expected a table: [{here}]")),
        (Kind::Tables(keys), Value::Array(list)) if list.iter().all(Value::is_table) => {
            for (index, table) in list.iter().filter_map(Value::as_table).enumerate() {
                check_table(table, keys, &format!("{here}[{index}]"), errors);
            }
        }
        (Kind::Tables(_), _) => wrong(format!("expected tables: [[{here}]]")),
        (Kind::Named(keys), Value::Table(table)) => {
            for (name, value) in table {
                check_value(value, &Kind::Table(keys.clone()), &format!("{here}.{name}"), errors);
            }
        }
        (Kind::Bindings(judge), Value::Table(table)) => match Bindings::read(here, table) {
            Ok(bindings) => errors.extend(judge(bindings.as_map())),
            Err(wrong) => errors.extend(wrong),
        },
        (Kind::Bindings(_), _) => wrong(format!("expected a table: [{here}]")),
        (Kind::Named(_), _) => wrong(format!("expected tables: [{here}.NAME]")),
    }
}

fn shorten(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 40 { format!("{}...", text.chars().take(40).collect::<String>()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<Key> {
        vec![
            Key { name: "seed", kind: Kind::Whole(0..=100) },
            Key { name: "speed", kind: Kind::Number(0.1..=1e3) },
            Key {
                name: "quota",
                kind: Kind::Tables(vec![
                    Key { name: "model", kind: Kind::Text },
                    Key { name: "meter", kind: Kind::Choice(vec!["bucket", "minute"]) },
                ]),
            },
            Key { name: "accounts", kind: Kind::Named(vec![Key { name: "read_only", kind: Kind::Bool }]) },
        ]
    }

    #[test]
    fn every_error_is_named_at_once() {
        let text = "sead = 1\nspeed = \"fast\"\nseed = 101\n[[quota]]\nmodel = 3\nmeter = \"buckett\"\n[accounts.1]\nread_only = 1";
        let errors = check("s.toml", text, &keys()).unwrap_err().errors;
        let has = |part: &str| assert!(errors.iter().any(|error| error.contains(part)), "{part}: {errors:#?}");
        assert_eq!(errors.len(), 6, "{errors:#?}");
        has("sead: unknown key; did you mean `seed`?");
        has("speed = \"fast\": expected a number from 0.1 to 1000");
        has("seed = 101: expected a whole number from 0 to 100");
        has("quota[0].model = 3: expected a text");
        has("quota[0].meter = \"buckett\": expected one of bucket, minute; did you mean `bucket`?");
        has("accounts.1.read_only = 1: expected true or false");
    }

    #[test]
    fn what_is_right_passes_and_syntax_is_named_with_its_line() {
        assert!(check("s.toml", "seed = 3\nspeed = 2\n[[quota]]\nmodel = \"m\"", &keys()).is_ok());
        let errors = check("s.toml", "seed = \n", &keys()).unwrap_err();
        assert!(errors.to_string().contains("line 1"), "{errors}");
        let errors = check("s.toml", "quota = 3", &keys()).unwrap_err();
        assert!(errors.to_string().contains("[[quota]]"), "{errors}");
    }
}
