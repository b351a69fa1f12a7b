//! Messages and their content blocks, in the forms of all families, and the texts that they contain.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::object::{Text, items, object};

/// How deep a tool result may hold content blocks of its own; deeper ones count as plain JSON.
const DEEPEST_RESULT: u8 = 2;

object! {
    /// One turn.
    Message<'a>: "a message object" {
        role: "role" => Text<'a>,
        content: "content" => Content<'a>,
        tool_calls: "tool_calls" => &'a RawValue,
    }
}

object! {
    /// A content block of any family. Converse and Nova name the kind by the key, Anthropic and OpenAI by `type`.
    Block<'a>: "a content block object" {
        kind: "type" => Text<'a>,
        text: "text" => Text<'a>,
        image: "image" => &'a RawValue,
        document: "document" => Document<'a>,
        video: "video" => &'a RawValue,
        audio: "audio" => &'a RawValue,
        tool_use: "toolUse" => &'a RawValue,
        tool_result: "toolResult" => &'a RawValue,
        guard_content: "guardContent" => Guarded<'a>,
        cache_point: "cachePoint" => &'a RawValue,
        reasoning: "reasoningContent" => Reasoning<'a>,
        citations: "citationsContent" => &'a RawValue,
        search_result: "searchResult" => &'a RawValue,
        json: "json" => &'a RawValue,
        tool_addition: "toolAddition" => &'a RawValue,
        tool_removal: "toolRemoval" => &'a RawValue,
        source: "source" => &'a RawValue,
        title: "title" => Text<'a>,
        thinking: "thinking" => Text<'a>,
        input: "input" => &'a RawValue,
        content: "content" => &'a RawValue,
        image_url: "image_url" => &'a RawValue,
        input_audio: "input_audio" => &'a RawValue,
        file: "file" => &'a RawValue,
    }
}

object! {
    Document<'a>: "a document object" {
        format: "format" => Text<'a>,
        source: "source" => Source<'a>,
        context: "context" => Text<'a>,
    }
}

object! {
    /// Where a document comes from: Converse and Anthropic forms.
    Source<'a>: "a source object" {
        kind: "type" => Text<'a>,
        text: "text" => Text<'a>,
        bytes: "bytes" => &'a RawValue,
        content: "content" => &'a RawValue,
        media_type: "media_type" => Text<'a>,
        data: "data" => &'a RawValue,
    }
}

object! {
    Guarded<'a>: "a guarded block object" {
        text: "text" => GuardedText<'a>,
        image: "image" => &'a RawValue,
    }
}

object! {
    GuardedText<'a>: "a guarded text object" {
        text: "text" => Text<'a>,
    }
}

object! {
    Reasoning<'a>: "a reasoning block object" {
        text: "reasoningText" => GuardedText<'a>,
        redacted: "redactedContent" => &'a RawValue,
    }
}

object! {
    ToolResult<'a>: "a tool result object" {
        content: "content" => Content<'a>,
    }
}

/// The content of a turn or a system prompt.
pub(super) enum Content<'a> {
    /// One plain text.
    Plain(Cow<'a, str>),
    /// A list of blocks.
    Blocks(Vec<Block<'a>>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Content<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of content blocks")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Content<'de>, E> {
                Ok(Content::Plain(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Content<'de>, E> {
                Ok(Content::Plain(Cow::Owned(text.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Content<'de>, A::Error> {
                items(seq).map(Content::Blocks)
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

impl Block<'_> {
    /// Whether this is a member of Converse's content block union (facts §1.3).
    pub(super) fn is_converse(&self) -> bool {
        self.text.is_some()
            || self.image.is_some()
            || self.document.is_some()
            || self.video.is_some()
            || self.audio.is_some()
            || self.tool_use.is_some()
            || self.tool_result.is_some()
            || self.guard_content.is_some()
            || self.cache_point.is_some()
            || self.reasoning.is_some()
            || self.citations.is_some()
            || self.search_result.is_some()
            || self.tool_addition.is_some()
            || self.tool_removal.is_some()
    }
}

/// What a request contains that costs tokens.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    pub(super) texts: Vec<Cow<'a, str>>,
    pub(super) other_bytes: u64,
    pub(super) other_tokens: u64,
}

impl<'a> Gathered<'a> {
    /// Takes a text that costs tokens.
    pub(super) fn text(&mut self, text: Cow<'a, str>) {
        if !text.is_empty() {
            self.texts.push(text);
        }
    }

    /// Takes JSON that the model reads as it stands: tool specifications, tool input, schemas.
    pub(super) fn json(&mut self, raw: Option<&'a RawValue>) {
        self.texts.extend(raw.map(|raw| Cow::Borrowed(raw.get())));
    }

    /// Takes the content of a turn or a system prompt.
    pub(super) fn content(&mut self, content: Content<'a>) {
        self.nested(content, 0);
    }

    fn nested(&mut self, content: Content<'a>, depth: u8) {
        match content {
            Content::Plain(text) => self.text(text),
            Content::Blocks(blocks) => blocks.into_iter().for_each(|block| self.block(block, depth)),
        }
    }

    fn block(&mut self, block: Block<'a>, depth: u8) {
        for text in [block.text, block.title, block.thinking].into_iter().flatten() {
            self.text(text.0);
        }
        for raw in [block.tool_use, block.citations, block.search_result, block.json, block.input] {
            self.json(raw);
        }
        for raw in [block.image, block.image_url] {
            self.image(raw);
        }
        for raw in [block.video, block.audio, block.input_audio, block.file] {
            self.attachment(raw, 200);
        }
        if let Some(document) = block.document {
            self.document(document);
        }
        if let Some(guarded) = block.guard_content {
            self.texts.extend(guarded.text.and_then(|text| text.text).map(|text| text.0));
            self.image(guarded.image);
        }
        if let Some(text) = block.reasoning.and_then(|reasoning| reasoning.text).and_then(|text| text.text) {
            self.text(text.0);
        }
        if let Some(raw) = block.tool_result {
            match serde_json::from_str::<ToolResult<'a>>(raw.get()) {
                Ok(ToolResult { content: Some(content), .. }) if depth < DEEPEST_RESULT => {
                    self.nested(content, depth + 1);
                }
                _ => self.json(Some(raw)),
            }
        }
        if let Some(raw) = block.content {
            match serde_json::from_str::<Content<'a>>(raw.get()) {
                Ok(content) if depth < DEEPEST_RESULT => self.nested(content, depth + 1),
                _ => self.json(Some(raw)),
            }
        }
        if let Some(raw) = block.source {
            if block.kind.is_some_and(|kind| kind.0 == "document") {
                let source = serde_json::from_str::<Source<'a>>(raw.get()).unwrap_or_default();
                self.document(Document { source: Some(source), ..Document::default() });
            } else {
                self.image(Some(raw));
            }
        }
    }

    /// A picture costs by its pixels, which only decoding would tell: about 750 pixels a token, at most 1,600 tokens
    /// after the service scales it down (Anthropic's vision guide), and compressed pictures have some 5 pixels a byte.
    fn image(&mut self, raw: Option<&'a RawValue>) {
        if let Some(bytes) = self.encoded(raw) {
            self.other_tokens += (bytes / 150).clamp(85, 1_600);
        }
    }

    /// A document's text costs as text; of a PDF or an office file only the size is known, and about 20 bytes of such
    /// a file carry one token.
    fn document(&mut self, document: Document<'a>) {
        self.texts.extend(document.context.map(|text| text.0));
        let Some(source) = document.source else { return };
        self.texts.extend(source.text.map(|text| text.0));
        self.json(source.content);
        let plain_media = source.media_type.is_some_and(|media| media.0.starts_with("text/"));
        if plain_media || source.kind.is_some_and(|kind| kind.0 == "text") {
            if let Some(Ok(text)) = source.data.map(|raw| serde_json::from_str::<Text<'a>>(raw.get())) {
                self.text(text.0);
            }
        } else {
            let plain = document.format.is_some_and(|f| matches!(&*f.0, "txt" | "md" | "csv" | "html"));
            let bytes_per_token = if plain { 4 } else { 20 };
            self.attachment(source.bytes, bytes_per_token);
            self.attachment(source.data, bytes_per_token);
        }
    }

    fn attachment(&mut self, raw: Option<&'a RawValue>, bytes_per_token: u64) {
        if let Some(bytes) = self.encoded(raw) {
            self.other_tokens += bytes.div_ceil(bytes_per_token);
        }
    }

    /// The size of base64 data, nearly all of the JSON around it.
    fn encoded(&mut self, raw: Option<&'a RawValue>) -> Option<u64> {
        let bytes = raw?.get().len() as u64 * 3 / 4;
        self.other_bytes += bytes;
        Some(bytes)
    }
}
