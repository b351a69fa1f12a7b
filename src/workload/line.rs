//! One line of input: what it says, and whether it can be sent.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::families::{self, ApiChoice, Family};
use crate::record::{Api, Body, Micros, ModelId, Priority};

use super::RunClock;

/// The longest line that is read: room for the largest request that the service takes (25 MB, facts §1).
pub const MAX_LINE: usize = 25 * 1024 * 1024;
/// The longest recordId.
const MAX_ID: usize = 1024;

/// How the lines of an input are understood.
#[derive(Clone, Debug)]
pub struct InputOptions {
    /// Where the records may be sent; a body must fit all of them. Empty: bodies are judged by themselves.
    pub models: Vec<ModelId>,
    /// Which API the bodies are for.
    pub api: ApiChoice,
    /// The most output tokens that a record may ask for: put in where there is no limit, lowered where it is larger.
    pub max_tokens: Option<u64>,
    /// The class of records that name none.
    pub priority: Priority,
    /// Unusable lines go to the failed file instead of ending the run.
    pub skip_invalid: bool,
}

/// When a result is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// At a time of day: an RFC 3339 time in the input.
    At(Timestamp),
    /// So long after the run began, its first start if it was resumed: `90s`, `15m`, `1h 30m`, `PT15M` in the input.
    After(Micros),
}

impl Deadline {
    /// On the run's clock, for a run that began at `begun`.
    #[must_use]
    pub fn on(self, clock: &RunClock, begun: Timestamp) -> Micros {
        match self {
            Deadline::At(time) => clock.at_utc(time),
            Deadline::After(span) => {
                let span = SignedDuration::from_micros(i64::try_from(span.0).unwrap_or(i64::MAX));
                clock.at_utc(begun.checked_add(span).unwrap_or(Timestamp::MAX))
            }
        }
    }

    fn parse(text: &str) -> Option<Deadline> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Some(Deadline::At(time));
        }
        let span: SignedDuration = text.parse().ok()?;
        u64::try_from(span.as_micros()).ok().map(|micros| Deadline::After(Micros(micros)))
    }
}

/// The members of a line that mean something to us; others are the user's own and are passed over. Values are kept as
/// they stand, so that a message can say what is wrong without repeating what is in them.
#[derive(Deserialize)]
pub struct Shape<'a> {
    #[serde(borrow, rename = "recordId")]
    record_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "modelInput")]
    model_input: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
    #[serde(borrow)]
    max_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    priority: Option<&'a RawValue>,
    #[serde(borrow)]
    deadline: Option<&'a RawValue>,
}

/// What a line's record needs of the limiter and the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its class.
    pub priority: Priority,
    /// When its result is wanted.
    pub deadline: Option<Deadline>,
    /// The form of its body.
    pub family: Family,
    /// Its output limit, as it will be sent.
    pub max_tokens: Option<u64>,
    /// The raw estimate of its input tokens.
    pub raw_input: u64,
    /// What kind of text that rests on.
    pub text_kind: u8,
}

/// Why a line is unusable: one readable line that repeats no prompt.
pub type Reason = String;

/// The text of a line as JSON understands it, without the white space around it.
///
/// # Errors
/// If it is not UTF-8.
pub fn text(line: &[u8]) -> Result<&str, Reason> {
    match std::str::from_utf8(line) {
        Ok(text) => Ok(text.trim_matches([' ', '\t', '\r', '\n'])),
        Err(e) => Err(format!("not UTF-8 at byte {}", e.valid_up_to() + 1)),
    }
}

impl<'a> Shape<'a> {
    /// Reads the outline of a line.
    ///
    /// # Errors
    /// If it is not one JSON object.
    pub fn read(text: &'a str) -> Result<Shape<'a>, Reason> {
        if !text.starts_with('{') {
            return Err("not a JSON object".to_owned());
        }
        serde_json::from_str(text).map_err(|e| {
            let e = e.to_string().replace(" at line 1 column ", " at byte ");
            format!("not usable JSON: {e}")
        })
    }

    /// The record's name, if the line gives one.
    ///
    /// # Errors
    /// If it is no name.
    pub fn id(&self) -> Result<Option<Cow<'a, str>>, Reason> {
        let Some(raw) = self.record_id else { return Ok(None) };
        match string(raw) {
            Some(id) if id.is_empty() => Err("`recordId` is empty".to_owned()),
            Some(id) if id.len() > MAX_ID => {
                Err(format!("`recordId` is {} bytes long; at most {MAX_ID} are taken", id.len()))
            }
            Some(id) => Ok(Some(id)),
            None => Err(no_string("recordId", raw)),
        }
    }

    /// It is a prompt, not a body.
    #[must_use]
    pub fn is_prompt(&self) -> bool {
        self.prompt.is_some()
    }

    fn priority(&self) -> Result<Option<Priority>, Reason> {
        let Some(raw) = self.priority else { return Ok(None) };
        let name = string(raw);
        let known = Priority::ALL.into_iter().find(|priority| name.as_deref() == Some(priority.name()));
        match (known, name) {
            (Some(priority), _) => Ok(Some(priority)),
            (None, Some(name)) => Err(format!("`priority` is high, medium or low, not {}", quoted(&name))),
            (None, None) => Err(format!("`priority` is \"high\", \"medium\" or \"low\", not {}", kind(raw))),
        }
    }

    fn deadline(&self) -> Result<Option<Deadline>, Reason> {
        let Some(raw) = self.deadline else { return Ok(None) };
        match string(raw) {
            Some(text) => Deadline::parse(&text).map(Some).ok_or_else(|| {
                format!(
                    "`deadline` is an RFC 3339 time (2026-01-31T06:00:00Z) or a span from the start (90s, 15m, 1h 30m), \
                     not {}",
                    quoted(&text)
                )
            }),
            None => Err(no_string("deadline", raw)),
        }
    }

    fn max_tokens(&self) -> Result<Option<u64>, Reason> {
        let Some(raw) = self.max_tokens else { return Ok(None) };
        match raw.get().parse::<u64>() {
            Ok(n) if n > 0 => Ok(Some(n)),
            _ => Err("`max_tokens` must be a whole number above 0".to_owned()),
        }
    }
}

/// Judges lines by one set of options.
#[derive(Clone, Debug)]
pub struct Judge {
    options: InputOptions,
    /// Models whose InvokeModel bodies have another form than the first one's, so that a body must be tried on them.
    others: Vec<ModelId>,
    /// The records are for a batch job: what that does not take is an error.
    for_batch: bool,
}

/// A body as it stands in a line, or as we made it.
enum Given<'a> {
    Raw(&'a str),
    Made(String),
}

impl Given<'_> {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Given::Raw(text) => text.as_bytes(),
            Given::Made(text) => text.as_bytes(),
        }
    }
}

impl Judge {
    /// A judge by these options.
    #[must_use]
    pub fn new(options: InputOptions) -> Judge {
        let first = options.models.first().map(ModelId::as_str).and_then(families::invoke_family);
        let differs = |model: &&ModelId| families::invoke_family(model.as_str()) != first;
        let others = options.models.iter().skip(1).filter(differs).cloned().collect();
        Judge { options, others, for_batch: false }
    }

    /// This judge, for records of batch jobs.
    #[must_use]
    pub fn for_batch(self) -> Judge {
        Judge { for_batch: true, ..self }
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &InputOptions {
        &self.options
    }

    /// What the record of a line needs.
    ///
    /// # Errors
    /// If it cannot be sent.
    pub fn facts(&self, shape: &Shape<'_>) -> Result<Facts, Reason> {
        shape.id()?;
        let priority = shape.priority()?.unwrap_or(self.options.priority);
        let deadline = shape.deadline()?;
        let given = Self::given(shape)?;
        let (family, own, raw_input, text_kind) = self.inspect(given.as_bytes())?;
        Ok(Facts { priority, deadline, family, max_tokens: self.limit(own), raw_input, text_kind })
    }

    /// The body of a line, as it will be sent: byte for byte what the line holds, unless the output limit must be
    /// changed. `line` is what `shape` was read from. `facts` may be what an earlier look at this line found.
    ///
    /// # Errors
    /// If it cannot be sent.
    pub fn body(&self, line: &Bytes, shape: &Shape<'_>, facts: &Facts) -> Result<Body, Reason> {
        let given = Self::given(shape)?;
        let json = match (self.options.max_tokens, given) {
            (None, Given::Raw(text)) => line.slice_ref(text.as_bytes()),
            (None, Given::Made(text)) => Bytes::from(text),
            (Some(_), given) => {
                let (_, own, ..) = self.inspect(given.as_bytes())?;
                match (facts.max_tokens, given) {
                    (Some(n), given) if own != Some(n) => {
                        let mut body = serde_json::from_slice(given.as_bytes())
                            .map_err(|e| format!("the body cannot take another output limit: {e}"))?;
                        families::set_max_tokens(facts.family, &mut body, n);
                        Bytes::from(body.to_string())
                    }
                    (_, Given::Raw(text)) => line.slice_ref(text.as_bytes()),
                    (_, Given::Made(text)) => Bytes::from(text),
                }
            }
        };
        Ok(Body {
            family: facts.family,
            json,
            max_tokens: facts.max_tokens,
            raw_input: facts.raw_input,
            text_kind: facts.text_kind,
        })
    }

    /// The output limit that is sent for a record that has `own`.
    fn limit(&self, own: Option<u64>) -> Option<u64> {
        match (own, self.options.max_tokens) {
            (Some(own), Some(most)) => Some(own.min(most)),
            (own, most) => own.or(most),
        }
    }

    fn given<'a>(shape: &Shape<'a>) -> Result<Given<'a>, Reason> {
        match (shape.model_input, shape.prompt) {
            (Some(_), Some(_)) => Err("has both `modelInput` and `prompt`; one of them is the request".to_owned()),
            (None, None) => Err("has neither `modelInput` nor `prompt`".to_owned()),
            (Some(body), None) if !body.get().starts_with('{') => {
                Err(format!("`modelInput` must be an object, not {}", kind(body)))
            }
            (Some(_), None) if shape.max_tokens.is_some() => {
                Err("`max_tokens` beside `modelInput` has no effect; put the limit into modelInput".to_owned())
            }
            (Some(body), None) => Ok(Given::Raw(body.get())),
            (None, Some(prompt)) => {
                let max_tokens = shape.max_tokens()?;
                let text = string(prompt).ok_or_else(|| no_string("prompt", prompt))?;
                if text.trim().is_empty() {
                    return Err("`prompt` is blank".to_owned());
                }
                Ok(Given::Made(families::converse_text(prompt, max_tokens)))
            }
        }
    }

    fn inspect(&self, body: &[u8]) -> Result<(Family, Option<u64>, u64, u8), Reason> {
        let model = self.options.models.first().map_or("", ModelId::as_str);
        let found = families::inspect(model, self.options.api, body).map_err(|e| e.to_string())?;
        if let Some(member) = found.not_in_batch.filter(|_| self.for_batch) {
            return Err(format!("`{member}`: batch inference takes neither tools nor structured output"));
        }
        if found.api == Api::Invoke {
            for other in &self.others {
                let family = families::inspect(other.as_str(), self.options.api, body).map(|found| found.family);
                if family.as_ref().ok() != Some(&found.family) {
                    return Err(format!("an InvokeModel body for {model} does not fit {other}; use a Converse body"));
                }
            }
        }
        let estimate = found.estimate();
        Ok((found.family, found.max_tokens, estimate.tokens, estimate.kind.index()))
    }
}

/// The string in a raw JSON value, if it is one.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(text).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// Why a raw JSON value is no string.
fn no_string(name: &str, raw: &RawValue) -> Reason {
    if raw.get().starts_with('"') {
        format!("`{name}` has an escape that is no character (half of a pair)")
    } else {
        format!("`{name}` must be a string, not {}", kind(raw))
    }
}

/// What a raw JSON value is, in words.
fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        _ => "a number",
    }
}

/// A short value that is safe to print.
pub fn quoted(text: &str) -> impl fmt::Display {
    const MOST: usize = 48;
    let cut = text.floor_char_boundary(MOST);
    let dots = if cut < text.len() { "…" } else { "" };
    format!("{:?}{dots}", &text[..cut])
}

#[cfg(test)]
mod tests;
