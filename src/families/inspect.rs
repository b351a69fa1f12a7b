//! What a request body is, whether it can be sent, and what it contains.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::record::Api;

use super::check::{Defect, check};
use super::family::writes_text;
use super::request::Request;
use super::tokens::TokenWalk;
use super::{BodyError, Family, RawEstimate, TextKind, invoke_family};

/// Which API the user wants for the bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiChoice {
    /// Decide by each body.
    #[default]
    Auto,
    /// All are Converse bodies.
    Converse,
    /// All are `InvokeModel` bodies of the model's family.
    Invoke,
}

/// What [`inspect`] found.
#[derive(Clone, Debug)]
pub struct Inspection<'a> {
    /// The operation family that takes this body.
    pub api: Api,
    /// The body's form.
    pub family: Family,
    /// The body's output limit, in tokens.
    pub max_tokens: Option<u64>,
    /// All texts that cost tokens: system prompt, tool specifications, messages, tool calls and results.
    pub texts: Vec<Cow<'a, str>>,
    /// Size of pictures, documents, audio and video, in bytes before base64.
    pub other_bytes: u64,
    /// A rough guess of what those cost, in tokens.
    pub other_tokens: u64,
    /// Turns of the conversation; 1 for text completion.
    pub turns: u32,
    /// A member that batch inference does not take: tools, structured output (facts §2.5).
    pub not_in_batch: Option<&'static str>,
}

/// Tokens that a request has beside its texts: the frame of the conversation, and each turn's role marks.
const FRAME_TOKENS: u64 = 4;
const TURN_TOKENS: u64 = 3;

/// The service's limit on the body of `InvokeModel`, in bytes (facts §1.5).
const LARGEST_BODY: usize = 25_000_000;

impl Inspection<'_> {
    /// The raw guess of the input tokens (before any learning) and the kind of text that it rests on.
    #[must_use]
    pub fn estimate(&self) -> RawEstimate {
        let mut walk = TokenWalk::default();
        self.texts.iter().for_each(|text| walk.text(text));
        let texts = walk.finish();
        let kind = if self.other_tokens > texts.tokens { TextKind::Attachment } else { texts.kind };
        let frame = FRAME_TOKENS + TURN_TOKENS * u64::from(self.turns);
        RawEstimate { tokens: texts.tokens + self.other_tokens + frame, kind }
    }
}

/// Decides what `body` is, checks that it can be sent to `model`, and finds its output limit and texts.
///
/// One pass, borrowing from `body` wherever a text holds no escapes.
///
/// # Errors
/// One line that names the field and what is expected, if the body is not JSON, is of no form that the model takes, or
/// lacks what that form needs.
pub fn inspect<'a>(model: &str, choice: ApiChoice, body: &'a [u8]) -> Result<Inspection<'a>, BodyError> {
    if !writes_text(model) {
        return Err(BodyError::new(format!("model {model} writes no text")));
    }
    if body.len() > LARGEST_BODY {
        let line = format!("the body has {} bytes, the service takes at most {LARGEST_BODY}", body.len());
        return Err(BodyError::new(line));
    }
    let body = std::str::from_utf8(body)
        .map_err(|e| BodyError::new(format!("not UTF-8 at byte {} of the body", e.valid_up_to())))?;
    let request: Request<'a> = serde_json::from_str(body).map_err(|e| unreadable(body, &e))?;
    let converse = match choice {
        ApiChoice::Auto => !request.has_invoke_mark(),
        ApiChoice::Converse => true,
        ApiChoice::Invoke => false,
    };
    let form = if converse { Some(Family::Converse) } else { request.invoke_form(model) };
    let Some(family) = form else {
        let line = "neither the body nor the model's id tells its family; a Converse body (messages) would do";
        return Err(BodyError::new(format!("not an InvokeModel body of a known family: {line}")));
    };
    let not_in_batch = request.not_in_batch();
    let (max_tokens, turns, gathered) = check(model, family, request).map_err(|defect| match (defect, choice) {
        (Defect::Value(line), _) => BodyError::new(line),
        (Defect::Form(line), ApiChoice::Auto) => {
            let invoke = if converse { invoke_family(model) } else { Some(family) };
            let invoke = invoke.map_or("a known family", Family::name);
            BodyError::new(format!("neither a Converse body nor an InvokeModel body of {invoke}: {line}"))
        }
        (Defect::Form(line), ApiChoice::Converse) => BodyError::new(format!("not a Converse body: {line}")),
        (Defect::Form(line), ApiChoice::Invoke) => {
            BodyError::new(format!("not an InvokeModel body of {family}: {line}"))
        }
    })?;
    Ok(Inspection {
        api: if family == Family::Converse { Api::Converse } else { Api::Invoke },
        family,
        max_tokens,
        texts: gathered.texts,
        other_bytes: gathered.other_bytes,
        other_tokens: gathered.other_tokens,
        turns,
        not_in_batch,
    })
}

/// A reading error in the user's words: the position where the JSON itself is broken, else the path of the field.
fn unreadable(body: &str, error: &serde_json::Error) -> BodyError {
    if let Err(broken) = serde_json::from_str::<IgnoredAny>(body) {
        return BodyError::new(format!("not JSON: {broken}"));
    }
    let line = error.to_string();
    let line = line.rsplit_once(" at line ").map_or(line.as_str(), |(line, _)| line);
    match line.strip_prefix('.') {
        Some(field) => BodyError::new(field),
        None => BodyError::new(format!("the body is not usable: {line}")),
    }
}
