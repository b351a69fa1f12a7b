//! What is typed behind `/`: words that a row must contain, and conditions on its fields.
//!
//! `west status:throttle tokens>1000` keeps rows that contain `west` somewhere, whose status contains `throttle` and
//! that have more than 1000 tokens. Case does not matter. A list says which fields its rows have in a table of
//! [`Field`]s; what looks like a condition on a field that it does not have is searched for as it stands, since model
//! ids and ARNs have colons too.

use std::borrow::Cow;
use std::fmt::Write;

use crate::engine::{JournalLine, RequestView};

use super::entry::number;
use super::lists::level_name;

/// What a field of a row says.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// Words: `field:part`. Plain words are looked for in all of these.
    Text(Cow<'a, str>),
    /// A number: `field>10`, `field<=1k`, `field:3`; `None` if it is not known, which meets no condition.
    Number(Option<f64>),
}

impl<'a> From<&'a str> for FieldValue<'a> {
    fn from(text: &'a str) -> Self {
        FieldValue::Text(Cow::Borrowed(text))
    }
}

/// A field of the rows of a list.
#[derive(Debug)]
pub struct Field<T> {
    /// How it is typed.
    pub name: &'static str,
    /// What a row has there.
    pub of: fn(&T) -> FieldValue<'_>,
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

/// The signs, longer ones first: `>=` begins with `>`.
const SIGNS: [(&str, Compare); 6] = [
    (">=", Compare::AtLeast),
    ("<=", Compare::AtMost),
    (">", Compare::More),
    ("<", Compare::Less),
    ("=", Compare::Equal),
    (":", Compare::Equal),
];

impl Compare {
    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Compare::Less => value < limit,
            Compare::AtMost => value <= limit,
            Compare::Equal => value == limit,
            Compare::AtLeast => value >= limit,
            Compare::More => value > limit,
        }
    }
}

/// A condition on one field.
struct Condition<T: 'static> {
    field: &'static Field<T>,
    sign: Compare,
    wanted: String,
    number: Option<f64>,
}

impl<T> Condition<T> {
    fn holds(&self, row: &T) -> bool {
        match (self.field.of)(row) {
            FieldValue::Text(text) => text.to_lowercase().contains(&self.wanted),
            FieldValue::Number(value) => match (value, self.number) {
                (Some(value), Some(limit)) => self.sign.holds(value, limit),
                (None, Some(_)) => false,
                // Not a number, or not yet: it is said beside the field, and hides nothing.
                (_, None) => true,
            },
        }
    }
}

/// A filter, read.
pub struct Filter<T: 'static> {
    fields: &'static [Field<T>],
    words: Vec<String>,
    conditions: Vec<Condition<T>>,
    /// What a word is that looks like a condition and is none.
    unknown: Option<String>,
}

impl<T> Filter<T> {
    /// Reads a filter for rows with these fields.
    #[must_use]
    pub fn new(text: &str, fields: &'static [Field<T>]) -> Filter<T> {
        let mut filter = Filter { fields, words: Vec::new(), conditions: Vec::new(), unknown: None };
        for word in text.split_whitespace() {
            filter.add(&word.to_lowercase());
        }
        filter
    }

    fn add(&mut self, word: &str) {
        let name_end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(word.len());
        let (name, rest) = word.split_at(name_end);
        let sign = SIGNS.into_iter().find_map(|(sign, compare)| Some((rest.strip_prefix(sign)?, compare)));
        let Some((wanted, sign)) = sign.filter(|_| !name.is_empty()) else {
            return self.words.push(word.to_owned());
        };
        let Some(field) = self.fields.iter().find(|field| field.name == name) else {
            self.unknown.get_or_insert_with(|| name.to_owned());
            return self.words.push(word.to_owned());
        };
        let number = number(wanted).ok();
        self.conditions.push(Condition { field, sign, wanted: wanted.to_owned(), number });
    }

    /// Whether a row is kept.
    #[must_use]
    pub fn keeps(&self, row: &T) -> bool {
        if !self.conditions.iter().all(|condition| condition.holds(row)) {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        let texts: Vec<String> = self
            .fields
            .iter()
            .filter_map(|field| match (field.of)(row) {
                FieldValue::Text(text) => Some(text.to_lowercase()),
                FieldValue::Number(_) => None,
            })
            .collect();
        self.words.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
    }

    /// One line about it: what is wrong, or else which fields there are.
    ///
    /// # Errors
    /// The line, if something is wrong.
    pub fn remark(&self, example: Option<&T>) -> Result<String, String> {
        let number = |field: &Field<T>| example.is_some_and(|row| matches!((field.of)(row), FieldValue::Number(_)));
        if let Some(unknown) = &self.unknown {
            return Err(format!("no field `{unknown}`: {}", self.names(number)));
        }
        let bad = |condition: &&Condition<T>| {
            number(condition.field) && condition.number.is_none() && !condition.wanted.is_empty()
        };
        if let Some(condition) = self.conditions.iter().find(bad) {
            return Err(format!("{} is a number: `{}` is none", condition.field.name, condition.wanted));
        }
        Ok(format!("words, {}", self.names(number)))
    }

    fn names(&self, number: impl Fn(&Field<T>) -> bool) -> String {
        let mut names = String::new();
        for field in self.fields {
            let sign = if number(field) { '>' } else { ':' };
            // Writing to a string cannot fail.
            let _ = write!(names, "{}{}{sign}", if names.is_empty() { "" } else { " " }, field.name);
        }
        names
    }
}

fn tokens(request: &RequestView, of: fn(&crate::record::Usage) -> u64) -> FieldValue<'static> {
    FieldValue::Number(request.usage.as_ref().map(|usage| of(usage) as f64))
}

/// The fields of finished records.
pub const REQUEST: &[Field<RequestView>] = &[
    Field { name: "id", of: |request| request.id.as_str().into() },
    Field {
        name: "status",
        of: |request| match &request.failure {
            Some((class, _)) => FieldValue::Text(format!("failed {}", class.label()).into()),
            None => "ok".into(),
        },
    },
    Field { name: "region", of: |request| request.route.region.as_str().into() },
    Field { name: "model", of: |request| request.route.model.as_str().into() },
    Field { name: "priority", of: |request| request.priority.name().into() },
    Field {
        name: "message",
        of: |request| request.failure.as_ref().map_or("", |(_, message)| message.as_str()).into(),
    },
    Field { name: "request-id", of: |request| request.request_id.as_deref().unwrap_or("").into() },
    Field { name: "attempts", of: |request| FieldValue::Number(Some(f64::from(request.attempts))) },
    Field { name: "ms", of: |request| FieldValue::Number(Some(request.response.0 as f64 / 1_000.0)) },
    Field { name: "in", of: |request| tokens(request, |usage| usage.input + usage.cache_read + usage.cache_write) },
    Field { name: "out", of: |request| tokens(request, |usage| usage.output) },
    Field {
        name: "tokens",
        of: |request| tokens(request, |usage| usage.input + usage.cache_read + usage.cache_write + usage.output),
    },
];

/// The fields of the log's lines.
pub const LINE: &[Field<JournalLine>] = &[
    Field { name: "level", of: |line| level_name(line.level).into() },
    Field { name: "text", of: |line| line.text.as_str().into() },
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::console::ui::fixtures;

    fn kept(text: &str) -> Vec<RequestView> {
        let filter = Filter::new(text, REQUEST);
        fixtures::running().recent.iter().filter(|row| filter.keeps(row)).cloned().collect()
    }

    #[test]
    fn conditions_on_fields_stand_beside_plain_words() {
        let all = kept("");
        let failed = kept("status:failed");
        assert!(!failed.is_empty() && failed.len() < all.len());
        assert!(failed.iter().all(|row| row.failure.is_some()));
        let west = kept("STATUS:failed west");
        assert!(west.iter().all(|row| row.failure.is_some() && row.route.region.as_str().contains("west")));
        assert_eq!(kept("status:ok").len() + failed.len(), all.len());
        assert!(kept("attempts>1").iter().all(|row| row.attempts > 1));
        assert_eq!(kept("attempts>1").len() + kept("attempts<=1").len(), all.len());
        let large = kept("tokens>0.5k");
        assert!(large.iter().all(|row| row.usage.is_some_and(|usage| usage.input + usage.output > 500)));
        assert!(!kept("region:us-east-1 model:haiku").is_empty());
    }

    #[test]
    fn what_looks_like_a_field_and_is_none_is_searched_for_and_said() {
        let remark = |text: &str| Filter::new(text, REQUEST).remark(fixtures::running().recent.first());
        assert!(remark("").unwrap().contains("status: region:"));
        assert!(remark("ms>").is_ok(), "half typed is not wrong");
        let why = remark("colour:red").unwrap_err();
        assert!(why.contains("`colour`") && why.contains("attempts>"), "{why}");
        assert!(remark("ms>soon").unwrap_err().contains("`soon`"));
        // A colon within a model id belongs to the id.
        assert!(!kept("haiku-20240307-v1:0").is_empty());
        assert!(kept("colour:red").is_empty());
    }

    proptest! {
        #[test]
        fn any_filter_can_be_read(text in ".{0,60}") {
            let filter = Filter::new(&text, REQUEST);
            let _ = filter.remark(None);
            for row in fixtures::running().recent.iter() {
                let _ = filter.keeps(row);
            }
        }
    }
}
