//! The lines of a recording: a header, then messages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::Effective;
use crate::console::app::memory::Memory;
use crate::console::app::{ModelPrice, Msg};
use crate::console::keys::Overrides;
use crate::control::AgreedPrice;
use crate::record::Micros;

use super::delta;

/// The format that this program writes and reads.
pub const FORMAT: u32 = 1;

/// The first line: what the console started from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The format.
    pub recording: u32,
    /// The program's version.
    pub program: String,
    /// When it began, UTC, milliseconds since 1970.
    pub utc_ms: i64,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The theme.
    pub theme: String,
    /// Names of the themes.
    pub themes: Vec<String>,
    /// Prices of the models in use.
    pub prices: Vec<ModelPrice>,
    /// Prices of model units by configuration.
    pub agreed_prices: Vec<AgreedPrice>,
    /// The keys that the operator had changed; absent before keys could be changed.
    #[serde(default, skip_serializing_if = "Overrides::is_empty")]
    pub keys: Overrides,
    /// The settings in force.
    #[serde(default)]
    pub settings: Vec<Effective>,
    /// What the console had kept of the time before.
    #[serde(default)]
    pub memory: Memory,
    /// Whether it began with everything private masked.
    #[serde(default)]
    pub private: bool,
    /// Names of warnings that were muted from the start.
    #[serde(default)]
    pub muted: Vec<String>,
}

impl Header {
    /// The header of a recording that begins now.
    #[must_use]
    pub fn new(utc_ms: i64, size: (u16, u16), theme: &str) -> Header {
        Header {
            recording: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            utc_ms,
            size,
            theme: theme.to_owned(),
            themes: Vec::new(),
            prices: Vec::new(),
            agreed_prices: Vec::new(),
            keys: Overrides::new(),
            settings: Vec::new(),
            memory: Memory::default(),
            private: false,
            muted: Vec::new(),
        }
    }
}

/// A line after the header.
#[derive(Serialize, Deserialize)]
struct Line {
    t: Micros,
    msg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is: Option<Value>,
}

/// Turns messages into lines.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    last: BTreeMap<String, Value>,
}

impl Encoder {
    /// The line of a message, without its end.
    pub fn line(&mut self, t: Micros, msg: &Msg) -> serde_json::Result<String> {
        let (name, content) = match serde_json::to_value(msg)? {
            Value::Object(one) => one.into_iter().next().unwrap_or_default(),
            Value::String(name) => (name, Value::Null),
            other => (other.to_string(), Value::Null),
        };
        let last = self.last.entry(name.clone()).or_default();
        let is = delta::change(last, &content);
        *last = content;
        serde_json::to_string(&Line { t, msg: name, is })
    }
}

/// Turns lines into messages.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    last: BTreeMap<String, Value>,
}

impl Decoder {
    /// The message of a line; the error is a few words.
    pub fn msg(&mut self, line: &str) -> Result<(Micros, Msg), String> {
        let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let content = self.last.entry(line.msg.clone()).or_default();
        if let Some(is) = line.is {
            delta::apply(content, is)
                .map_err(|delta::Misfit| "it does not follow from what is before it".to_owned())?;
        }
        let msg = if content.is_null() {
            Msg::deserialize(Value::String(line.msg))
        } else {
            // Lent to the wrapping for the time of reading.
            let mut one = Map::new();
            one.insert(line.msg.clone(), std::mem::take(content));
            let whole = Value::Object(one);
            let msg = Msg::deserialize(&whole);
            if let Value::Object(mut one) = whole
                && let Some(back) = one.remove(&line.msg)
            {
                *content = back;
            }
            msg
        };
        Ok((line.t, msg.map_err(|error| error.to_string())?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::console::keys::Chord;
    use crate::console::ui::fixtures;

    fn json(msg: &Msg) -> String {
        serde_json::to_string(msg).unwrap()
    }

    #[test]
    fn every_message_comes_back_as_it_was() {
        let mut messages: Vec<Msg> =
            fixtures::all().into_iter().map(|(_, snapshot)| Msg::Snapshot(Arc::new(snapshot))).collect();
        messages.insert(2, Msg::Key(Chord::ctrl('z')));
        messages.insert(3, Msg::Tick);
        messages.push(Msg::Control(Arc::new(fixtures::account().0)));
        messages.push(Msg::Written(Err("disk full".into())));
        messages.push(Msg::Control(Arc::new(fixtures::nothing().0)));
        messages.extend([Msg::Resize(3, 4), Msg::Resize(3, 5), Msg::Resumed, Msg::Terminate, Msg::Hangup]);
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        for (at, msg) in messages.iter().enumerate() {
            let line = encoder.line(Micros(at as u64), msg).unwrap();
            let (t, back) = decoder.msg(&line).unwrap();
            assert_eq!(t, Micros(at as u64));
            assert_eq!(json(&back), json(msg));
        }
    }

    #[test]
    fn what_did_not_change_is_not_written_again() {
        let mut encoder = Encoder::default();
        let mut snapshot = fixtures::running();
        let whole = encoder.line(Micros(0), &Msg::Snapshot(Arc::new(snapshot.clone()))).unwrap().len();
        snapshot.flow.in_flight += 1;
        snapshot.at = snapshot.at + Micros(100_000);
        let change = encoder.line(Micros(1), &Msg::Snapshot(Arc::new(snapshot))).unwrap();
        assert!(whole > 10_000 && change.len() < 200, "{whole} {change}");
    }

    #[test]
    fn damage_is_said_and_survived() {
        let mut decoder = Decoder::default();
        for line in ["", "{", "{}", r#"{"t":1,"msg":"Snapshot"}"#, r#"{"t":1,"msg":"Key","is":{"i":{"0":{"=":1}}}}"#] {
            assert!(decoder.msg(line).is_err(), "{line}");
        }
        assert!(decoder.msg(r#"{"t":1,"msg":"Tick"}"#).is_ok());
    }
}
